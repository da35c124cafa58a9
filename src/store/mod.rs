//! The durable log of a session: memory pages, states and files by hash, kept so that a crash at any moment
//! leaves the last committed state, and so that damage is seen and never taken for data. It knows nothing of
//! the sandbox, of what cells print, or of Jupyter. Its callers are plain threads.
//!
//! # The format, version 1
//!
//! Everything is an object in a store that can create, replace, list and delete, and can neither append nor
//! rename: a directory ([`Backend::local`]) or a bucket ([`Backend::at`]).
//!
//! ```text
//! notebooks/<hash of the notebook's name>.json   which session it has
//! sessions/<id>/session.json                     see `metadata.rs`; written last, so without it there is none
//! sessions/<id>/lease/<epoch>.json               who holds it: see `lease.rs`
//! sessions/<id>/log/<number>.rec                 the records
//! sessions/<id>/blobs/<sha256>                   contents of files, as they are
//! sessions/<id>/portable.rec                     what is left when the base is gone
//! ```
//! Numbers have 20 digits. JSON files end in a checksum over all before it (`checksummed.rs`). The bytes of a
//! record are described in `record/mod.rs`, what it says in `record/header.rs`.
//!
//! **Records** are only created, never changed, and numbered without gaps; each has the hash of the one
//! before. A record may list the older records that still count, with their hashes; whatever it does not
//! list is litter, deleted or about to be. The newest record has the whole timeline.
//!
//! **States.** A `commit` holds the pages and files that have changed since its parent, or since the warm
//! image; its number is the state's. A `snapshot` is a state once more, on an older parent: see
//! `compact.rs`. To load a state, take its pages, then those of its parent that are not there yet, and so on.
//!
//! **One holder.** Leases keep holders apart; an `open` record at the beginning of each run keeps out
//! whoever lost the session without noticing, since he will try to create a record of the same number.
//!
//! **Checks.** Opening checks every byte of every record (in a bucket: of every head, and all lengths), that
//! the records belong together, that everything a state needs is there, and that all contents of files are
//! there with their sizes. Blocks are checked once more when they are loaded. Any damage is an error, which
//! names the newest state from before it; [`Log::salvage`] goes there.

mod alone;
pub mod archive;
mod backend;
mod backend_url;
mod blobs;
mod blocking;
mod body;
pub mod catalog;
mod checksummed;
mod compact;
mod error;
mod fork;
mod holder;
mod id;
mod identity;
mod index;
mod layout;
mod lease;
mod lease_renewer;
mod load;
mod log;
mod metadata;
mod notebooks;
mod opening;
mod portable;
mod reading;
mod record;
mod staged;
mod state;
mod view;
mod writing;

pub use backend::Backend;
pub use error::{LastGood, StoreError};
pub use holder::Holder;
pub use id::SessionId;
pub use identity::Identity;
pub use log::{Log, recorded_identity};
pub use metadata::Metadata;
pub use opening::{Durability, Keep, Opening};
pub use state::{Cell, Contents, Loaded, MAX_PAGES, NewState, PAGE, Pages, StateInfo, Summary};
pub use view::{HistoryLine, View};

#[cfg(test)]
pub(crate) mod tests;
