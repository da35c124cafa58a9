//! Changes to a guest module's own code, as a language writes them down.
//!
//! A patch says which function (by its name in the `name` section), what is expected there, what takes its place, why, and
//! which test fails without it. `op` is the notation of instructions. How a module is read and changed is the business
//! of `setup`, which must never know which language the module holds.

pub mod op;

use wasm_encoder::ValType;
use wasmparser::Operator;

pub use op::Op;

/// All patches of a language's module.
#[derive(Debug, Clone, Copy)]
pub struct PatchTable {
    /// The patches, by what they are about.
    pub themes: &'static [&'static Theme],
    /// Of the patches that are made for each of many functions ([`Change::WrapEach`]): raised when what is made of them
    /// changes, which is not known before they are.
    pub revisions: &'static [u32],
}

/// Under which heading of the documentation, what it is about in a sentence, and the patches.
#[derive(Debug)]
pub struct Theme {
    /// The heading.
    pub title: &'static str,
    /// What is the matter, and what is done about it besides the patches.
    pub about: &'static str,
    /// The patches, of each of its files or kinds some.
    pub patches: &'static [&'static [Patch]],
}

impl PatchTable {
    /// The patches in the order of the table.
    pub fn all(&self) -> Vec<Patch> {
        self.listed().cloned().collect()
    }

    fn listed(&self) -> impl Iterator<Item = &'static Patch> + use<> {
        self.themes.iter().flat_map(|theme| theme.patches).copied().flatten()
    }

    /// All that the patches are, for the identity of what is made of them.
    pub fn fingerprint(&self) -> String {
        let written = |patch: &Patch| match &patch.change {
            Change::WrapEach { copies, wrapped, calls, locals, .. } => {
                format!("{} {copies} {wrapped} {calls:?} {locals:?}", patch.function)
            }
            Change::Add { params, results, locals, body, .. }
            | Change::WrapMade { params, results, locals, body, .. } => {
                format!("{} {params:?} {results:?} {locals:?} {:?}", patch.function, body())
            }
            change => format!("{} {change:?}", patch.function),
        };
        self.revisions.iter().map(u32::to_string).chain(self.listed().map(written)).collect()
    }
}

/// The body of a function as patches see it that are made for each of many of the same name.
pub trait Shape {
    /// How many parameters it has, which are its first locals.
    fn params(&self) -> u32;

    /// The instruction that stands `before` instructions before the first call of a function of that name.
    fn before_call(&self, name: &'static str, before: usize) -> Option<&Operator<'_>>;
}

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
        body: fn(&dyn Shape) -> Option<Vec<Op>>,
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
