//! What setup needs from the sandbox, as a trait: compiling and making images.
//!
//! Setup decides when each is called, with which files, and keeps the results; how it is done is the
//! implementor's business. Only files are handed over, so that each step can be repeated by itself.

use std::path::Path;

use serde_json::Value;

use super::guest::GuestTree;
use crate::language::Language;
use crate::language::guest::WarmImage;

/// Any error of the sandbox; setup adds which stage it was.
pub type BuildError = Box<dyn std::error::Error + Send + Sync>;

/// What an image is made from.
#[derive(Debug, Clone)]
pub enum From<'a> {
    /// The module's initial memory, which has to be initialised first.
    InitialMemory(&'a Path),
    /// An image that was made before, and what its maker recorded of it.
    Image(&'a Path, Value),
}

/// One image to be made.
#[derive(Debug, Clone, Copy)]
pub struct ImageOrder<'a> {
    /// Which.
    pub image: &'static WarmImage,
    /// The compiled code.
    pub code: &'a Path,
    /// The memory to begin with. All images and memories are raw: the guest's memory, byte for byte, as
    /// long as the memory is.
    pub from: &'a From<'a>,
    /// The guest's read-only directories.
    pub guest: &'a GuestTree,
    /// An empty file to be filled.
    pub out: &'a Path,
}

/// The sandbox's side of a set-up.
pub trait Builder {
    /// The language whose guest is set up.
    fn language(&self) -> &'static Language;

    /// Changes whenever code or images made by this builder could not be used by another one: the engine's
    /// version and settings, the processor's features, the host's part of the warm-up.
    fn identity(&self) -> String;

    /// Compiles a rewritten module into the empty file `out`.
    fn compile(&self, wasm: &[u8], out: &Path) -> Result<(), BuildError>;

    /// Makes one image, and finds and proves its interrupt flag. What is answered is recorded with it, and
    /// handed back when it is opened.
    fn make_image(&self, order: &ImageOrder<'_>) -> Result<Value, BuildError>;
}
