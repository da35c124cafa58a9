//! The language runtimes: what they are made of, how they are set up, how a prepared one is opened.
//!
//! `cache` and `store` know nothing of languages; `python` is the one file that says what the Python
//! runtime consists of; `patch` and `rewrite` change its module; `stages` and `setup` make it; `prepared` opens it. What has to be done inside the
//! sandbox is behind the trait in `build`, and done in `sandboxed`. Knows nothing of Jupyter.

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
pub mod pins;
pub mod pip;
pub mod prepared;
pub mod progress;
pub mod progress_bar;
mod python;
pub mod rewrite;
pub mod sandboxed;
pub mod stack;
pub mod stages;
pub mod store;
pub mod turn;
mod unpack;
pub mod warm;

pub use build::{BuildError, Builder, ImageOrder, WarmProfile};
pub use cache::Cache;
pub use ensure::{ensure, setup};
pub use error::SetupError;
pub use guest::{GUEST_ENV, GuestTree};
pub use prepared::{Prepared, prune};
pub use progress::Progress;
pub use sandboxed::SandboxBuilder;
pub use store::{Check, OpenedFile};
