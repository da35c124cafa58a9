//! A stored session as it can be looked at, by its holder or by anybody.

use bytes::Bytes;

use super::backend::Backend;
use super::blobs::require_content;
use super::error::StoreError;
use super::id::SessionId;
use super::index::LogIndex;
use super::load::{self, Write};
use super::metadata::Metadata;
use super::state::{Loaded, StateInfo, Summary};
use super::{layout, portable, reading};
use crate::timeline::{Move, StateId, Step, Target, Timeline};
use crate::workspace::manifest::Manifest;

/// One session's log, read and checked. Without the session's lease, what it says may be gone a moment later.
pub struct View {
    pub(super) backend: Backend,
    pub(super) id: SessionId,
    pub(super) metadata: Metadata,
    pub(super) index: LogIndex,
    /// What is in the store besides records: contents of files and the portable part, in bytes.
    pub(super) other_bytes: u64,
}

/// One step of a session, for people to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// What it is.
    pub step: Step,
    /// For a state.
    pub state: Option<StateInfo>,
    /// The names that the state was saved under.
    pub names: Vec<String>,
    /// Whether the session is there.
    pub current: bool,
}

impl View {
    /// Looks at a session without holding it. Everything in it is checked as [`super::Log::open`] does.
    pub fn open(backend: &Backend, id: &SessionId) -> Result<Self, StoreError> {
        let metadata = Metadata::read(backend, id)?;
        let index = reading::index(backend, id, &metadata)?;
        let other_bytes = other_bytes(backend, id)?;
        Ok(Self { backend: backend.clone(), id: id.clone(), metadata, index, other_bytes })
    }

    /// The session.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// What its `session.json` says.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Where it stands.
    pub fn timeline(&self) -> &Timeline {
        &self.index.timeline
    }

    /// Every step that can be gone to, oldest first.
    pub fn history(&self) -> Vec<HistoryLine> {
        let timeline = self.timeline();
        let line = |(index, step): (usize, &Step)| {
            let id = step.state();
            let named = timeline.names().iter().filter(|(_, named)| Some(**named) == id);
            let names = named.map(|(name, _)| name.clone()).collect();
            HistoryLine {
                step: *step,
                state: id.and_then(|id| self.state(id)).cloned(),
                names,
                current: index == timeline.position(),
            }
        };
        timeline.steps().iter().enumerate().map(line).collect()
    }

    /// What is known of a state.
    pub fn state(&self, state: StateId) -> Option<&StateInfo> {
        self.index.states.get(&state).map(|entry| &entry.info)
    }

    /// Where a move would lead.
    pub fn peek(&self, to: &Move) -> Result<Target, StoreError> {
        Ok(self.timeline().peek(to)?)
    }

    /// Writes all pages of a state that are not the warm image's, each once, from several threads, and says
    /// the rest. What has been damaged since the session was opened is found here.
    pub fn load(&self, state: StateId, write: Write) -> Result<Loaded, StoreError> {
        load::load(&self.backend, &self.id, &self.index, state, write)
    }

    /// All files of a state.
    pub fn files(&self, state: StateId) -> Manifest {
        self.index.manifest(state)
    }

    /// What a file has in it, by its hash, which is checked.
    pub fn content(&self, sha256: &str) -> Result<Bytes, StoreError> {
        if !layout::is_sha256(sha256) {
            return Err(StoreError::Refused("a file is not named by a SHA-256".to_owned()));
        }
        let object = layout::blob(&self.id, sha256);
        let Some(bytes) = self.backend.get(&object)? else {
            let (session, why) = (self.id.to_string(), "it is missing".to_owned());
            return Err(StoreError::Damaged { session, object, why, last_good: None });
        };
        require_content(&self.id, sha256, &bytes)?;
        Ok(bytes)
    }

    /// The state that the session's next kernel can resume; none: there is nothing to resume.
    pub fn resumable(&self) -> Option<StateId> {
        let mut timeline = self.timeline().clone();
        let resumed = timeline.go(&Move::Fresh).and_then(|_| timeline.go(&Move::Resume));
        match resumed {
            Ok(Target::State(state)) => Some(state),
            Ok(Target::Fresh) | Err(_) => None,
        }
    }

    /// The session in numbers.
    pub fn summary(&self) -> Summary {
        let info = |state: StateId| self.state(state).cloned();
        Summary {
            bytes: self.stored_bytes(),
            states: self.timeline().states().len(),
            names: self.timeline().names().keys().cloned().collect(),
            previous: self.timeline().previous().filter(|_| !self.timeline().goes_on()).and_then(info),
            current: self.index.current().map(|entry| entry.info.clone()),
            clock_ns: self.index.clock_ns,
        }
    }

    /// The portable part; none if it was never set.
    pub fn portable(&self) -> Result<Option<Vec<u8>>, StoreError> {
        portable::read(&self.backend, &self.id, &self.metadata.lineage)
    }

    pub(super) fn stored_bytes(&self) -> u64 {
        self.index.records.values().map(|known| known.bytes).sum::<u64>() + self.other_bytes
    }
}

/// Everything that counts in a session but its records.
pub(super) fn other_bytes(backend: &Backend, id: &SessionId) -> Result<u64, StoreError> {
    let blobs: u64 = backend.list(&layout::blobs(id))?.iter().map(|object| object.bytes).sum();
    Ok(blobs + backend.size(&layout::portable(id))?.unwrap_or(0))
}
