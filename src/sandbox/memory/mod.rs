//! The memory of a guest: one mapping, an image under it, what was committed over that, and copies for the journal.

pub mod dirty;
pub mod image;
pub mod mapping;
pub mod overlay;
pub mod snapshot;
