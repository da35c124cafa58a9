//! The patches of the Python module.
//!
//! Addresses and instructions are those of the pinned artifact (`super::pins::ARTIFACT`). Of another one they have to be found
//! anew; setup refuses it until then.

mod casts;
mod doors;
mod files;
mod floats;
mod integers;
mod locks;
mod positions;
#[cfg(test)]
mod reference;
mod scalars;
mod stack;
mod wide_results;

use wasm_encoder::ValType;

use crate::language::patch::PatchTable;

/// All patches of the module.
pub const PATCHES: PatchTable = PatchTable {
    themes: &[
        &stack::THEME,
        &locks::THEME,
        &integers::THEME,
        &positions::THEME,
        &doors::THEME,
        &casts::THEME,
        &floats::THEME,
        &scalars::THEME,
        &files::THEME,
        &wide_results::THEME,
    ],
    revisions: &[doors::REVISION, scalars::REVISION],
};

/// So many integers, as parameters or results.
const fn ints(count: usize) -> &'static [ValType] {
    const MOST: [ValType; 9] = [ValType::I32; 9];
    MOST.split_at(count).0
}
