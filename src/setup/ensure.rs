//! Runs the stages that have to run, one after another, under the cache's lock.
//!
//! Each stage makes its outputs whole or not at all, and the plan is made from what is there, so a set-up
//! that was killed at any point goes on where it was.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, DirEntry, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::artifact::{self, Artifact};
use super::build::{Builder, From, ImageOrder};
use super::cache::Cache;
use super::digest;
use super::disk;
use super::error::{IoContext, SetupError};
use super::fetch;
use super::guest::GuestTree;
use super::patch;
use super::prepared::Prepared;
use super::progress::Progress;
use super::rewrite::{Rewritten, rewrite};
use super::stages::{self, INTERMEDIATE, Spec, Stage, names};
use super::store::{Check, Store};
use crate::language::Language;
use crate::language::guest::WarmImage;

/// Under which the code's record says what it was compiled from and with.
const CODE_KEY: &str = "compiled_from";

/// The memory that the compiler takes at its peak, rounded up.
const COMPILER_MEMORY: u64 = 5 << 29;

/// Prepares the runtime of the builder's language where that is needed, and opens it. `check` says how carefully what is
/// there already is looked at.
pub fn setup(
    cache: &Cache,
    builder: &dyn Builder,
    check: Check,
    progress: &dyn Progress,
) -> Result<Prepared, SetupError> {
    supported(std::env::consts::OS, std::env::consts::ARCH)?;
    let _lock = cache.lock(|| progress.message("another set-up is running; waiting for it to end"))?;
    let language = builder.language();
    let id = artifact::id(language, &builder.identity());
    let store = Store::open_to_write(&cache.runtime_dir(&id))?;
    let mut run = Run { cache, builder, language, progress, store, artifact: None };
    run.all(check)?;
    Prepared::open(cache, builder)
}

/// Opens the prepared runtime; if there is none, or a part of it is damaged, sets it up.
pub fn ensure(cache: &Cache, builder: &dyn Builder, progress: &dyn Progress) -> Result<Prepared, SetupError> {
    match Prepared::open(cache, builder) {
        Err(SetupError::NotPrepared | SetupError::Damaged { .. }) => setup(cache, builder, Check::Stat, progress),
        opened => opened,
    }
}

/// Whether this machine is one that we run on.
pub fn supported(os: &'static str, arch: &'static str) -> Result<(), SetupError> {
    match (os, arch) {
        ("linux", "x86_64" | "aarch64") => Ok(()),
        _ => Err(SetupError::UnsupportedPlatform { os, arch }),
    }
}

/// One set-up under way.
struct Run<'a> {
    cache: &'a Cache,
    builder: &'a dyn Builder,
    language: &'static Language,
    progress: &'a dyn Progress,
    store: Store,
    artifact: Option<Artifact>,
}

impl Run<'_> {
    fn all(&mut self, check: Check) -> Result<(), SetupError> {
        // Asked more than once while planning, and each answer may take a hash of hundreds of megabytes.
        let known = RefCell::new(HashMap::new());
        let stages = stages::plan(self.language, |name| {
            let before = known.borrow().get(name).copied();
            before.unwrap_or_else(|| {
                let found = self.is_there(name, check);
                known.borrow_mut().insert(name.to_owned(), found);
                found
            })
        });
        let needed: u64 = stages.iter().map(|spec| spec.disk).sum();
        if needed > 0 {
            disk::require(self.cache.root(), needed)?;
        }
        for (index, spec) in stages.iter().enumerate() {
            if self.progress.cancelled() {
                return Err(SetupError::Cancelled);
            }
            let started = Instant::now();
            self.progress.stage_started(index + 1, stages.len(), spec.title);
            for output in &spec.outputs {
                self.store.forget(output)?;
            }
            self.stage(spec)?;
            self.progress.stage_finished(spec.title, started.elapsed());
        }
        for name in INTERMEDIATE {
            self.store.forget(name)?;
            // Not being there is as good.
            let _ = fs::remove_file(self.store.path(name));
        }
        self.store.refresh_stats()
    }

    fn is_there(&self, name: &str, check: Check) -> bool {
        let found = match name {
            names::ARTIFACT => return Artifact::is_here(self.cache, self.language),
            names::PACKAGES => {
                return artifact::package_lock(self.language).is_ok_and(|lock| fetch::has_all(self.cache, &lock));
            }
            names::GUEST => self.store.open_tree(name, check).map(drop),
            name => self.store.open_file(name, check).map(drop),
        };
        if let Err(error @ SetupError::Damaged { .. }) = &found {
            self.progress.message(&format!("{error}"));
        }
        found.is_ok()
    }

    fn stage(&mut self, spec: &Spec) -> Result<(), SetupError> {
        match spec.stage {
            Stage::FetchArtifact => {
                self.artifact = Some(Artifact::get(self.cache, self.language, self.progress)?);
                Ok(())
            }
            Stage::FetchPackages => self.packages().map(drop),
            Stage::Unpack => self.unpack(),
            Stage::Rewrite => self.rewrite(),
            Stage::Compile => self.compile(spec.title),
            Stage::Image(image, before) => self.image(image, before),
        }
    }

    fn artifact(&mut self) -> Result<&Artifact, SetupError> {
        if self.artifact.is_none() {
            self.artifact = Some(Artifact::get(self.cache, self.language, self.progress)?);
        }
        self.artifact.as_ref().ok_or(SetupError::NotPrepared)
    }

    /// The wheels of the packages that are mounted in the guest.
    fn packages(&self) -> Result<Vec<PathBuf>, SetupError> {
        fetch::wheels(self.cache, self.language, &artifact::package_lock(self.language)?, 0, self.progress)
    }

    fn unpack(&mut self) -> Result<(), SetupError> {
        let library = self.artifact()?.library()?;
        let wheels = self.packages()?;
        let dir = self.store.unfinished_dir()?;
        GuestTree::at(dir.path().to_owned(), self.language).fill(&library, &wheels)?;
        self.store.keep_tree(names::GUEST, dir)
    }

    fn rewrite(&mut self) -> Result<(), SetupError> {
        let original = patch::apply(&self.artifact()?.module()?, &self.language.patches.all())?;
        let Rewritten { module, memory } = rewrite(&original, self.language.exported_functions)?;

        let file = self.store.unfinished_file()?;
        file.as_file().set_len(memory.size()).doing("cannot write", file.path())?;
        for (address, bytes) in memory.runs(&original) {
            file.as_file().write_all_at(bytes, address).doing("cannot write", file.path())?;
        }
        self.store.keep_file(names::INITIAL, file, Value::Null)?;

        let file = self.store.unfinished_file()?;
        file.as_file().write_all_at(&module, 0).doing("cannot write", file.path())?;
        self.store.keep_file(names::MODULE, file, Value::Null)
    }

    fn compile(&mut self, title: &'static str) -> Result<(), SetupError> {
        let path = self.store.path(names::MODULE);
        let module = fs::read(&path).doing("cannot read", &path)?;
        let key = digest::of_bytes(format!("{}\n{}", digest::of_bytes(&module), self.builder.identity()).as_bytes());
        let out = self.store.unfinished_file()?;
        if !self.copy_code(&key, out.path()) {
            self.compile_anew(title, &module, out.path())?;
        }
        self.store.keep_file(names::CODE, out, json!({ CODE_KEY: key }))
    }

    /// Copies code that an earlier version compiled from the same module with the same engine: then only the
    /// guest's own packages have changed. Whether there was any.
    fn copy_code(&self, key: &str, out: &Path) -> bool {
        let Ok(entries) = fs::read_dir(self.cache.root()) else { return false };
        let is_runtime = |entry: &DirEntry| artifact::is_id(self.language, &entry.file_name().to_string_lossy());
        entries.flatten().filter(is_runtime).any(|entry| {
            let Ok(other) = Store::open(&entry.path()) else { return false };
            let same = other.record(names::CODE).and_then(|record| record.meta.get(CODE_KEY)).is_some_and(|k| k == key);
            let copied = same
                && other
                    .open_file(names::CODE, Check::Contents)
                    .is_ok_and(|code| File::create(out).and_then(|mut to| io::copy(&mut &code.file, &mut to)).is_ok());
            if copied {
                self.progress.message("the code that is there already fits");
            }
            copied
        })
    }

    fn compile_anew(&self, title: &'static str, module: &[u8], out: &Path) -> Result<(), SetupError> {
        self.progress.message("this takes a minute or two, once");
        if let Some(available) = available_memory()
            && available < COMPILER_MEMORY
        {
            let size = super::progress::size;
            self.progress.message(&format!(
                "compiling takes about {} of memory and {} are available; close other programs if it is killed",
                size(COMPILER_MEMORY),
                size(available)
            ));
        }
        self.working(title, || self.builder.compile(module, out))
    }

    fn image(&mut self, image: &'static WarmImage, before: Option<&WarmImage>) -> Result<(), SetupError> {
        let (code, guest) = (self.store.path(names::CODE), self.guest());
        let path = self.store.path(before.map_or(names::INITIAL, |before| before.file));
        let from = match before {
            None => From::InitialMemory(&path),
            Some(before) => {
                let record = self.store.record(before.file).ok_or(SetupError::NotPrepared)?;
                From::Image(&path, record.meta.clone())
            }
        };
        let out = self.store.unfinished_file()?;
        let order = ImageOrder { image, code: &code, from: &from, guest: &guest, out: out.path() };
        let meta = self.working(image.title, || self.builder.make_image(&order))?;
        self.store.keep_file(image.file, out, meta)
    }

    fn guest(&self) -> GuestTree {
        GuestTree::at(self.store.path(names::GUEST), self.language)
    }

    /// Runs a builder's work, telling every second that it goes on.
    fn working<T>(
        &self,
        stage: &'static str,
        work: impl FnOnce() -> Result<T, super::build::BuildError>,
    ) -> Result<T, SetupError> {
        let progress = self.progress;
        let (done, finished) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let started = Instant::now();
                while finished.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                    progress.still_working(started.elapsed());
                }
            });
            let result = work();
            drop(done);
            result
        })
        .map_err(|cause| SetupError::Build { stage, cause })
    }
}

/// Memory that can be had without swapping, where the system tells.
fn available_memory() -> Option<u64> {
    let text = fs::read_to_string(Path::new("/proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
#[path = "ensure_tests.rs"]
mod tests;
