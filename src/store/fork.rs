//! Another stored session that begins at a state of this one. The records and contents that the state needs
//! are linked or copied by the store; none is read or written again.

use super::backend::Created;
use super::error::StoreError;
use super::id::SessionId;
use super::layout;
use super::log::Log;
use super::metadata::{Metadata, Problem};
use super::record::frame::write_head;
use super::record::header::{Header, Kind};
use crate::timeline::{MoveError, StateId, Target, Timeline};
use crate::workspace::manifest::Past;

impl Log {
    /// Makes a session of this id, which begins at a state of this one, or at the current one. Whoever loads
    /// that state in it is told to reseed.
    pub fn fork(&mut self, to: &SessionId, at: Option<StateId>) -> Result<(), StoreError> {
        self.lease.confirm()?;
        let (backend, id, index) = (&self.view.backend, &self.view.id, &self.view.index);
        match Metadata::look(backend, to)? {
            Err(Problem::Missing) if backend.list(&layout::log(to))?.is_empty() => {}
            _ => return Err(StoreError::Exists(to.to_string())),
        }
        let target = at.map_or(index.timeline.current(), Target::State);
        let chain = match target {
            Target::Fresh => Vec::new(),
            Target::State(state) if index.timeline.states().contains(&state) => index.chain(state),
            Target::State(state) => return Err(MoveError::NoSuchState(state).into()),
        };
        let mut live = Vec::new();
        for entry in chain.iter().rev().filter_map(|state| index.states.get(state)) {
            let seq = entry.record;
            backend.copy(&layout::record(id, seq), &layout::record(to, seq), self.durability)?;
            live.push((seq, index.records.get(&seq).map(|known| known.hash.clone()).unwrap_or_default()));
        }
        live.sort_unstable();
        if let Target::State(state) = target {
            let taken_over = Past { down: index.before(&chain), ..Past::default() };
            for hash in index.manifest(state).hashes().union(&taken_over.hashes()) {
                backend.copy(&layout::blob(id, hash), &layout::blob(to, hash), self.durability)?;
            }
        }
        let header = Header {
            lineage: index.lineage.clone(),
            seq: index.next_seq,
            epoch: 0,
            prev: index.head.clone(),
            identity: self.identity.clone(),
            at: backend.now(),
            clock_ns: index.clock_ns,
            timeline: Timeline::beginning_at(target),
            forked_at: Some(index.next_seq),
            live: Some(live),
            kind: Kind::Fork(id.to_string()),
        };
        let refused = |error: &dyn std::fmt::Display| StoreError::Refused(error.to_string());
        let json = serde_json::to_vec(&header).map_err(|error| refused(&error))?;
        let (head, _) = write_head(&json, &[]).map_err(|error| refused(&error))?;
        match backend.create(&layout::record(to, header.seq), vec![head.into()], self.durability)? {
            Created::Yes => {}
            Created::Exists => return Err(StoreError::Exists(to.to_string())),
        }
        let mut metadata = Metadata::new(to, self.identity.clone(), None, index.lineage.clone(), backend.now());
        metadata.forked_from = Some(id.to_string());
        // Last: from here on there is a session.
        metadata.create(backend, to, self.durability)
    }
}
