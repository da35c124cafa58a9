//! The catalogue: for each kind of failure when it is at hand, and what to say. Data only; `super::engine` reads it.
//!
//! The first entry that matches counts, so what the host itself saw stands before what the guest says, and
//! the particular before the general. A sentence with a blank that cannot be filled is left out, and of the
//! examples the first whose blanks can all be filled is shown.

mod absent;
mod files;
mod functions;
mod limits;
mod modules;
mod state;

use super::facts::Ended;
use super::kinds::ErrorType;
use super::packages::Nature;
use super::paths::Place;

pub use absent::COMMANDS;
pub use functions::FUNCTIONS;

/// One way in which a kind of failure comes about, and what to say of it.
#[derive(Debug)]
pub struct Entry {
    pub kind: ErrorType,
    /// When it is at hand: all conditions of one of the rows.
    pub when: &'static [&'static [Condition]],
    /// Sentences, with blanks.
    pub says: &'static [&'static str],
    /// Places in the documentation, besides the type's own.
    pub docs: &'static [&'static str],
    pub examples: &'static [Example],
}

/// Code before and after, with blanks.
#[derive(Debug)]
pub struct Example {
    pub before: &'static str,
    pub after: &'static str,
    pub explanation: &'static str,
}

/// What has to hold.
#[derive(Debug)]
pub enum Condition {
    /// The host ended the cell for this.
    Ended(Ended),
    /// The session could not be brought back.
    Lost,
    /// The exception is of this type, or of one derived from it.
    Type(&'static str),
    /// So it is, and no `raise` of the cell's own made it.
    Happened(&'static str),
    /// The exception is of exactly this type.
    Class(&'static str),
    /// The bridge said that this of the sandbox is the cause.
    Reason(&'static str),
    /// The exception's `errno`, as WASI numbers them, is one of these.
    Errno(&'static [i64]),
    /// The path at fault leads to one of these.
    Leads(&'static [Place]),
    /// The module that was not found is known, and missing for this.
    Package(Nature),
    /// The module that was not found is not known at all.
    Stranger,
    /// The cell's source has this word.
    Source(&'static str),
    /// The bridge named a function that is not there, or that waits.
    Function,
    /// Text of the cell's was cut.
    Cut,
}

/// All entries, in the order in which they are tried.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    [
        state::ENTRIES,
        limits::ENTRIES,
        absent::ENTRIES,
        functions::ENTRIES,
        modules::ENTRIES,
        files::ENTRIES,
        limits::LAST,
    ]
    .into_iter()
    .flatten()
}
