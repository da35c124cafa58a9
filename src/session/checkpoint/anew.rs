//! Going on when somebody has deleted the session's directory under its kernel: what is in memory, and what is left of
//! the files, becomes the first state of a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::commit::named;
use crate::sandbox::{Determinism, WasiConfig};
use crate::session::journal::backlog::Commit;
use crate::session::journal::writer::{JournalWriter, Place};
use crate::session::live::{LiveSession, SessionError};
use crate::session::watcher::Watcher;
use crate::store::{NewState, Pages};
use crate::workspace::{Changes, Manifest, Places, Workspace};

impl LiveSession {
    /// Before a request: if the session's directory was deleted, another one is begun, and that is said.
    pub(in crate::session) fn mind_the_store(&mut self) {
        if !self.kept || !self.journal.is_deleted() {
            return;
        }
        let note = match self.begin_store_anew() {
            Ok(lost) if lost.is_empty() => format!("{DELETED}. Nothing before it can be undone"),
            Ok(lost) => format!("{DELETED}. Nothing before it can be undone, and {} went with it", named(&lost)),
            Err(error) => {
                let _ = self.journal.with(JournalWriter::is_gone);
                format!(
                    "the session's directory in the store was deleted, and cannot be made again ({error}): what is done \
                     here goes with this kernel; tried again with each cell"
                )
            }
        };
        self.notes.push(note);
    }

    /// Files that are lost.
    fn begin_store_anew(&mut self) -> Result<Vec<String>, SessionError> {
        // What is on its way counts to what there was.
        self.journal.with(|_| ())?;
        let (directories, directory, copy) = self.spec.keeping.again(self.journal.id())?;
        let roots = [("app", directories.app.clone()), ("tmp", directories.tmp.clone())];
        let places = Places { roots: &roots, blobs: directories.blobs.clone(), held: directories.held.clone() };
        let recorded = self.workspace.manifest();
        let mut workspace = Workspace::new(&places, self.spec.keeping.quota)?;
        let lost = workspace.take_over_anew(&recorded);
        self.notes.extend(self.workspace.take_notes());
        self.workspace = workspace;
        let tracker = self.workspace.tracker().clone();
        let world = (self.spec.world)(&directories.app, &directories.tmp);
        self.world =
            WasiConfig { watch: Some(Arc::new(Watcher(tracker.clone()))), clock: self.world.clock.clone(), ..world };
        // It has the directories open that are gone.
        self.instance = None;
        let overlay = self.overlay()?;
        let (pages, memory_bytes) = (overlay.snapshot_whole(), overlay.size() as u64);
        let files: Changes = Manifest::default().diff(&self.workspace.manifest());
        let state = NewState {
            cell: self.last_cell.clone(),
            amend: false,
            cells: 0,
            memory_bytes,
            pages: Pages::default(),
            facts: serde_json::to_value(self.recorded()).unwrap_or_default(),
            clock_ns: self.facts.fixed.as_ref().map_or_else(|| self.world.clock.now(), Determinism::clock_ns),
            files: (!files.is_empty()).then_some(files),
        };
        let commit = Commit { state, pages, recordings: Vec::new().into(), orphans: BTreeMap::new(), done: None };
        self.journal.begin_anew(commit, Place { tracker, directory, copy });
        Ok(lost)
    }
}

const DELETED: &str = "the session's directory in the store was deleted: it is begun anew with what is in memory and \
                       the files that are still there";
