//! What files a state of a session has, by the hashes of their contents. Knows no disk: whoever writes or
//! reads the files themselves stands next door.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A directory or a file of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A directory.
    Dir {
        /// Permission bits, the sticky one and that of the group among them. `None`: recorded before they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<u32>,
    },
    /// A file.
    File {
        /// Of the contents, in hex.
        sha256: String,
        /// In bytes.
        size: u64,
        /// Permission bits.
        mode: u32,
        /// Last modification, in nanoseconds since 1970.
        mtime_ns: i64,
    },
    /// A symbolic link.
    Link {
        /// What it says, at most [`MAX_TARGET`] bytes.
        target: String,
    },
}

/// Bytes of what a symbolic link says (Linux's `PATH_MAX`).
pub const MAX_TARGET: usize = 4096;

/// "app/sub/x.csv" or "tmp/…", '/'-separated.
pub type Path = String;

/// Everything in the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest(pub BTreeMap<String, Entry>);

/// What leads from one manifest to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// New or different.
    pub set: BTreeMap<String, Entry>,
    /// No longer there.
    pub gone: Vec<String>,
    /// What stood at a path when the guest first touched it, where that is not what was recorded before: a file of
    /// the user's, or what the user made of one of the guest's. `None`: nothing stood there any more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, Option<Entry>>,
    /// Which of those in `set` the manifest that this leads from did not have: gone again, they need not be named.
    #[serde(skip)]
    pub fresh: Paths,
}

/// Paths that need not be said again: each takes a few bytes, however long it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths(BTreeSet<u64>);

impl Paths {
    /// Adds a path.
    pub fn insert(&mut self, path: &str) {
        self.0.insert(Self::number(path));
    }

    /// Takes a path out; whether it was there.
    pub fn remove(&mut self, path: &str) -> bool {
        self.0.remove(&Self::number(path))
    }

    /// By a key of this process, so that nobody can choose two paths with the same number.
    fn number(path: &str) -> u64 {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        KEY.hash_one(path)
    }
}

/// What the user's hand in the files was on the way from one state to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// On the way back to the last state that both have in common: what stood there before the guest took it over,
    /// of each path the newest.
    pub down: BTreeMap<String, Option<Entry>>,
    /// On the way from there on: what the guest took over.
    pub up: BTreeMap<String, Vec<Option<Entry>>>,
}

impl Changes {
    /// What leads over both, this one first.
    #[must_use]
    pub fn then(mut self, later: Changes) -> Self {
        let mut fresh = later.fresh;
        for path in &self.gone {
            fresh.remove(path);
        }
        let known: BTreeSet<&String> = self.gone.iter().collect();
        let mut gone = later.gone;
        gone.retain(|path| {
            self.set.remove(path);
            // What the user had in its place is to be found by its name.
            let was_there = !self.fresh.remove(path) || self.before.contains_key(path);
            was_there && !known.contains(path)
        });
        self.gone.retain(|path| !later.set.contains_key(path));
        self.gone.extend(gone);
        fresh.0.append(&mut self.fresh.0);
        self.fresh = fresh;
        self.set.extend(later.set);
        // What the user made of a file last is what counts.
        self.before.extend(later.before);
        self
    }
}

/// About how much an entry takes in memory besides its path, in bytes.
const ENTRY: usize = 200;

impl Changes {
    /// About how many bytes this takes in memory.
    pub fn weight(&self) -> usize {
        let entries = self.set.keys().chain(self.before.keys());
        entries.map(|path| path.len() + ENTRY).sum::<usize>() + self.weight_of_gone()
    }

    /// How much of it are the names of what is gone.
    pub fn weight_of_gone(&self) -> usize {
        self.gone.iter().map(|path| path.len() + ENTRY / 4).sum()
    }
}

impl Manifest {
    /// What cannot be there together with this entry at a path: files above it and, where it is no directory, all below
    /// it. That they are known still says that somebody else made another thing of them.
    pub fn displaced_by(&self, path: &str, entry: &Entry) -> Vec<String> {
        let above = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        let files = above.filter(|path| self.0.get(*path).is_some_and(|entry| !matches!(entry, Entry::Dir { .. })));
        let mut displaced: Vec<String> = files.map(str::to_owned).collect();
        if !matches!(entry, Entry::Dir { .. }) {
            let inside = format!("{path}/");
            let below = self.0.range::<str, _>((Bound::Excluded(&*inside), Bound::Unbounded));
            displaced.extend(below.map(|(path, _)| path.clone()).take_while(|path| path.starts_with(&inside)));
        }
        displaced
    }

    /// Makes the changes.
    pub fn apply(&mut self, changes: &Changes) {
        for path in &changes.gone {
            self.0.remove(path);
        }
        for (path, entry) in &changes.set {
            self.0.insert(path.clone(), entry.clone());
        }
    }

    /// What [`Manifest::apply`] needs to turn this manifest into `to`.
    pub fn diff(&self, to: &Manifest) -> Changes {
        let set = to.0.iter().filter(|(path, entry)| self.0.get(*path) != Some(entry));
        let gone = self.0.keys().filter(|path| !to.0.contains_key(*path));
        Changes {
            set: set.map(|(path, entry)| (path.clone(), entry.clone())).collect(),
            gone: gone.cloned().collect(),
            ..Changes::default()
        }
    }

    /// The hashes of all contents, each once.
    pub fn hashes(&self) -> BTreeSet<String> {
        self.0.values().filter_map(Entry::sha256).map(str::to_owned).collect()
    }
}

impl Changes {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.gone.is_empty() && self.before.is_empty()
    }

    /// The hashes of all contents that are needed, and their sizes.
    pub fn contents(&self) -> BTreeMap<String, u64> {
        let contents = self.files().filter_map(|(_, entry)| match entry {
            Entry::Dir { .. } | Entry::Link { .. } => None,
            Entry::File { sha256, size, .. } => Some((sha256.clone(), *size)),
        });
        contents.collect()
    }

    /// All files whose contents are needed, by their paths.
    pub fn files(&self) -> impl Iterator<Item = (&String, &Entry)> {
        let before = self.before.iter().filter_map(|(path, entry)| Some((path, entry.as_ref()?)));
        self.set.iter().chain(before).filter(|(_, entry)| matches!(entry, Entry::File { .. }))
    }
}

impl Past {
    /// The hashes of all contents, each once.
    pub fn hashes(&self) -> BTreeSet<String> {
        let entries = self.down.values().chain(self.up.values().flatten()).flatten();
        entries.filter_map(Entry::sha256).map(str::to_owned).collect()
    }
}

impl Entry {
    /// Whether both are the same, as far as they say so: of old directories the mode is not known.
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dir { mode: Some(one) }, Self::Dir { mode: Some(other) }) => one == other,
            (Self::Dir { .. }, Self::Dir { .. }) => true,
            _ => self == other,
        }
    }

    /// Of a file's contents, in hex.
    pub fn sha256(&self) -> Option<&str> {
        match self {
            Self::Dir { .. } | Self::Link { .. } => None,
            Self::File { sha256, .. } => Some(sha256),
        }
    }
}

/// Whether the same stands at both places, as far as that is recorded.
pub(super) fn agree(one: Option<&Entry>, other: Option<&Entry>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.agrees(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a cell leaves of some paths, as it is recorded.
    fn cell(manifest: &mut Manifest, paths: &[(u8, Option<u32>)]) -> Changes {
        let mut changes = Changes::default();
        for (path, mode) in paths.iter().map(|(path, mode)| (format!("app/{path}"), *mode)).collect::<BTreeMap<_, _>>()
        {
            match mode.map(|mode| Entry::Dir { mode: Some(mode) }) {
                Some(entry) => {
                    if manifest.0.insert(path.clone(), entry.clone()).is_none() {
                        changes.fresh.insert(&path);
                    }
                    changes.set.insert(path, entry);
                }
                None if manifest.0.remove(&path).is_some() => changes.gone.push(path),
                None => {}
            }
        }
        changes
    }

    type Paths = Vec<(u8, Option<u32>)>;

    fn paths() -> impl Strategy<Value = Paths> {
        prop::collection::vec((0..6u8, prop::option::of(0..3u32)), 0..6)
    }

    proptest! {
        #[test]
        fn cells_that_become_one_lead_to_the_same_and_name_nothing_that_was_never_there(
            start in paths(),
            cells in prop::collection::vec(paths(), 1..8),
            middle in 0..8usize,
        ) {
            let mut first = Manifest::default();
            cell(&mut first, &start);
            let mut last = first.clone();
            let all: Vec<Changes> = cells.iter().map(|paths| cell(&mut last, paths)).collect();
            // In any order, as long as each goes before the next.
            let (before, after) = all.split_at(middle.min(all.len()));
            let join = |parts: &[Changes]| parts.iter().cloned().fold(Changes::default(), Changes::then);
            let joined = join(before).then(join(after));
            let mut reached = first.clone();
            reached.apply(&joined);
            prop_assert_eq!(reached, last);
            prop_assert!(joined.gone.iter().all(|path| first.0.contains_key(path)), "{:?}", joined.gone);
            prop_assert!(joined.fresh.0.len() <= joined.set.len());
        }
    }

    #[test]
    fn what_the_user_had_in_the_place_of_a_new_file_stays_named() {
        let mut manifest = Manifest::default();
        let mut new = cell(&mut manifest, &[(1, Some(1))]);
        new.before.insert("app/1".to_owned(), Some(Entry::Dir { mode: None }));
        let both = new.then(cell(&mut manifest, &[(1, None)]));
        assert_eq!((both.set.len(), both.gone, both.before.len()), (0, vec!["app/1".to_owned()], 1));
    }
}
