//! A prepared runtime, as a start opens it: nothing is read but the manifest, and the files are known by
//! their `stat` to be those that were hashed.

use std::fs::{self, File};

use super::artifact;
use super::build::Builder;
use super::cache::{Cache, open_lock_file};
use super::error::{IoContext, SetupError};
use super::guest::GuestTree;
use super::stages::{final_names, names};
use super::store::{Check, OpenedFile, Store};
use crate::language::Language;

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
    /// Opens what setup made for this builder.
    ///
    /// # Errors
    /// [`SetupError::NotPrepared`] if setup has not ended, [`SetupError::Damaged`] if a file is not what was
    /// recorded or the guest's directories are gone. What is in those is checked by `setup` and `doctor` alone.
    pub fn open(cache: &Cache, builder: &dyn Builder) -> Result<Self, SetupError> {
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
    pub fn open_unchecked(cache: &Cache, builder: &dyn Builder) -> Result<Self, SetupError> {
        let language = builder.language();
        let id = artifact::id(language, &builder.identity());
        let dir = cache.runtime_dir(&id);
        let store = Store::open(&dir)?;
        if !final_names(language).iter().all(|name| store.has(name)) {
            return Err(SetupError::NotPrepared);
        }
        let in_use = open_lock_file(&dir.join(IN_USE))?;
        in_use.lock_shared().doing("cannot lock", &dir.join(IN_USE))?;
        let guest = GuestTree::at(store.path(names::GUEST), language);
        Ok(Self { store, id, guest, _in_use: in_use })
    }

    /// Checks the files; whether any of them had to be hashed.
    fn check_files(&self) -> Result<bool, SetupError> {
        self.store.tree(names::GUEST)?;
        let mut hashed = false;
        for name in final_names(self.language()).iter().filter(|name| **name != names::GUEST) {
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

    /// The warm image that sessions begin on, with what its maker recorded of it.
    pub fn image(&self) -> Result<OpenedFile, SetupError> {
        let image = self.language().images.last().ok_or(SetupError::NotPrepared)?;
        self.store.open_file(image.file, Check::Stat)
    }

    /// Whose runtime it is.
    pub fn language(&self) -> &'static Language {
        self.guest.language()
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
        final_names(self.language()).into_iter().map(|name| (name, check(name))).collect()
    }
}

/// Removes prepared runtimes of these builders' languages other than theirs, and the downloads. Those that a kernel
/// uses stay. What was removed.
pub fn prune(cache: &Cache, builders: &[&dyn Builder], waiting: impl FnOnce()) -> Result<Vec<String>, SetupError> {
    let _lock = cache.lock(waiting)?;
    let keep: Vec<String> =
        builders.iter().map(|builder| artifact::id(builder.language(), &builder.identity())).collect();
    let mut removed = Vec::new();
    for entry in fs::read_dir(cache.root()).doing("cannot read", cache.root())? {
        let entry = entry.doing("cannot read", cache.root())?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_runtime = builders.iter().any(|builder| artifact::is_id(builder.language(), &name));
        let old_runtime = is_runtime && !keep.contains(&name);
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
