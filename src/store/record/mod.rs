//! A record: what it says, and its bytes.
//!
//! ```text
//! magic and version   8 bytes   "CBLKREC" 0x01
//! header length       u32       compressed
//! header size         u32       raw
//! number of blocks    u32
//! header                        JSON, zstd
//! table               40 bytes for each block: u32 compressed, u32 raw, SHA-256 of the compressed bytes
//! hash                32 bytes  SHA-256 of everything before: the record's hash
//! blocks                        zstd each, one after another
//! ```
//! Numbers are little-endian. The hash covers the header and, through the table, the blocks: a record can be
//! checked from its head alone, and each block on its own. If there are blocks, the first one holds the
//! numbers of the pages as varints ([`runs`]), the others the pages, 64 in each but the last.

pub mod blocks;
pub mod frame;
pub mod header;
pub mod parsed;
pub mod runs;

pub use frame::Hash;
