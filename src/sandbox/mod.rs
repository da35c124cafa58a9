//! The sandbox: wasmtime, memory images, instances and the world they see. Knows nothing of sessions,
//! languages or Jupyter.

pub mod control;
pub mod dirty;
pub mod drive;
pub mod engine;
pub mod files;
pub mod frame;
pub mod host;
pub mod image;
pub mod instance;
pub mod memory;
pub mod outside;
pub mod overlay;
pub mod signal;
mod wasi;
pub mod world;

pub use drive::{Allowance, End, Interrupter, Reason, Sampling, Turn};
pub use frame::Frame;
pub use image::Image;
pub use instance::{Code, Facts, Gauges, Instance};
pub use outside::{HostCall, Outside};
pub use overlay::{Committed, Import, Overlay};
pub use world::{Clock, Mount, World};
