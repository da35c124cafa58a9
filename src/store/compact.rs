//! Keeps a log small: states that nobody can go to any more are folded into the oldest one that needs them,
//! and what nothing needs is deleted.
//!
//! A fold writes a state once more, as everything that has changed since an earlier one (or since the warm
//! image), so that the records in between are not needed. It is done when that frees clearly more than it
//! writes, so that each byte is written again only a few times in its life, or when a state needs very many
//! records. The new record lists all that still count; only then the others are deleted. A crash before it
//! changes nothing, and one after it leaves litter, which the next opening removes.

use std::collections::{BTreeMap, BTreeSet};

use super::body::Body;
use super::error::StoreError;
use super::index::{LogIndex, page_bytes};
use super::layout;
use super::load;
use super::log::Log;
use super::opening::Durability;
use super::record::header::{Files, Kind, State};
use super::record::runs;
use super::state::Pages;
use crate::timeline::{StateId, Timeline};
use crate::workspace::manifest::{Changes, Manifest};

/// A state that needs more records than this is folded even if that frees nothing.
const LONG_CHAIN: usize = 64;
/// So many records that nothing needs are worth a trim.
const MUCH_LITTER: usize = 32;
/// Less than this is not worth anything, in bytes.
const LITTLE: u64 = 256 * 1024;
/// Names of files that take more than this in memory are worth a fold that makes them unneeded, in bytes.
const MUCH_NAMED: usize = 8 << 20;

/// A state to be written once more.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fold {
    /// From the state itself to the oldest one that goes into it.
    chain: Vec<StateId>,
    /// What it will lie on.
    parent: Option<StateId>,
    /// How many bytes of records become free.
    frees: u64,
    /// How many bytes will about be written.
    writes: u64,
    /// Whether many files came and went within the chain: their names are known as long as its records are.
    unnames: bool,
}

impl Fold {
    fn saves(&self) -> i128 {
        i128::from(self.frees) - i128::from(self.writes)
    }

    fn is_worth_it(&self) -> bool {
        let clearly = self.frees / 3 * 2 > self.writes && self.frees - self.writes >= LITTLE;
        clearly || self.unnames || self.chain.len() >= LONG_CHAIN
    }
}

impl Log {
    /// Folds and deletes if that is due. Costs nothing if not, and up to a second if the session is large.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        let timeline = self.view.index.timeline.clone();
        let fold = best_fold(&self.view.index, &timeline).filter(Fold::is_worth_it);
        let index = &self.view.index;
        let kept = index.kept(&timeline);
        // The newest record is never litter: it has the timeline.
        let litter = index.records.iter().filter(|(seq, _)| !kept.contains(seq) && **seq + 1 != index.next_seq);
        let (count, bytes) = litter.fold((0, 0), |(count, bytes), (_, known)| (count + 1, bytes + known.bytes));
        let due = fold.is_some() || count >= MUCH_LITTER || bytes > LITTLE.max(self.view.stored_bytes() / 4);
        if due || self.view.stored_bytes() > self.keep.total_bytes && count > 0 {
            self.checkpoint(fold, &timeline)?;
        }
        if due || self.has_orphans() || !is_clean(&self.view.index) {
            self.delete_litter()?;
            self.delete_unneeded_blobs()?;
        }
        Ok(())
    }

    /// Drops the oldest states until so many more bytes fit, with these files; they are gone when this returns.
    pub(super) fn make_room(&mut self, bytes: u64, files: &Changes) -> Result<(), StoreError> {
        let limit = self.keep.total_bytes;
        if self.view.stored_bytes().saturating_add(bytes) <= limit {
            return Ok(());
        }
        let mut timeline = self.view.index.timeline.clone();
        loop {
            let fold = best_fold(&self.view.index, &timeline).filter(|fold| fold.saves() > 0);
            let needed = self.predicted(&fold, &timeline, files).saturating_add(bytes);
            if needed <= limit {
                self.checkpoint(fold, &timeline)?;
                self.delete_litter()?;
                self.sweep_blobs(files);
                if self.view.stored_bytes().saturating_add(bytes) <= limit {
                    return Ok(());
                }
            }
            if !timeline.forget_one() {
                return Err(StoreError::Full { session: self.view.id.to_string(), needed, limit });
            }
        }
    }

    /// Takes stock when a session has been opened: what a crash left behind goes.
    pub(super) fn clean(&mut self) {
        if let Some(root) = self.view.backend.local_root() {
            for below in [layout::log(&self.view.id), layout::leases(&self.view.id)] {
                super::staged::remove_old(&root.join(below));
            }
        }
        if let Err(error) = self.delete_litter() {
            tracing::warn!(%error, session = %self.view.id, "old records were not deleted");
        }
    }

    /// Writes down what counts from here on: with this fold, and with this timeline.
    fn checkpoint(&mut self, fold: Option<Fold>, timeline: &Timeline) -> Result<(), StoreError> {
        let Some(fold) = fold else { return self.put_checkpoint(Kind::Trim, timeline) };
        let Some(id) = fold.chain.first().copied() else { return Ok(()) };
        let view = &self.view;
        let pages = load::pages(&view.backend, &view.id, &view.index, &fold.chain)?;
        let stored = load::state(&view.backend, &view.id, &view.index, id)?;
        let manifest = view.index.manifest(id);
        let before = view.index.before(&fold.chain);
        let files = match fold.parent {
            None if before.is_empty() => Files::All(manifest),
            None => Files::Changes(Changes { before, ..Manifest::default().diff(&manifest) }),
            Some(parent) => Files::Changes(Changes { before, ..view.index.manifest(parent).diff(&manifest) }),
        };
        let state = State { parent: fold.parent, files, ..stored };
        self.put_checkpoint_with(Kind::Snapshot(Box::new(state)), pages, timeline, Some(id))
    }

    /// A record after which nothing else counts but what this timeline needs.
    pub(super) fn put_checkpoint(&mut self, kind: Kind, timeline: &Timeline) -> Result<(), StoreError> {
        self.put_checkpoint_with(kind, Pages::default(), timeline, None)
    }

    fn put_checkpoint_with(
        &mut self,
        kind: Kind,
        pages: Pages,
        timeline: &Timeline,
        folded: Option<StateId>,
    ) -> Result<(), StoreError> {
        let index = &self.view.index;
        let after = match (folded, kind.state()) {
            (Some(id), Some(state)) => with_parent(index, id, state.parent),
            _ => index.clone(),
        };
        let mut kept = after.kept(timeline);
        if let Some(entry) = folded.and_then(|id| index.states.get(&id)) {
            // Its new record takes the place of this one.
            kept.remove(&entry.record);
        }
        let live = kept.iter().filter_map(|seq| Some((*seq, index.records.get(seq)?.hash.clone()))).collect();
        let body = Body::of(&pages, &self.view.backend)?;
        // What it replaces may be on the disk already, and will be deleted: this has to be there before.
        let seq =
            self.put_with(Durability::Sync, &body, pages.runs, Some(live), |_, _| (kind.clone(), timeline.clone()))?;
        self.forget_all_but(seq, &kept);
        Ok(())
    }

    /// The record `seq` says that only these others still count.
    pub(super) fn forget_all_but(&mut self, seq: u64, kept: &BTreeSet<u64>) {
        let index = &mut self.view.index;
        let litter: Vec<u64> =
            index.records.keys().filter(|other| **other != seq && !kept.contains(other)).copied().collect();
        for old in &litter {
            index.records.remove(old);
        }
        index.litter.extend(litter);
        index.states.retain(|_, entry| entry.record == seq || kept.contains(&entry.record));
    }

    pub(super) fn delete_litter(&mut self) -> Result<(), StoreError> {
        let litter = &self.view.index.litter;
        if litter.is_empty() {
            return Ok(());
        }
        let names = litter.iter().map(|seq| layout::record(&self.view.id, *seq)).collect();
        self.view.backend.delete_all(names)?;
        self.view.index.litter.clear();
        Ok(())
    }

    /// How many bytes there would be.
    fn predicted(&self, fold: &Option<Fold>, timeline: &Timeline, files: &Changes) -> u64 {
        let index = &self.view.index;
        let kept = index.kept(timeline);
        let records: u64 = kept.iter().filter_map(|seq| index.records.get(seq)).map(|known| known.bytes).sum();
        let mut blobs = index.blobs(timeline);
        blobs.extend(files.contents());
        let blobs: u64 = blobs.values().sum();
        let saved = fold.as_ref().map_or(0, |fold| fold.frees.saturating_sub(fold.writes));
        records.saturating_sub(saved) + blobs + self.blobs.portable_bytes
    }
}

fn is_clean(index: &LogIndex) -> bool {
    index.litter.is_empty()
}

/// The index as it would be with this state on another parent.
fn with_parent(index: &LogIndex, state: StateId, parent: Option<StateId>) -> LogIndex {
    let mut after = index.clone();
    if let Some(entry) = after.states.get_mut(&state) {
        entry.parent = parent;
    }
    after
}

/// The fold that frees most beyond what it writes; if a chain is very long, one that shortens it.
fn best_fold(index: &LogIndex, timeline: &Timeline) -> Option<Fold> {
    let live = timeline.states();
    // How many states that can be gone to lie on each state.
    let mut uses: BTreeMap<StateId, usize> = BTreeMap::new();
    let chains: Vec<Vec<StateId>> = live.iter().map(|state| index.chain(*state)).collect();
    for state in chains.iter().flatten() {
        *uses.entry(*state).or_default() += 1;
    }
    let candidates = chains.iter().flat_map(|chain| folds(index, chain, &uses, &live));
    candidates.max_by_key(|fold| (fold.is_worth_it(), fold.saves()))
}

/// What the first state of a chain can be folded with: those behind it that nothing else needs.
fn folds(index: &LogIndex, chain: &[StateId], uses: &BTreeMap<StateId, usize>, live: &BTreeSet<StateId>) -> Vec<Fold> {
    let mut folds = Vec::new();
    let Some(first) = chain.first() else { return folds };
    let mut pages = PageSet::default();
    let (mut frees, mut listed) = (0, 0);
    let (mut named, mut gone) = (0, 0);
    for (place, state) in chain.iter().enumerate() {
        let alone = place == 0 || (uses.get(state) == uses.get(first) && !live.contains(state));
        let Some(entry) = index.states.get(state).filter(|_| alone) else { break };
        pages.add(&entry.runs);
        frees += entry.info.stored_bytes;
        listed += page_bytes(&entry.runs);
        if let Files::Changes(changes) = &entry.files {
            named += changes.weight();
            gone += changes.weight_of_gone();
        }
        if place > 0 {
            // As well compressed as those that go into it.
            let share = u128::from(frees) * u128::from(pages.bytes()) / u128::from(listed.max(1));
            let chain = chain.get(..=place).unwrap_or_default().to_vec();
            folds.push(Fold { chain, parent: entry.parent, frees, writes: share as u64, unnames: false });
        }
    }
    // To look more closely takes a while.
    if let Some(longest) = folds.last_mut().filter(|_| gone > MUCH_NAMED) {
        let below = longest.parent.map(|parent| index.manifest(parent)).unwrap_or_default();
        let left = below.diff(&index.manifest(*first)).weight();
        longest.unnames = named.saturating_sub(left) > MUCH_NAMED;
    }
    folds
}

/// Which pages there are in any of many lists.
#[derive(Default)]
struct PageSet {
    words: Vec<u64>,
    count: u64,
}

impl PageSet {
    fn add(&mut self, list: &[std::ops::Range<u32>]) {
        debug_assert!(runs::joined(list).is_some() || list.is_empty());
        for page in list.iter().cloned().flatten() {
            let (word, bit) = (page as usize / 64, 1u64 << (page % 64));
            if word >= self.words.len() {
                self.words.resize(word + 1, 0);
            }
            if let Some(word) = self.words.get_mut(word).filter(|word| **word & bit == 0) {
                *word |= bit;
                self.count += 1;
            }
        }
    }

    fn bytes(&self) -> u64 {
        self.count * super::state::PAGE as u64
    }
}
