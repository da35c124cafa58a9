//! Changes to a guest module's own code, made at set-up before it is rewritten.
//!
//! A patch is an entry of a table: which function (by its name in the `name` section), what is expected there, what
//! takes its place, why, and which test fails without it. Nothing is changed unless everything that was expected is
//! found; a module that differs is refused as a whole, with the name of the function.
//!
//! `op` is the notation of instructions, `survey` reads a module, `apply` makes the patched one; they must never know
//! which language the module holds. `table` holds the entries for Python. `docs/guest-patches.md` is written from it.

mod apply;
mod op;
#[cfg(test)]
mod reference;
mod shape;
mod survey;
pub mod table;
#[cfg(test)]
mod tests;

use thiserror::Error;
use wasm_encoder::ValType;

pub use apply::apply;
pub use op::Op;
pub use shape::Shape;

/// One change to one function.
#[derive(Debug, Clone)]
pub struct Patch {
    /// The function's name in the module's `name` section; exactly one function may have it. Of one that is added, none.
    pub function: &'static str,
    /// What is done to it.
    pub change: Change,
    /// What is wrong without it, for people.
    pub reason: &'static str,
    /// The test that fails without it: a file below the repository, `::`, and the test's name.
    pub test: &'static str,
}

/// What is done to a function.
#[derive(Debug, Clone)]
pub enum Change {
    /// Instructions in the midst of its body are replaced by others that leave the same on the stack.
    Edit {
        /// The instructions that have to be there.
        expected: &'static [Op],
        /// How often they have to be there, no more and no less; all places are changed.
        times: usize,
        /// What takes their place.
        replacement: &'static [Op],
    },
    /// Whoever calls the function, directly or through a table, gets another body, which may call the original one by
    /// [`Op::Original`].
    Wrap {
        /// The types of the parameters that it has to have.
        params: &'static [ValType],
        /// The types of the results that it has to have.
        results: &'static [ValType],
        /// Locals of the new body, one by one, after the parameters.
        locals: &'static [ValType],
        /// The new body, without the `end` of the function.
        body: &'static [Op],
    },
    /// As [`Change::Wrap`], with a body that is made, as it is too long to be written out.
    WrapMade {
        /// The types of the parameters that it has to have.
        params: &'static [ValType],
        /// The types of the results that it has to have.
        results: &'static [ValType],
        /// Locals of the new body, one by one, after the parameters.
        locals: &'static [ValType],
        /// What the new body does, for people.
        about: &'static str,
        /// The new body, without the `end` of the function.
        body: fn() -> Vec<Op>,
    },
    /// As [`Change::Wrap`], for every function of that name. Compilers make many of C's `static` functions in headers; in
    /// C++ their names go on with the types of the parameters.
    WrapEach {
        /// How many functions have to have the name.
        copies: usize,
        /// For how many of them there has to be a new body.
        wrapped: usize,
        /// The functions that the new bodies call, or that a [`Shape`] is asked for.
        calls: &'static [&'static str],
        /// Locals of the new bodies, one by one, after the parameters.
        locals: &'static [ValType],
        /// What they do, for people.
        about: &'static str,
        /// The new body of one of them, without its `end`; none for one that stays as it is.
        body: fn(&Shape<'_>) -> Option<Vec<Op>>,
    },
    /// The function is not there: it is added for the bodies of others, which call it by its name.
    Add {
        /// The types of its parameters; some function of the module has to have the same parameters and results.
        params: &'static [ValType],
        /// The types of its results.
        results: &'static [ValType],
        /// Its locals, one by one, after the parameters.
        locals: &'static [ValType],
        /// What it does, for people.
        about: &'static str,
        /// Its body, without its `end`.
        body: fn() -> Vec<Op>,
    },
    /// A text that the function uses. It is the module's initial memory that is changed.
    Text {
        /// Where the text is in the guest's memory.
        address: u32,
        /// The text that has to be there, ended by a zero byte.
        expected: &'static str,
        /// The new text, no longer than the old one.
        replacement: &'static str,
    },
}

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
