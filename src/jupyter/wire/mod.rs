//! The Jupyter wire format: frames, signatures, headers and message contents, as pure functions over
//! bytes. It knows no sockets, no session and no guest, and everything it parses is hostile until the
//! signature has been checked.
//!
//! Nothing here models a whole message on typed structs that would drop what they do not know: headers
//! are kept as the bytes that came (they are echoed as parent headers), contents are parsed on
//! demand with defaults for what is missing.

pub mod connection;
pub mod contents;
pub mod frames;
pub mod header;
pub mod message;
pub mod signature;

pub use connection::{ConnectionError, ConnectionFile, ConnectionInfo, Transport};
pub use header::Header;
pub use message::{Author, Composed, ContentError, Reader, Request, WireError};
pub use signature::{KeyError, Signer};

/// The version of the Jupyter messaging protocol that this kernel speaks: the one place that says it,
/// for headers, `kernel_info_reply` and the kernelspec alike.
pub const PROTOCOL_VERSION: &str = "5.5";
