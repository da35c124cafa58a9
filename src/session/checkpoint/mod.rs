//! States of a session: committing what a request did, going to another state, and what a state says of itself.

pub(super) mod anew;
pub(super) mod commit;
pub(super) mod eviction;
pub(super) mod moves;
pub(super) mod portable;
pub mod state_meta;
