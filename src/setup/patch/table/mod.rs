//! The patches of the Python module.
//!
//! Addresses and instructions are those of the pinned artifact (`pins::MODULE`). Of another one they have to be found
//! anew; [`super::apply`] refuses it until then.

mod casts;
mod doors;
mod files;
mod floats;
mod integers;
mod locks;
mod positions;
mod scalars;
mod stack;

use wasm_encoder::ValType;

use super::{Change, Patch};

/// Under which heading of `docs/guest-patches.md`, what it is about in a sentence, and the patches.
pub struct Theme {
    /// The heading.
    pub title: &'static str,
    /// What is the matter, and what is done about it besides the patches.
    pub about: &'static str,
    /// The patches, of each of its files or kinds some.
    pub patches: &'static [&'static [Patch]],
}

/// All patches of the Python module.
pub const THEMES: &[&Theme] = &[
    &stack::THEME,
    &locks::THEME,
    &integers::THEME,
    &positions::THEME,
    &doors::THEME,
    &casts::THEME,
    &floats::THEME,
    &scalars::THEME,
    &files::THEME,
];

/// The patches in the order of the table.
pub fn all() -> Vec<Patch> {
    listed().cloned().collect()
}

fn listed() -> impl Iterator<Item = &'static Patch> {
    THEMES.iter().flat_map(|theme| theme.patches).copied().flatten()
}

/// All that the patches are, for the identity of what is made of them.
pub fn fingerprint() -> String {
    // What is made for each of many functions is not known before they are, and changes with its text only.
    let made = [doors::REVISION, scalars::REVISION].map(|revision| revision.to_string());
    let written = |patch: &Patch| match &patch.change {
        Change::WrapEach { copies, wrapped, calls, locals, .. } => {
            format!("{} {copies} {wrapped} {calls:?} {locals:?}", patch.function)
        }
        Change::Add { params, results, locals, body, .. } | Change::WrapMade { params, results, locals, body, .. } => {
            format!("{} {params:?} {results:?} {locals:?} {:?}", patch.function, body())
        }
        change => format!("{} {change:?}", patch.function),
    };
    made.into_iter().chain(listed().map(written)).collect()
}

/// So many integers, as parameters or results.
const fn ints(count: usize) -> &'static [ValType] {
    const MOST: [ValType; 9] = [ValType::I32; 9];
    MOST.split_at(count).0
}
