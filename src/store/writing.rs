//! Puts records. Whoever finds the number of the next record taken has lost the session, unless the record
//! is his own: a store may say that something failed and do it all the same.

use std::ops::Range;

use super::backend::Created;
use super::body::{Body, Written};
use super::error::StoreError;
use super::index::LogIndex;
use super::layout;
use super::log::Log;
use super::opening::Durability;
use super::record::frame::Head;
use super::record::header::{Header, Kind};
use super::record::parsed::{Known, Parsed};
use crate::timeline::Timeline;

/// So many of our own records may turn up late.
const ATTEMPTS: usize = 4;
/// Attempts that may turn up late.
const REMEMBERED: usize = 32;
/// Headers may be as large as this, packed.
const HEAD_READ: u64 = 64;

/// A record that may or may not be in the store.
pub struct Attempt {
    parsed: Parsed,
}

impl Log {
    /// Puts a record without a state.
    pub(super) fn put(&mut self, kind: Kind, timeline: &Timeline, durability: Durability) -> Result<u64, StoreError> {
        self.put_with(durability, &Body::none(), Vec::new(), None, |_, _| (kind.clone(), timeline.clone()))
    }

    /// Puts the next record; what is in it may depend on its number.
    pub(super) fn put_with(
        &mut self,
        durability: Durability,
        body: &Body,
        runs: Vec<Range<u32>>,
        live: Option<Vec<(u64, String)>>,
        mut content: impl FnMut(&LogIndex, u64) -> (Kind, Timeline),
    ) -> Result<u64, StoreError> {
        self.lease.confirm()?;
        for _ in 0..ATTEMPTS {
            self.adopt_late_records()?;
            let seq = self.view.index.next_seq;
            let (kind, timeline) = content(&self.view.index, seq);
            let header = self.header(seq, kind, timeline, live.clone());
            let written =
                body.write(&self.view.backend, &layout::record(&self.view.id, seq), &json(&header)?, durability)?;
            let parsed = parsed(header, &runs, &written);
            match written.created.and_then(|created| self.lease.confirm_after_writing().map(|()| created)) {
                Ok(Created::Yes) => {
                    self.enter(&parsed)?;
                    self.is_written();
                    return Ok(seq);
                }
                Ok(Created::Exists) => self.remember(Attempt { parsed }),
                Err(error) => {
                    self.remember(Attempt { parsed });
                    return Err(error);
                }
            }
            // A request that was repeated finds its own record.
            if self
                .found(seq)?
                .is_some_and(|hash| self.attempts.last().is_some_and(|last| last.parsed.known.hash == hash))
            {
                let Some(Attempt { parsed }) = self.attempts.pop() else { continue };
                self.attempts.clear();
                self.enter(&parsed)?;
                self.is_written();
                return Ok(seq);
            }
        }
        Err(self.lease.lost())
    }

    /// Keeps what may have been written; of very many attempts, which only a store has that is down for long, the last.
    fn remember(&mut self, attempt: Attempt) {
        if self.attempts.len() >= REMEMBERED {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }

    /// Has it written that nothing came of records that failed, if one of them is there after all.
    pub(super) fn disown_late_records(&mut self) -> Result<(), StoreError> {
        if self.adopt_late_records()? {
            let timeline = self.view.index.timeline.clone();
            self.put(Kind::Trim, &timeline, self.durability)?;
        }
        Ok(())
    }

    fn header(&self, seq: u64, kind: Kind, timeline: Timeline, live: Option<Vec<(u64, String)>>) -> Header {
        let index = &self.view.index;
        let clock_ns = kind.state().map_or(0, |state| state.clock_ns).max(index.clock_ns);
        Header {
            lineage: index.lineage.clone(),
            seq,
            epoch: self.lease.epoch(),
            prev: index.head.clone(),
            identity: self.identity.clone(),
            at: self.view.backend.now(),
            clock_ns,
            timeline,
            forked_at: index.forked_at,
            live,
            kind,
        }
    }

    /// The index as it is with this record.
    fn enter(&mut self, parsed: &Parsed) -> Result<(), StoreError> {
        let header = &parsed.header;
        let index = &mut self.view.index;
        index.add(header.seq, parsed).map_err(|damage| StoreError::Refused(damage.why))?;
        index.timeline = header.timeline.clone();
        index.clock_ns = header.clock_ns;
        index.head = parsed.known.hash.clone();
        index.next_seq = header.seq + 1;
        Ok(())
    }

    /// A record that failed may be there all the same. It was not acknowledged, so it changes nothing; but
    /// the next one has to follow it. Anybody else's record means that the session is lost.
    fn adopt_late_records(&mut self) -> Result<bool, StoreError> {
        if self.attempts.is_empty() {
            return Ok(false);
        }
        let seq = self.view.index.next_seq;
        let Some(hash) = self.found(seq)? else { return Ok(false) };
        let ours =
            self.attempts.iter().find(|attempt| attempt.parsed.known.hash == hash && attempt.parsed.header.seq == seq);
        let Some(ours) = ours else { return Err(self.lease.lost()) };
        let parsed = ours.parsed.clone();
        let timeline = self.view.index.timeline.clone();
        self.enter(&parsed)?;
        self.view.index.timeline = timeline;
        self.attempts.clear();
        Ok(true)
    }

    /// The hash of the record that is there under this number.
    fn found(&self, seq: u64) -> Result<Option<String>, StoreError> {
        let name = layout::record(&self.view.id, seq);
        let Some(total) = self.view.backend.size(&name)? else { return Ok(None) };
        let start = self.view.backend.get_start(&name, HEAD_READ.min(total))?;
        // Cut short by whoever wrote it: not ours.
        let Ok(length) = Head::length(&start) else { return Ok(Some(String::new())) };
        let head = self.view.backend.get_start(&name, length.min(total))?;
        Ok(Some(Head::parse(&head).map_or_else(|_| String::new(), |head| hex::encode(head.hash))))
    }
}

/// A header as it is written.
fn json(header: &Header) -> Result<Vec<u8>, StoreError> {
    let refused = |error: &dyn std::fmt::Display| StoreError::Refused(error.to_string());
    let json = serde_json::to_vec(header).map_err(|error| refused(&error))?;
    // What is written can be read: facts may be nested deeper than the parser goes.
    if !serde_json::from_slice::<Header>(&json).is_ok_and(|read| read == *header) {
        return Err(refused(&"its facts would not be the same when they are read"));
    }
    Ok(json)
}

/// A record as if it had been read.
fn parsed(mut header: Header, runs: &[Range<u32>], written: &Written) -> Parsed {
    let known = Known {
        hash: hex::encode(written.hash),
        bytes: written.bytes,
        head_bytes: written.head_bytes,
        is_open: matches!(header.kind, Kind::Open(_)),
    };
    if let Kind::Commit(state) | Kind::Snapshot(state) = &mut header.kind {
        state.facts = serde_json::Value::Null;
    }
    Parsed { header, runs: runs.to_vec(), known }
}
