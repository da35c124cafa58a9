//! The files of a commit that are still being recorded: contents are read behind the reply, and a state is written
//! only when all of its own are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::store::NewState;
use super::workspace::{Capture, Tracker};

/// The files of one cell, and who has to know that they are stored.
pub type Recording = (Capture, Arc<Tracker>);

/// The files of a commit, in the order of its cells.
#[derive(Debug, Default)]
pub struct Recordings {
    /// Of which the state does not say anything yet.
    pending: Vec<Recording>,
    /// Of which it does.
    recorded: Vec<Recording>,
}

impl From<Vec<Recording>> for Recordings {
    fn from(pending: Vec<Recording>) -> Self {
        Self { pending, recorded: Vec::new() }
    }
}

impl Recordings {
    /// Takes in those of the state before, which will not be written by itself.
    pub fn absorb(&mut self, before: Self) {
        let later = std::mem::replace(self, before);
        self.pending.extend(later.pending);
        self.recorded.extend(later.recorded);
    }

    /// Waits until all is recorded, and says so in the state. Contents of files, and their sizes, that it says nothing
    /// of in the end are in the answer.
    pub fn settle(&mut self, state: &mut NewState) -> BTreeMap<String, u64> {
        let mut contents = BTreeMap::new();
        for recording in std::mem::take(&mut self.pending) {
            let changes = recording.0.wait();
            contents.extend(changes.contents());
            state.files = Some(match state.files.take() {
                Some(before) => before.then(changes),
                None => changes,
            });
            self.recorded.push(recording);
        }
        if let Some(files) = &state.files {
            let needed = files.contents();
            contents.retain(|hash, _| !needed.contains_key(hash));
        }
        contents
    }

    /// Contents of files that are recorded, of which the state does not say anything yet.
    pub fn hashes(&self) -> BTreeSet<String> {
        let done = self.pending.iter().filter_map(|(capture, _)| capture.recorded());
        done.flat_map(|changes| changes.contents().into_keys()).collect()
    }

    /// About how many bytes of files there are to be written.
    pub fn bytes(&self) -> u64 {
        self.pending.iter().fold(0u64, |all, (capture, _)| all.saturating_add(capture.bytes()))
    }

    /// About how many bytes they take in memory.
    pub fn weight(&self) -> usize {
        self.pending.iter().chain(&self.recorded).map(|(capture, _)| capture.weight()).sum()
    }

    /// Puts contents where they belong that are not there. What cannot be had any more is no part of the state then.
    pub fn recover(&self, state: &mut NewState) {
        let (Some((_, tracker)), Some(files)) = (self.recorded.last(), &mut state.files) else { return };
        tracker.recover(files);
    }

    /// The state is stored.
    pub fn stored(&self) {
        for (capture, tracker) in &self.recorded {
            tracker.stored(capture);
        }
    }
}
