//! The sandbox: wasmtime, memory images, instances and the world they see. Knows nothing of sessions,
//! languages or Jupyter.

mod changes;
mod clocks;
pub mod control;
mod directory;
pub mod dirty;
pub mod drive;
pub mod engine;
mod errno;
pub mod files;
pub mod fixed;
pub mod frame;
pub mod host;
pub mod image;
mod inner;
pub mod instance;
mod looks;
pub mod memory;
pub mod outside;
pub mod overlay;
mod pass;
mod quota;
mod raw;
mod refusals;
pub mod signal;
mod stat;
mod wasi;
pub mod watch;
pub mod world;

pub use drive::{Allowance, End, Interrupter, Reason, Sampling, Turn};
pub use engine::Edition;
pub use fixed::Fixed;
pub use frame::Frame;
pub use image::Image;
pub use instance::{Code, Facts, Gauges, Instance};
pub use outside::{HostCall, Outside};
pub use overlay::{Committed, Import, Overlay};
pub use refusals::{Refusal, RefusalClass, Refused};
pub use world::{Clock, Mount, Quota, World};
