//! What the records of a log say together: which states there are, what each needs, and where the timeline
//! stands. It is built from records that have been read and checked, and knows no store.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::identity::Identity;
use super::record::header::{FRESH, Files, Kind, State};
use super::record::parsed::{Known, Parsed};
use super::record::runs;
use super::state::{PAGE, StateInfo};
use crate::timeline::{StateId, Target, Timeline};
use crate::workspace::manifest::{Entry, Manifest, Past};

/// A log that keeps its `open` records this far back keeps out whoever lost the session that long ago.
const OPENS_KEPT: usize = 16;

/// A state, without what is only needed to load it.
#[derive(Debug, Clone)]
pub struct StateEntry {
    /// For callers.
    pub info: StateInfo,
    /// What it lies on top of.
    pub parent: Option<StateId>,
    /// The record that has its pages.
    pub record: u64,
    /// Which pages.
    pub runs: Vec<Range<u32>>,
    /// Its files.
    pub files: Files,
    /// The base.
    pub identity: Identity,
}

/// What is wrong, and with which record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The record.
    pub seq: u64,
    /// Why.
    pub why: String,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct LogIndex {
    /// The family of logs.
    pub lineage: String,
    /// The base of the states in the timeline.
    pub identity: Identity,
    /// Every record that counts, by number.
    pub records: BTreeMap<u64, Known>,
    /// Every state that has a record.
    pub states: BTreeMap<StateId, StateEntry>,
    /// As the last record has it.
    pub timeline: Timeline,
    /// The number of the next record.
    pub next_seq: u64,
    /// The hash of the last one, in hex.
    pub head: String,
    /// The highest clock.
    pub clock_ns: u64,
    /// States up to this one are another session's.
    pub forked_at: Option<u64>,
    /// Records that count no more but may still be there.
    pub litter: Vec<u64>,
    /// The last record says that the next run begins afresh, because the user wanted it to.
    pub afresh: bool,
}

impl LogIndex {
    /// A log without records.
    pub fn empty(lineage: String, identity: Identity) -> Self {
        Self {
            lineage,
            identity,
            records: BTreeMap::new(),
            states: BTreeMap::new(),
            timeline: Timeline::default(),
            next_seq: 1,
            head: String::new(),
            clock_ns: 0,
            forked_at: None,
            litter: Vec::new(),
            afresh: false,
        }
    }

    /// What these records say, up to the one numbered `last`.
    pub fn assemble(read: &BTreeMap<u64, Result<Parsed, String>>, last: u64, lineage: &str) -> Result<Self, Damage> {
        let good = |seq: u64| match read.get(&seq) {
            Some(Ok(parsed)) => Ok(parsed),
            Some(Err(why)) => Err(Damage { seq, why: why.clone() }),
            None => Err(Damage { seq, why: "it is missing".to_owned() }),
        };
        // From the end back to a record that says what counts before it, or to the very first.
        let mut first = last;
        while good(first)?.header.live.is_none() && first > 1 {
            first -= 1;
        }
        let mut counted: BTreeMap<u64, &Parsed> = BTreeMap::new();
        for (seq, hash) in good(first)?.header.live.iter().flatten() {
            let parsed = good(*seq)?;
            if *seq >= first || parsed.known.hash != *hash {
                return Err(Damage { seq: *seq, why: format!("it is not the one that record {first} counts on") });
            }
            counted.insert(*seq, parsed);
        }
        for seq in first..=last {
            let parsed = good(seq)?;
            let before = if seq == first { None } else { Some(&good(seq - 1)?.known.hash) };
            if before.is_some_and(|hash| *hash != parsed.header.prev) || (seq == 1 && !parsed.header.prev.is_empty()) {
                return Err(Damage { seq, why: "it does not follow the record before it".to_owned() });
            }
            counted.insert(seq, parsed);
        }
        let newest = &good(last)?.header;
        let mut index = Self {
            timeline: newest.timeline.clone(),
            clock_ns: newest.clock_ns,
            forked_at: newest.forked_at,
            litter: read.keys().filter(|seq| !counted.contains_key(seq)).copied().collect(),
            next_seq: read.keys().next_back().map_or(last, |seq| (*seq).max(last)) + 1,
            head: good(last)?.known.hash.clone(),
            ..Self::empty(lineage.to_owned(), newest.identity.clone())
        };
        for (seq, parsed) in counted {
            if parsed.header.lineage != lineage || parsed.header.seq != seq {
                return Err(Damage { seq, why: "it belongs to another session or another place".to_owned() });
            }
            index.add(seq, parsed)?;
        }
        index.check(last)?;
        Ok(index)
    }

    /// Takes a record in.
    pub fn add(&mut self, seq: u64, parsed: &Parsed) -> Result<(), Damage> {
        if let Some(state) = parsed.header.kind.state() {
            let is_commit = matches!(parsed.header.kind, Kind::Commit(_));
            let damage = |why: &str| Damage { seq, why: why.to_owned() };
            if (state.id.0 == seq) != is_commit
                || state.id.0 > seq
                || state.parent.is_some_and(|parent| parent >= state.id)
            {
                return Err(damage("its number or its parent's cannot be"));
            }
            if parsed.runs.last().is_some_and(|run| u64::from(run.end) * PAGE as u64 > state.memory_bytes) {
                return Err(damage("it has pages beyond the end of the memory"));
            }
            self.states.insert(state.id, entry(seq, state, parsed));
        }
        self.afresh = matches!(&parsed.header.kind, Kind::Move(words) if words == FRESH);
        self.records.insert(seq, parsed.known.clone());
        Ok(())
    }

    /// The states from this one down to one that lies on the warm image.
    pub fn chain(&self, state: StateId) -> Vec<StateId> {
        let mut chain = Vec::new();
        let mut next = Some(state);
        // Parents have lower numbers, so this ends.
        while let Some((id, entry)) = next.and_then(|id| Some((id, self.states.get(&id)?))) {
            chain.push(id);
            next = entry.parent;
        }
        chain
    }

    /// The records that the states of this timeline need.
    pub fn needed(&self, timeline: &Timeline) -> BTreeSet<u64> {
        let mut needed = BTreeSet::new();
        for state in timeline.states() {
            for id in self.chain(state) {
                let Some(entry) = self.states.get(&id) else { continue };
                // The rest of this chain is there already.
                if !needed.insert(entry.record) {
                    break;
                }
            }
        }
        needed
    }

    /// What a trim would keep: what is needed, and the last records of takeovers.
    pub fn kept(&self, timeline: &Timeline) -> BTreeSet<u64> {
        let opens = self.records.iter().rev().filter(|(_, known)| known.is_open).take(OPENS_KEPT).map(|(seq, _)| *seq);
        self.needed(timeline).into_iter().chain(opens).collect()
    }

    /// All files of a state.
    pub fn manifest(&self, state: StateId) -> Manifest {
        let mut manifest = Manifest::default();
        for id in self.chain(state).into_iter().rev() {
            match self.states.get(&id).map(|entry| &entry.files) {
                Some(Files::Changes(changes)) => manifest.apply(changes),
                Some(Files::All(all)) => manifest = all.clone(),
                None => {}
            }
        }
        manifest
    }

    /// The contents that the states of this timeline need: hashes and sizes.
    pub fn blobs(&self, timeline: &Timeline) -> BTreeMap<String, u64> {
        let mut blobs = BTreeMap::new();
        for state in timeline.states() {
            let before = self.before(&self.chain(state));
            for entry in self.manifest(state).0.into_values().chain(before.into_values().flatten()) {
                if let Entry::File { sha256, size, .. } = entry {
                    blobs.insert(sha256, size);
                }
            }
        }
        blobs
    }

    /// What stood in the workspace before these states, newest first, took it over: of each path the newest.
    pub fn before(&self, chain: &[StateId]) -> BTreeMap<String, Option<Entry>> {
        let mut all = BTreeMap::new();
        for (path, entry) in chain.iter().flat_map(|id| self.taken_over(*id)) {
            all.entry(path.clone()).or_insert_with(|| entry.clone());
        }
        all
    }

    /// What the user did to files on the way from the current state to another one.
    pub fn past(&self, to: StateId) -> Past {
        let from = self.current().map(|entry| self.chain(entry.info.id)).unwrap_or_default();
        let to = self.chain(to);
        let apart = |chain: &[StateId], other: &[StateId]| -> Vec<StateId> {
            let shared: BTreeSet<&StateId> = other.iter().collect();
            chain.iter().filter(|id| !shared.contains(id)).copied().collect()
        };
        let mut past = Past { down: self.before(&apart(&from, &to)), ..Past::default() };
        for (path, entry) in apart(&to, &from).into_iter().flat_map(|id| self.taken_over(id)) {
            past.up.entry(path.clone()).or_default().push(entry.clone());
        }
        past
    }

    fn taken_over(&self, state: StateId) -> impl Iterator<Item = (&String, &Option<Entry>)> {
        let changes = match self.states.get(&state).map(|entry| &entry.files) {
            Some(Files::Changes(changes)) => Some(changes),
            Some(Files::All(_)) | None => None,
        };
        changes.into_iter().flat_map(|changes| &changes.before)
    }

    /// The current state, if it is not the warm image.
    pub fn current(&self) -> Option<&StateEntry> {
        match self.timeline.current() {
            Target::Fresh => None,
            Target::State(id) => self.states.get(&id),
        }
    }

    /// That everything that anything refers to is there.
    fn check(&self, last: u64) -> Result<(), Damage> {
        let damage = |why: String| Damage { seq: last, why };
        if !self.timeline.is_sound() {
            return Err(damage("its timeline cannot be".to_owned()));
        }
        for state in self.timeline.states() {
            let chain = self.chain(state);
            let missing = match chain.last().and_then(|id| self.states.get(id)) {
                None => Some(state),
                Some(end) => end.parent,
            };
            if let Some(missing) = missing {
                return Err(damage(format!("the state {missing}, which the state {state} needs, is missing")));
            }
            for entry in chain.iter().filter_map(|id| self.states.get(id)) {
                if entry.identity != self.identity {
                    return Err(damage(format!("the state {} lies on another base", entry.info.id)));
                }
            }
        }
        Ok(())
    }
}

fn entry(seq: u64, state: &State, parsed: &Parsed) -> StateEntry {
    let info = StateInfo {
        id: state.id,
        cell: state.cell.clone(),
        cells: state.cells,
        merged: state.merged,
        memory_bytes: state.memory_bytes,
        stored_bytes: parsed.known.bytes,
    };
    let (runs, files) = (parsed.runs.clone(), state.files.clone());
    StateEntry { info, parent: state.parent, record: seq, runs, files, identity: parsed.header.identity.clone() }
}

/// How many bytes of pages there are.
pub fn page_bytes(runs: &[Range<u32>]) -> u64 {
    runs::pages(runs) * PAGE as u64
}
