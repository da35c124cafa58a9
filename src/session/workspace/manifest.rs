//! What files a state of a session has, by the hashes of their contents. Knows no disk: whoever writes or
//! reads the files themselves stands next door.

use std::collections::{BTreeMap, BTreeSet};

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
        let gone: BTreeSet<&String> = later.gone.iter().collect();
        self.set.retain(|path, _| !gone.contains(path));
        self.gone.retain(|path| !later.set.contains_key(path));
        self.set.extend(later.set);
        let known: BTreeSet<&String> = self.gone.iter().collect();
        let new: Vec<String> = later.gone.iter().filter(|path| !known.contains(path)).cloned().collect();
        self.gone.extend(new);
        // What the user made of a file last is what counts.
        self.before.extend(later.before);
        self
    }
}

impl Manifest {
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
            before: BTreeMap::new(),
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
