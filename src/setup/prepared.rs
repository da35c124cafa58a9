//! A prepared runtime, as a start opens it: nothing is read but the manifest, and the files are known by
//! their `stat` to be those that were hashed.

use std::fs::{self, File};

use super::build::WarmProfile;
use super::cache::{Cache, open_lock_file};
use super::error::{IoContext, SetupError};
use super::guest::GuestTree;
use super::python;
use super::stages::{FINAL, names};
use super::store::{Check, OpenedFile, Store};

/// The file whose shared lock says that a runtime is in use.
const IN_USE: &str = "in-use.lock";

/// A prepared runtime. While it is alive, pruning leaves its files alone.
#[derive(Debug)]
pub struct Prepared {
    store: Store,
    id: String,
    guest: GuestTree,
    _in_use: File,
}

impl Prepared {
    /// Opens what setup made for a builder of this identity.
    ///
    /// # Errors
    /// [`SetupError::NotPrepared`] if setup has not ended, [`SetupError::Damaged`] if a file is not what was
    /// recorded or the guest's directories are gone. What is in those is checked by `setup` and `doctor` alone.
    pub fn open(cache: &Cache, builder: &str) -> Result<Self, SetupError> {
        let mut prepared = Self::open_unchecked(cache, builder)?;
        if prepared.check_files()?
            && let Some(_lock) = cache.try_lock()
        {
            // A copied cache or a restored backup: good, but not worth hashing at every start. If it cannot
            // be recorded, it is just that.
            if let Err(error) = prepared.store.refresh_stats() {
                tracing::warn!(%error, "cannot record that the cache is good");
            }
        }
        Ok(prepared)
    }

    /// The same without a look at any file: for `doctor`, which looks at each.
    pub fn open_unchecked(cache: &Cache, builder: &str) -> Result<Self, SetupError> {
        let id = python::id(builder);
        let dir = cache.runtime_dir(&id);
        let store = Store::open(&dir)?;
        if !FINAL.iter().all(|name| store.has(name)) {
            return Err(SetupError::NotPrepared);
        }
        let in_use = open_lock_file(&dir.join(IN_USE))?;
        in_use.lock_shared().doing("cannot lock", &dir.join(IN_USE))?;
        let guest = GuestTree::at(store.path(names::GUEST));
        Ok(Self { store, id, guest, _in_use: in_use })
    }

    /// Checks the files; whether any of them had to be hashed.
    fn check_files(&self) -> Result<bool, SetupError> {
        self.store.tree(names::GUEST)?;
        let mut hashed = false;
        for name in FINAL.iter().filter(|name| **name != names::GUEST) {
            hashed |= self.store.open_file(name, Check::Stat)?.hashed;
        }
        Ok(hashed)
    }

    /// What identifies everything that this runtime was made of.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The compiled code.
    pub fn code(&self) -> Result<OpenedFile, SetupError> {
        self.store.open_file(names::CODE, Check::Stat)
    }

    /// A warm image, with what its maker recorded of it.
    pub fn image(&self, profile: WarmProfile) -> Result<OpenedFile, SetupError> {
        let name = match profile {
            WarmProfile::Base => names::BASE,
            WarmProfile::Science => names::SCIENCE,
        };
        self.store.open_file(name, Check::Stat)
    }

    /// The guest's read-only directories.
    pub fn guest(&self) -> &GuestTree {
        &self.guest
    }

    /// Hashes everything again: what `doctor` does. Each file or tree with what was found.
    pub fn check_all(&self) -> Vec<(&'static str, Result<(), SetupError>)> {
        let check = |name: &'static str| match name {
            names::GUEST => self.store.open_tree(name, Check::Contents).map(drop),
            name => self.store.open_file(name, Check::Contents).map(drop),
        };
        FINAL.iter().map(|name| (*name, check(name))).collect()
    }
}

/// Removes prepared runtimes other than those for builders of these identities, and the downloads. Those
/// that a kernel uses stay. What was removed.
pub fn prune(cache: &Cache, builders: &[&str], waiting: impl FnOnce()) -> Result<Vec<String>, SetupError> {
    let _lock = cache.lock(waiting)?;
    let keep: Vec<String> = builders.iter().map(|builder| python::id(builder)).collect();
    let mut removed = Vec::new();
    for entry in fs::read_dir(cache.root()).doing("cannot read", cache.root())? {
        let entry = entry.doing("cannot read", cache.root())?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let old_runtime = python::is_id(&name) && !keep.contains(&name);
        if old_runtime {
            let in_use = open_lock_file(&path.join(IN_USE))?;
            if in_use.try_lock().is_err() {
                continue;
            }
        }
        if old_runtime || name == "downloads" {
            fs::remove_dir_all(&path).doing("cannot remove", &path)?;
            removed.push(name);
        }
    }
    removed.sort();
    Ok(removed)
}
