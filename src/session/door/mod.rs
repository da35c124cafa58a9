//! The host's side of the door: what the guest may call while it serves a request (`docs/door.md`). All that comes in is
//! hostile.

pub(super) mod asking;
pub(super) mod contact;
pub(super) mod current;
pub(super) mod event;
pub mod host;
mod limit_notes;
pub(super) mod mailbox;
pub(super) mod ops;
pub(super) mod reply;
pub(super) mod served;
mod session_calls;
