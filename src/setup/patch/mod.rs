//! Changes a guest module's own code at set-up, before it is rewritten.
//!
//! What is changed is a language's table of [`Patch`](crate::language::patch::Patch)es. Nothing is changed unless
//! everything that was expected is found; a module that differs is refused as a whole, with the name of the function.
//!
//! `survey` reads a module, `shape` shows one of its functions, `apply` makes the patched module; they must never know
//! which language it holds.

mod apply;
mod shape;
mod survey;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use apply::apply;

/// Why a module cannot be patched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PatchError {
    /// The bytes are not a WebAssembly module.
    #[error("the guest module cannot be parsed: {0}")]
    Parse(#[from] wasmparser::BinaryReaderError),
    /// A function that a patch names is not there.
    #[error(
        "the guest module has no function named {0}, which a patch is for: it is not the artifact that the patches were made for"
    )]
    NoSuchFunction(&'static str),
    /// The name stands for several functions.
    #[error(
        "the guest module has more than one function named {0}, which a patch is for: it is not the artifact that the patches were made for"
    )]
    AmbiguousFunction(&'static str),
    /// The function is an import, which has no body.
    #[error("the guest module imports {0}, which a patch is for")]
    Imported(&'static str),
    /// What was expected is not there, or not so often.
    #[error(
        "the guest module's function {function} is not the one that a patch was made for: what is replaced there was found {found} times, expected {expected}"
    )]
    Differs {
        /// Which.
        function: &'static str,
        /// How often it should have been found.
        expected: usize,
        /// How often it was.
        found: usize,
    },
    /// A wrapped function has other parameters or results.
    #[error("the guest module's function {0} has other parameters or results than a patch was made for")]
    Signature(&'static str),
    /// A text is not where it was expected.
    #[error("the guest module's memory does not hold the text that a patch of {0} is for")]
    TextDiffers(&'static str),
    /// Two patches change the same place, or wrap the same function.
    #[error("two patches of the guest module's function {0} are in each other's way")]
    Overlap(&'static str),
    /// The table itself cannot be right.
    #[error("the patch of the guest module's function {0} is wrong: {1}")]
    BadEntry(&'static str, &'static str),
}
