//! Removing a directory with everything in it, however deep a guest has made it.

use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::staging::{self, Staging};

/// Removes the directory `name` of `parent`. What links in it lead to stays.
///
/// # Errors
/// The operating system's; part of it may be gone then.
pub fn remove_tree(parent: &Path, name: &str) -> io::Result<()> {
    let parent = Dir::open_ambient_dir(parent, ambient_authority())?;
    // What an earlier removal left when it was interrupted.
    staging::clean(&parent)?;
    Staging::new(&parent)?.remove_tree(&parent, name)
}
