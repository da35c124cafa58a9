//! The sandbox's side of a set-up: compiles, and makes images, with this build's engine.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::artifact::DETERMINISTIC;
use super::build::{BuildError, Builder, From, ImageOrder};
use super::guest::{Granted, GuestTree};
use super::warm::{ImageMaker, Start};
use crate::language::Language;
use crate::sandbox::{Clock, Code, Edition, Facts, Image, Quota, WasiConfig, determinism, engine};

/// Files that a guest may have open while its image is made.
const OPEN_FILES: usize = 256;

/// Bytes of a message between host and guest, unless a policy says otherwise.
const MAX_FRAME: usize = 128 << 20;

/// Compiles and warms up with wasmtime.
pub struct SandboxBuilder {
    language: &'static Language,
    edition: Edition,
    engine: wasmtime::Engine,
}

impl SandboxBuilder {
    /// A builder for a language, with the engine that sessions of this edition use. What it makes is apart from what is made for
    /// another edition.
    ///
    /// # Errors
    /// wasmtime's, on a machine that it does not run on.
    pub fn new(language: &'static Language, edition: Edition) -> wasmtime::Result<Self> {
        Ok(Self { language, edition, engine: engine::engine(edition)? })
    }

    /// The engine, for sessions on what this builder made.
    pub fn engine(&self) -> &wasmtime::Engine {
        &self.engine
    }
}

impl Builder for SandboxBuilder {
    fn language(&self) -> &'static Language {
        self.language
    }

    fn identity(&self) -> String {
        // How the guest was started and its environment are in every image.
        let Language { entry, environment, .. } = self.language;
        let started = entry.started.map_or(0, |started| started.revision);
        let identity = format!("{}; {}; {environment:?}; {started}", engine::fingerprint(&self.engine), entry.first);
        match self.edition {
            Edition::Ordinary => identity,
            Edition::Deterministic => format!("{DETERMINISTIC}{}; {identity}", determinism::REVISION),
        }
    }

    fn compile(&self, wasm: &[u8], out: &Path) -> Result<(), BuildError> {
        Ok(std::fs::write(out, engine::compile(&self.engine, wasm)?)?)
    }

    fn make_image(&self, order: &ImageOrder<'_>) -> Result<Value, BuildError> {
        let code = Code::new(&self.engine, &engine::open_code(&self.engine, order.code)?)?;
        let (app, tmp) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let world = world(order.guest, app.path(), tmp.path(), &Granted::default(), OPEN_FILES);
        let world = WasiConfig { edition: self.edition, ..world };
        let out = OpenOptions::new().read(true).write(true).open(order.out)?;
        let (from, before) = match order.from {
            From::InitialMemory(path) => (path, None),
            From::Image(path, meta) => (path, Some(serde_json::from_value::<Facts>(meta.clone())?)),
        };
        let start = before.as_ref().map_or(Start::Fresh, Start::Warm);
        let maker = ImageMaker { language: self.language, code: &code, world: &world };
        let facts = maker.make(order.image, Arc::new(Image::open(from)?), start, &out)?;
        Ok(serde_json::to_value(facts)?)
    }
}

/// The world of a guest on the directories that setup made, with a workspace and a scratch of its own.
pub fn world(guest: &GuestTree, app: &Path, tmp: &Path, granted: &Granted, open_files: usize) -> WasiConfig {
    let language = guest.language();
    let env = language.environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    WasiConfig {
        mounts: guest.mounts(app, tmp, granted),
        inner: granted.inner.clone(),
        program: language.program,
        env,
        open_files,
        quota: Quota::default(),
        max_frame: MAX_FRAME,
        clock: Arc::new(Clock::new()),
        edition: Edition::Ordinary,
        watch: None,
    }
}
