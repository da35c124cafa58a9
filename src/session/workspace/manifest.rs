//! What files a state of a session has, by the hashes of their contents. Knows no disk: whoever writes or
//! reads the files themselves stands next door.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A directory or a file of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A directory.
    Dir,
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
}

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
        Changes { set: set.map(|(path, entry)| (path.clone(), entry.clone())).collect(), gone: gone.cloned().collect() }
    }

    /// The hashes of all contents, each once.
    pub fn hashes(&self) -> BTreeSet<String> {
        let files = self.0.values().filter_map(|entry| match entry {
            Entry::Dir => None,
            Entry::File { sha256, .. } => Some(sha256.clone()),
        });
        files.collect()
    }
}
