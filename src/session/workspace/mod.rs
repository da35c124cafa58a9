//! The files of a session: recorded after a cell, by the hashes of their contents, and put back as they were.
//! Knows the directories that it was given and nothing else: no guest, no log, no timeline.
//!
//! What a guest or a user may have put into those directories is hostile. Every step goes from an open
//! directory to an entry of it by a single name and follows no symbolic link, so nothing here ever leaves them.

mod blobs;
mod error;
mod files;
mod glob;
pub mod manifest;
mod recorder;
mod removal;
mod restore;
mod scan;
mod staging;
#[cfg(test)]
mod tests;

pub use blobs::Blobs;
pub use error::WorkspaceError;
pub use files::{Deleted, FilesError, Listed, SessionFiles};
pub use glob::Glob;
pub use manifest::{Changes, Entry, Manifest};
pub use recorder::{Quota, Workspace};
pub use removal::remove_tree;
