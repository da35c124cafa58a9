//! The languages' runtimes: how they are set up, and how a prepared one is opened.
//!
//! What a runtime is made of is a [`Language`](crate::language::Language), which is handed in. `cache` and `store` know
//! nothing of languages; `artifact` reads the pinned parts; `patch` and `rewrite` change the module; `stages` and `ensure`
//! make the runtime; `prepared` opens it. What has to be done inside the sandbox is behind the trait in `build`, and done in
//! `sandboxed`. Knows nothing of sessions, nor of Jupyter.

pub(crate) mod artifact;
pub mod build;
pub mod cache;
mod digest;
pub mod disk;
mod embedded;
pub mod ensure;
pub mod error;
mod fetch;
pub mod guest;
mod lockfile;
pub mod patch;
pub mod pip;
pub mod prepared;
pub mod progress;
pub mod progress_bar;
pub mod rewrite;
pub mod sandboxed;
pub mod stages;
pub mod store;
pub mod turn;
mod unpack;
pub mod warm;

pub use build::{BuildError, Builder, ImageOrder};
pub use cache::Cache;
pub use ensure::{ensure, setup};
pub use error::SetupError;
pub use guest::GuestTree;
pub use prepared::{Prepared, prune};
pub use progress::Progress;
pub use sandboxed::SandboxBuilder;
pub use store::{Check, OpenedFile};
