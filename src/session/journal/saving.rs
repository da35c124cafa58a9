//! How it stands with the saving of a session, and how that is said.

use std::fs::File;

use chrono::{DateTime, Local, Utc};

/// Whether what was committed is in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Saving {
    /// All of it, or about to be.
    #[default]
    Whole,
    /// What so many cells did is not. It is tried again with each cell, and now and then in between.
    Behind { why: String, since: DateTime<Utc>, cells: u32 },
    /// Nothing can be written any more: somebody else has the session.
    Lost { why: String, since: DateTime<Utc> },
}

impl Saving {
    /// What is the matter, in words for the user; none if nothing is. A session that is not `kept` has its log for undo.
    pub fn problem(&self, kept: bool) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Behind { why, since, cells } => {
                let since = time(*since);
                let lost = match cells {
                    0 => "where it stands is not recorded".to_owned(),
                    1 => "what the last cell did would be lost with the kernel".to_owned(),
                    cells => format!("what the last {cells} cells did would be lost with the kernel"),
                };
                Some(if kept {
                    format!("the session is not saved since {since} ({why}): {lost}; tried again with each cell")
                } else {
                    format!("cells cannot be undone one by one since {since} ({why}); tried again with each cell")
                })
            }
            Self::Lost { why, since } => Some(format!(
                "the session is not saved any more since {}: {why}. What is done here goes with this kernel: write \
                 what you need to files, and restart the kernel to go on with the stored session",
                time(*since)
            )),
        }
    }
}

/// What the journal's thread tells the session.
#[derive(Debug, Default)]
pub struct Standing {
    pub saving: Saving,
    /// Whether the session outlives its kernel.
    pub kept: bool,
    /// Why it does not, if it was to.
    pub reason: Option<String>,
    /// Something was the matter, that is over, and nobody has said so.
    pub is_over: bool,
    /// Contents that states need are missing: what is said of it.
    pub lost: Option<String>,
    /// The session's directory, if the store is one of this machine.
    pub place: Option<File>,
}

impl Standing {
    /// Whether the session's directory was deleted. One that was moved may come back.
    pub fn is_deleted(&self) -> bool {
        self.place.as_ref().is_some_and(is_deleted)
    }

    /// What is the matter, in words for the user; none if nothing is.
    pub fn problem(&self) -> Option<String> {
        self.saving.problem(self.kept).or_else(|| self.lost.clone())
    }

    /// What there is to say with a cell.
    pub fn to_tell(&mut self) -> Option<String> {
        let is_over = std::mem::take(&mut self.is_over);
        let over = if self.kept { "the session is saved again" } else { "cells can be undone again" };
        self.problem().or_else(|| is_over.then(|| over.to_owned()))
    }
}

#[cfg(target_os = "linux")]
fn is_deleted(directory: &File) -> bool {
    use std::os::fd::AsRawFd;
    // Not every file system counts the names of a directory; the kernel knows whether the one it was opened by is gone.
    let name = std::fs::read_link(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    name.is_ok_and(|name| name.as_os_str().as_encoded_bytes().ends_with(b" (deleted)") && !name.exists())
}

#[cfg(not(target_os = "linux"))]
fn is_deleted(directory: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    directory.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
}

fn time(at: DateTime<Utc>) -> String {
    let at = at.with_timezone(&Local);
    let today = at.date_naive() == Local::now().date_naive();
    at.format(if today { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_was_deleted_is_told_from_one_that_was_moved() {
        let top = tempfile::tempdir().unwrap();
        let [here, there] = ["here", "there"].map(|name| top.path().join(name));
        std::fs::create_dir(&here).unwrap();
        let standing = Standing { place: Some(File::open(&here).unwrap()), ..Standing::default() };
        assert!(!standing.is_deleted() && !Standing::default().is_deleted());
        std::fs::rename(&here, &there).unwrap();
        assert!(!standing.is_deleted(), "it may come back");
        std::fs::remove_dir(&there).unwrap();
        assert!(standing.is_deleted());
        std::fs::create_dir(&here).unwrap();
        assert!(standing.is_deleted(), "another one of its name");
    }

    #[test]
    fn a_problem_is_said_until_it_is_over_and_then_once_that_it_is() {
        let saving = Saving::Behind { why: "No space left on device".to_owned(), since: Utc::now(), cells: 2 };
        let mut standing = Standing { saving, kept: true, ..Standing::default() };
        for _ in 0..2 {
            let text = standing.to_tell().unwrap();
            assert!(text.starts_with("the session is not saved since ") && text.contains("the last 2 cells"), "{text}");
            assert!(text.contains("(No space left on device)") && text.ends_with("tried again with each cell"));
        }
        standing.saving = Saving::Whole;
        standing.is_over = true;
        assert_eq!(standing.to_tell().as_deref(), Some("the session is saved again"));
        assert_eq!(standing.to_tell(), None);
        standing.saving = Saving::Behind { why: "No space left on device".to_owned(), since: Utc::now(), cells: 2 };
        standing.kept = false;
        assert!(standing.to_tell().unwrap().starts_with("cells cannot be undone one by one since "));
    }
}
