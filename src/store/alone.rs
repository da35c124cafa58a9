//! A state that has no room beside the one that it lies on takes its place: it is written whole, and everything that
//! could be undone goes. What has a name stays.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use chrono::TimeDelta;

use super::body::Body;
use super::error::StoreError;
use super::load;
use super::log::Log;
use super::opening::Durability;
use super::record::header::{Files, Kind, State};
use super::record::runs;
use super::state::{Contents, MAX_PAGES, PAGE, Pages};
use crate::timeline::{StateId, Timeline};
use crate::workspace::manifest::{Changes, Entry};

/// It is a lot of work to find out whether a state has room alone: not with each cell.
const PAUSE: TimeDelta = TimeDelta::seconds(30);

impl Log {
    /// Commits a state that has these pages and files beyond the current one, and nothing of the past. `full` is why.
    pub(super) fn commit_alone(
        &mut self,
        state: State,
        amend: bool,
        delta: Pages,
        full: StoreError,
    ) -> Result<StateId, StoreError> {
        let now = self.view.backend.now();
        if self.tried_alone.is_some_and(|then| now - then < PAUSE && now >= then) {
            return Err(full);
        }
        self.tried_alone = Some(now);
        let view = &self.view;
        let chain = state.parent.map_or_else(Vec::new, |parent| view.index.chain(parent));
        let before = load::pages(&view.backend, &view.id, &view.index, &chain)?;
        let pages = over(delta, before);
        let body = Body::of(&pages, &view.backend)?;
        let mut manifest = state.parent.map(|parent| view.index.manifest(parent)).unwrap_or_default();
        if let Files::Changes(changes) = &state.files {
            manifest.apply(changes);
        }
        let future = |timeline: &Timeline, id: StateId| {
            let mut timeline = timeline.clone();
            timeline.push(id, amend);
            while timeline.forget_one() {}
            timeline
        };
        let after = future(&view.index.timeline, StateId(view.index.next_seq));
        let kept = view.index.kept(&after);
        let mut blobs = view.index.blobs(&after);
        blobs.extend(manifest.0.values().filter_map(|entry| match entry {
            Entry::Dir { .. } | Entry::Link { .. } => None,
            Entry::File { sha256, size, .. } => Some((sha256.clone(), *size)),
        }));
        let records: u64 = kept.iter().filter_map(|seq| view.index.records.get(seq)).map(|known| known.bytes).sum();
        let needed = records + body.bytes(true)? + blobs.values().sum::<u64>() + self.blobs.portable_bytes;
        let limit = self.keep.total_bytes;
        if needed > limit {
            return Err(StoreError::Full { session: view.id.to_string(), needed, limit });
        }
        let live = kept.iter().filter_map(|seq| Some((*seq, view.index.records.get(seq)?.hash.clone()))).collect();
        let mut state = State { parent: None, files: Files::All(manifest), ..state };
        // What it takes the place of goes next: this has to be on the disk before.
        let seq = self.put_with(Durability::Sync, &body, pages.runs, Some(live), |index, seq| {
            state.id = StateId(seq);
            (Kind::Commit(Box::new(state.clone())), future(&index.timeline, state.id))
        })?;
        self.tried_alone = None;
        self.forget_all_but(seq, &kept);
        self.delete_litter()?;
        self.sweep_blobs(&Changes::default());
        Ok(StateId(seq))
    }
}

/// The pages of both; where both have one, the newer one's.
fn over(newer: Pages, older: Pages) -> Pages {
    let mut all: Vec<Range<u32>> = newer.runs.iter().chain(&older.runs).cloned().collect();
    all.sort_unstable_by_key(|run| run.start);
    let mut joined: Vec<Range<u32>> = Vec::with_capacity(all.len());
    for run in all {
        match joined.last_mut() {
            Some(last) if last.end >= run.start => last.end = last.end.max(run.end),
            _ => joined.push(run),
        }
    }
    debug_assert!(runs::pages(&joined) <= u64::from(MAX_PAGES));
    Pages { runs: joined, contents: Arc::new(Over { newer, older }) }
}

struct Over {
    newer: Pages,
    older: Pages,
}

impl Contents for Over {
    fn read(&self, first: u32, into: &mut [u8]) -> io::Result<()> {
        for (page, part) in (first..).zip(into.chunks_mut(PAGE)) {
            let index = self.newer.runs.partition_point(|run| run.end <= page);
            let is_newer = self.newer.runs.get(index).is_some_and(|run| run.start <= page);
            let from = if is_newer { &self.newer } else { &self.older };
            from.contents.read(page, part)?;
        }
        Ok(())
    }
}
