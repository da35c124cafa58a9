//! temporary
mod blobs; mod compact; mod depot; mod engine; mod error; mod fork; mod holder; mod id; mod identity; mod keeper; mod layout; mod lease; mod ledger; mod load; mod log; mod metadata; pub mod notebooks; mod places; mod portable; mod reading; mod record; mod sealed; mod staged; mod state; mod view; mod writing;
pub use depot::Depot; pub use error::StoreError; pub use holder::Holder; pub use id::SessionId; pub use identity::*; pub use log::Log; pub use state::*; pub use view::View;
