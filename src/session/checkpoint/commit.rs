//! Committing: what a request did to memory and files becomes the session's state, and goes to the journal.
//! And the way back, when an instance had to be dropped.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::Utc;

use super::state_meta::StateMeta;
use crate::observe::shown;
use crate::sandbox::Determinism;
use crate::session::event::{Outcome, StreamName, Usage};
use crate::session::journal::backlog::Commit;
use crate::session::live::{LiveSession, SessionError};
use crate::session::request::Request;
use crate::session::telemetry::code_hash;
use crate::store::{Cell, Durability, NewState, Pages};
use crate::workspace::{Capture, Changes, Manifest, Named};

/// Characters of a cell's first line that are kept for the log.
const FIRST_LINE: usize = 80;
/// Changed files that are named, of each sort.
const MOST_FILES: usize = 1_000;
/// Bytes of the names of all of them.
const MOST_FILE_BYTES: usize = 128 << 10;

/// Files that are named in a sentence, and letters of a name in it.
const NAMED: usize = 5;
const LONGEST: usize = 200;

/// What a request is to the session's history.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The state in which a session begins.
    Beginning,
    /// A cell of the user's. One that only asks about the session is no step of its own.
    Cell { cell: Cell, step: bool },
    /// It may change the session, but belongs to the cell before it: a widget's message, a silent cell.
    Aside { is_comm: bool },
    /// A question. What it left in memory goes with the next cell.
    Question,
}

impl Kind {
    /// What `request` is.
    pub fn of(request: &Request) -> Self {
        match request {
            Request::Execute(execute) if !execute.silent => {
                let first = execute.code.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let cell = Cell {
                    number: execute.execution_count,
                    first_line: first.trim().chars().take(FIRST_LINE).collect(),
                    code_sha256: code_hash(&execute.code),
                    ok: true,
                    fuel: 0,
                    duration_ms: 0,
                    at: Utc::now(),
                };
                let code = execute.code.trim();
                let step = !code.starts_with("%session") || code.contains('\n');
                Self::Cell { cell, step }
            }
            Request::Comm(_) => Self::Aside { is_comm: true },
            Request::Execute(_) | Request::Loop { .. } => Self::Aside { is_comm: false },
            Request::Complete { .. }
            | Request::Inspect { .. }
            | Request::IsComplete { .. }
            | Request::CommInfo { .. }
            | Request::Variables
            | Request::Close { .. } => Self::Question,
        }
    }

    /// Whether a failure that the guest has not shown is shown for it.
    pub fn shows_failures(&self) -> bool {
        self.is_shown() || matches!(self, Self::Aside { is_comm: true })
    }

    /// Whether somebody sees what it shows.
    pub fn is_shown(&self) -> bool {
        matches!(self, Self::Cell { .. })
    }

    /// The same with how it ended.
    pub fn with(self, outcome: &Outcome) -> Self {
        match self {
            Self::Cell { cell, step } => {
                let ok = outcome.failure.is_none();
                let usage = &outcome.usage;
                Self::Cell {
                    cell: Cell { ok, fuel: usage.fuel_consumed, duration_ms: usage.duration_ms, ..cell },
                    step,
                }
            }
            other => other,
        }
    }
}

/// Files that are to become a state's.
#[derive(Debug)]
pub enum Files {
    /// Those of the cell before.
    Same,
    /// All that there are, when a session begins.
    All(Changes),
    /// What is being recorded.
    Touched(Capture),
}

impl LiveSession {
    /// Whether a reply has to wait for the disk.
    pub(in crate::session) fn is_sync(&self) -> bool {
        self.kept && self.spec.keeping.durability == Durability::Sync
    }

    /// Commits; what goes wrong is logged, and said with the next cell.
    pub(in crate::session) fn keep(&mut self, kind: &Kind, files: Files) {
        if let Err(error) = self.commit(kind, files) {
            tracing::error!(%error, "the session could not be committed; the next rollback goes further back");
        }
    }

    /// Makes what is in memory and in the workspace the session's state.
    ///
    /// # Errors
    /// Those of the overlay; with `session.durability = sync` those of the store.
    pub(in crate::session) fn commit(&mut self, kind: &Kind, files: Files) -> Result<(), SessionError> {
        if matches!(kind, Kind::Question) {
            return Ok(());
        }
        let Some(mut instance) = self.instance.take() else { return Ok(()) };
        self.background.forget_changes();
        let started = Instant::now();
        let committed = self.overlay()?.commit(instance.mapping());
        self.facts.files = instance.files();
        self.facts.fixed = instance.fixed();
        let mapping = instance.mapping().clone();
        self.instance = Some(instance);
        let committed = committed?;
        if let Kind::Cell { cell, step: true } = kind {
            self.last_cell = cell.clone();
        }
        let pages = self.overlay()?.snapshot(&committed);
        let (files, recording) = match files {
            Files::Same => (None, Vec::new()),
            Files::All(all) => (Some(all), Vec::new()),
            Files::Touched(capture) => (None, vec![(capture, self.workspace.tracker().clone())]),
        };
        let state = NewState {
            cell: self.last_cell.clone(),
            amend: !matches!(kind, Kind::Cell { step: true, .. }),
            cells: u32::from(matches!(kind, Kind::Cell { step: true, .. })),
            memory_bytes: mapping.size() as u64,
            pages: Pages::default(),
            facts: serde_json::to_value(self.recorded()).unwrap_or_default(),
            clock_ns: self.facts.fixed.as_ref().map_or_else(|| self.world.clock.now(), Determinism::clock_ns),
            files,
        };
        if !matches!(kind, Kind::Beginning) {
            self.telemetry.committed(&self.last_cell, &committed, started.elapsed());
        }
        let recordings = recording.into();
        let commit = Commit { state, pages, recordings, orphans: BTreeMap::new(), done: None };
        match kind {
            Kind::Beginning => self.journal.begin(commit),
            _ if self.is_sync() => drop(self.journal.append_and_wait(commit)?),
            _ => self.journal.append(commit),
        }
        Ok(())
    }

    pub(in crate::session) fn recorded(&self) -> StateMeta {
        StateMeta {
            facts: self.facts.clone(),
            told: self.told.clone(),
            cells: self.cells,
            place: self.workspace.place().to_owned(),
            generation: self.workspace.generation(),
        }
    }

    /// All files of a session that begins.
    pub(in crate::session) fn all_files(&mut self) -> Files {
        let all = Manifest::default().diff(&self.workspace.manifest());
        if all.is_empty() { Files::Same } else { Files::All(all) }
    }

    /// Begins to record what became of the files since the last commit.
    pub(in crate::session) fn changed_files(&mut self, kind: &Kind, usage: &mut Usage) -> Files {
        if matches!(kind, Kind::Question) {
            return Files::Same;
        }
        let Some(capture) = self.workspace.record() else { return Files::Same };
        let Named { created, modified, deleted, unnamed } = capture.names("app", MOST_FILES, MOST_FILE_BYTES);
        (usage.files_created, usage.files_modified, usage.files_deleted) = (created, modified, deleted);
        usage.files_unnamed = unnamed;
        Files::Touched(capture)
    }

    /// Goes back to the last commit, from a cell that had to be stopped.
    pub(in crate::session) fn restore(&mut self) {
        self.go_back();
        self.telemetry.rolled_back(&self.last_cell);
    }

    /// Goes back to the last commit.
    pub(in crate::session) fn go_back(&mut self) {
        self.background.forget_changes();
        self.instance = None;
        self.take_back_files();
        if let Err(error) = self.instance().map(drop) {
            tracing::error!(%error, "the session could not be restored");
        }
    }

    /// Takes back what was done to the files since the last commit.
    pub(in crate::session) fn take_back_files(&mut self) {
        match self.workspace.roll_back() {
            Ok(kept) if kept.is_empty() => {}
            Ok(kept) => self.notes.push(format!(
                "somebody else changed {} while the cell that was taken back ran, or after it: left as it is now",
                named(&kept)
            )),
            Err(error) => {
                tracing::error!(%error, "the files could not be restored");
                self.notes.push(format!("the files could not be put back as they were before the cell: {error}"));
            }
        }
    }

    /// Says what there is to say before a cell's own output: once, and not at all if nobody sees it.
    pub(in crate::session) fn tell_what_was_found(&mut self) {
        use crate::session::opening::Found;
        let text = match std::mem::take(&mut self.found) {
            Found::Nothing => None,
            Found::Saved(saved) => Some(format!("a saved session {saved} is there: %session resume takes it up")),
            Found::OtherBase(saved) => Some(format!(
                "a saved session {saved} is there, made by another version of Cellblock or with another \
                 `deterministic` in its policy: %session resume takes up \
                 what of it is portable"
            )),
            Found::Resumed(saved) => Some(format!("the saved session {saved} goes on")),
            Found::Said(text) => Some(text),
            Found::Unkept(why) => Some(format!("this session is not saved: {why}")),
        };
        if let Some(text) = text {
            self.say(StreamName::Stdout, &text);
        }
        let mut notes = std::mem::take(&mut self.notes);
        notes.extend(self.workspace.take_notes());
        for note in notes.into_iter().chain(self.journal.to_tell()) {
            self.say(StreamName::Stderr, &note);
        }
    }
}

/// Names files, a few of many.
pub fn named(paths: &[String]) -> String {
    let shown: Vec<String> = paths.iter().take(NAMED).map(|path| shown(&guest_path(path), LONGEST)).collect();
    let more = paths.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// As the guest knows a path.
pub fn guest_path(path: &str) -> String {
    path.strip_prefix("app/").map_or_else(|| format!("/{path}"), str::to_owned)
}
