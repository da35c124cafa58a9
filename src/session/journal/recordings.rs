//! The files of a commit that are still being recorded: contents are read behind the reply, and a state is written
//! only when all of its own are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::store::NewState;
use crate::workspace::{Capture, Recorded, Tracker};

/// The files of one cell, and who has to know that they are stored.
pub type Recording = (Capture, Arc<Tracker>);

/// The files of a commit, in the order of its cells.
#[derive(Debug, Default)]
pub struct Recordings {
    /// Of which the state does not say anything yet.
    pending: Vec<Recording>,
    /// Of which it does: the last one, of each who has to know. What the files were is not needed any more.
    recorded: Vec<(Recorded, Arc<Tracker>)>,
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
        for (recorded, tracker) in later.recorded {
            self.note(recorded, tracker);
        }
    }

    fn note(&mut self, recorded: Recorded, tracker: Arc<Tracker>) {
        match self.recorded.iter_mut().find(|(_, known)| Arc::ptr_eq(known, &tracker)) {
            Some((last, _)) => *last = recorded,
            None => self.recorded.push((recorded, tracker)),
        }
    }

    /// Whether the state does not say yet which files it has.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Says in the state what is recorded, as far as that needs no waiting; as [`Recordings::settle`].
    pub fn settle_done(&mut self, state: &mut NewState) -> BTreeMap<String, u64> {
        let done = self.pending.iter().take_while(|(capture, _)| capture.is_recorded()).count();
        self.settle_first(done, state)
    }

    /// Waits until all is recorded, and says so in the state. Contents of files, and their sizes, that it says nothing
    /// of in the end are in the answer.
    pub fn settle(&mut self, state: &mut NewState) -> BTreeMap<String, u64> {
        self.settle_first(self.pending.len(), state)
    }

    fn settle_first(&mut self, count: usize, state: &mut NewState) -> BTreeMap<String, u64> {
        let mut contents = BTreeMap::new();
        let settled: Vec<Recording> = self.pending.drain(..count.min(self.pending.len())).collect();
        for (capture, tracker) in settled {
            let (recorded, changes) = capture.wait();
            contents.extend(changes.contents());
            state.files = Some(match state.files.take() {
                Some(before) => before.then(changes),
                None => changes,
            });
            self.note(recorded, tracker);
        }
        if let Some(files) = &state.files {
            let needed = files.contents();
            contents.retain(|hash, _| !needed.contains_key(hash));
        }
        contents
    }

    /// Contents of files that are recorded, of which the state does not say anything yet.
    pub fn hashes(&self) -> BTreeSet<String> {
        self.pending.iter().flat_map(|(capture, _)| capture.hashes()).collect()
    }

    /// About how many bytes of files there are to be written.
    pub fn bytes(&self) -> u64 {
        self.pending.iter().fold(0u64, |all, (capture, _)| all.saturating_add(capture.bytes()))
    }

    /// About how many bytes they take in memory.
    pub fn weight(&self) -> usize {
        self.pending.iter().map(|(capture, _)| capture.weight()).sum()
    }

    /// Puts contents where they belong that are not there. What cannot be had any more is no part of the state then.
    pub fn recover(&self, state: &mut NewState) {
        let (Some((_, tracker)), Some(files)) = (self.recorded.last(), &mut state.files) else { return };
        tracker.recover(files);
    }

    /// The state is stored.
    pub fn stored(&self) {
        for (recorded, tracker) in &self.recorded {
            tracker.stored(*recorded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Pages;
    use crate::workspace::{Changes, Places, Quota, Workspace};
    use std::fs;

    /// A workspace, and cells that write to it one after another.
    struct Cells {
        top: tempfile::TempDir,
        workspace: Workspace,
    }

    impl Cells {
        fn new() -> Self {
            let top = tempfile::tempdir().unwrap();
            let [app, blobs, held] = ["app", "blobs", "held"].map(|name| top.path().join(name));
            fs::create_dir(&app).unwrap();
            let roots = [("app", app)];
            let quota = Quota { bytes: 1 << 20, files: 100 };
            let workspace = Workspace::new(&Places { roots: &roots, blobs, held }, quota).unwrap();
            Self { top, workspace }
        }

        fn cell(&mut self, files: &[(&str, Option<&str>)]) -> Recordings {
            let tracker = self.workspace.tracker().clone();
            for (name, content) in files {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                tracker.before("app", name, true, false).map(|wait| runtime.block_on(wait)).transpose().unwrap();
                let at = self.top.path().join("app").join(name);
                match content {
                    Some(content) => fs::write(at, content).unwrap(),
                    None => fs::remove_file(at).unwrap(),
                }
                tracker.after("app", name, true, None);
            }
            vec![(self.workspace.record().unwrap(), tracker)].into()
        }

        fn blobs(&self) -> Vec<String> {
            let all = fs::read_dir(self.top.path().join("blobs")).unwrap();
            let mut texts: Vec<String> = all.map(|blob| fs::read_to_string(blob.unwrap().path()).unwrap()).collect();
            texts.sort();
            texts
        }
    }

    fn state() -> NewState {
        NewState {
            cell: crate::store::Cell::none(),
            amend: false,
            cells: 1,
            memory_bytes: 0,
            pages: Pages::default(),
            facts: serde_json::Value::Null,
            clock_ns: 0,
            files: None,
        }
    }

    fn names(changes: &Changes) -> (Vec<&str>, Vec<&str>) {
        (changes.set.keys().map(String::as_str).collect(), changes.gone.iter().map(String::as_str).collect())
    }

    #[test]
    fn cells_that_become_one_state_are_taken_in_their_order() {
        let mut cells = Cells::new();
        let first = cells.cell(&[("a", Some("one")), ("b", Some("one")), ("c", Some("one"))]);
        let second = cells.cell(&[("a", Some("two")), ("b", None)]);
        let mut third = cells.cell(&[("b", Some("three")), ("c", None)]);
        let mut both = second;
        both.absorb(first);
        third.absorb(both);
        assert!(third.weight() > 0);
        let mut state = state();
        let orphans = third.settle(&mut state);
        let files = state.files.clone().unwrap();
        assert_eq!(names(&files), (vec!["app/a", "app/b"], vec![]), "what came and went needs no name");
        assert_eq!(files.set, cells.workspace.manifest().0, "the newest of each");
        // What only the states in between had is in the store all the same.
        assert_eq!(orphans.len(), 1, "{orphans:?}");
        assert_eq!((third.bytes(), third.hashes().len(), third.weight()), (0, 0, 0), "nothing waits any more");
        assert_eq!(third.recorded.len(), 1, "only the last has to be known");
    }

    #[test]
    fn what_is_recorded_is_said_without_waiting_for_the_rest() {
        let mut cells = Cells::new();
        let first = cells.cell(&[("a", Some("one"))]);
        let mut both = cells.cell(&[("a", None)]);
        both.absorb(first);
        while !both.pending.iter().all(|(capture, _)| capture.is_recorded()) {
            std::thread::yield_now();
        }
        // One that somebody else still has to record.
        let (never, tracker) = both.pending.pop().unwrap();
        let mut state = state();
        both.settle_done(&mut state);
        assert_eq!((names(state.files.as_ref().unwrap()), both.is_pending()), ((vec!["app/a"], vec![]), false));
        both.pending.push((never, tracker));
        assert!(both.is_pending());
        both.settle_done(&mut state);
        assert_eq!(names(state.files.as_ref().unwrap()), (vec![], vec![]));
        assert_eq!((both.recorded.len(), both.weight()), (1, 0));
    }

    #[test]
    fn what_is_settled_goes_before_what_is_not() {
        let mut cells = Cells::new();
        let mut first = cells.cell(&[("a", Some("one"))]);
        let mut state = state();
        first.settle(&mut state);
        let mut second = cells.cell(&[("a", None), ("b", Some("two"))]);
        assert_eq!(second.bytes(), 3);
        second.absorb(first);
        second.settle(&mut state);
        assert_eq!(names(state.files.as_ref().unwrap()), (vec!["app/b"], vec![]));
    }

    #[test]
    fn all_that_a_state_has_is_stored_with_it() {
        let mut cells = Cells::new();
        let lists = cells.top.path().join("held/touched");
        let count = || fs::read_dir(&lists).unwrap().count();
        let first = cells.cell(&[("a", Some("one"))]);
        let mut second = cells.cell(&[("b", Some("two"))]);
        second.absorb(first);
        second.settle(&mut state());
        let later = cells.cell(&[("c", Some("three"))]);
        assert_eq!(count(), 3);
        second.stored();
        assert_eq!(count(), 1, "the one that is not stored");
        drop(later);
    }

    #[test]
    fn contents_that_have_gone_are_put_where_they_belong() {
        let mut cells = Cells::new();
        let mut recordings = cells.cell(&[("a", Some("one")), ("b", Some("two"))]);
        let mut state = state();
        recordings.settle(&mut state);
        for blob in fs::read_dir(cells.top.path().join("blobs")).unwrap() {
            fs::remove_file(blob.unwrap().path()).unwrap();
        }
        fs::write(cells.top.path().join("app/b"), "by somebody else").unwrap();
        recordings.recover(&mut state);
        assert_eq!(names(state.files.as_ref().unwrap()), (vec!["app/a"], vec!["app/b"]));
        assert!(cells.blobs().contains(&"one".to_owned()));
    }
}
