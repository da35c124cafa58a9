//! The patches of the Python module.
//!
//! Addresses and instructions are those of the pinned artifact (`pins::MODULE`). Of another one they have to be found
//! anew; [`super::apply`] refuses it until then.

mod doors;
mod integers;
mod locks;
mod stack;

use super::{Change, Patch};

/// Under which heading of `docs/guest-patches.md`, what it is about in a sentence, and the patches.
pub struct Theme {
    /// The heading.
    pub title: &'static str,
    /// What is the matter, and what is done about it besides the patches.
    pub about: &'static str,
    /// The patches.
    pub patches: &'static [Patch],
}

/// All patches of the Python module.
pub const THEMES: &[&Theme] = &[&stack::THEME, &locks::THEME, &integers::THEME, &doors::THEME];

/// The patches in the order of the table.
pub fn all() -> Vec<Patch> {
    THEMES.iter().flat_map(|theme| theme.patches).cloned().collect()
}

/// All that the patches are, for the identity of what is made of them.
pub fn fingerprint() -> String {
    // A function's address is another one in every run; what it makes changes with its text only.
    let made = [doors::REVISION.to_string()];
    let written = |patch: &Patch| match &patch.change {
        Change::WrapEach { copies, wrapped, calls, locals, .. } => {
            format!("{} {copies} {wrapped} {calls:?} {locals:?}", patch.function)
        }
        change => format!("{} {change:?}", patch.function),
    };
    made.into_iter().chain(THEMES.iter().flat_map(|theme| theme.patches).map(written)).collect()
}
