//! The files of a session: what its guest makes of them is recorded after a cell, by the hashes of their contents,
//! and put back as it was. Knows the directories that it was given and nothing else: no guest, no log, no timeline.
//!
//! What a guest or a user may have put into those directories is hostile. Every step goes from an open
//! directory to an entry of it by a single name and follows no symbolic link, so nothing here ever leaves them.
//!
//! Whose a file is: the guest's is what it has touched, as long as it is as the guest left it. Anything else is the
//! user's, and stays. So there are three things to know of a path: what the guest has found there (`tracker`, which
//! puts a content away before the guest changes it), how the guest left it (its stamp), and what is recorded of it.

mod blobs;
mod capture;
pub(super) mod content;
mod error;
mod files;
mod glob;
pub mod manifest;
mod on_behalf;
mod recorder;
mod removal;
mod restore;
mod scan;
mod slots;
mod staging;
#[cfg(test)]
mod tests;
mod tracker;

pub use blobs::Blobs;
pub use capture::{Capture, Named, Recorded};
pub use error::WorkspaceError;
pub use files::{Deleted, FilesError, Listed, SessionFiles};
pub use glob::Glob;
pub use manifest::{Changes, Entry, Manifest, Past};
pub use recorder::{ListingOrigin, Places, Quota, Workspace};
pub use removal::remove_tree;
pub use tracker::{Refused, Seen, Tracker};
