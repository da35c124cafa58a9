//! The sandbox: wasmtime, memory images, instances and the world they see. Knows nothing of sessions,
//! languages or Jupyter.

mod block;
pub mod control;
pub mod determinism;
pub mod engine;
pub mod frame;
pub mod fuel;
pub mod guest_host;
pub mod host;
pub mod instance;
pub mod interrupt_flag;
pub mod memory;
pub mod prices;
mod quota;
mod refusals;
pub mod turn;
mod wasi;
pub mod wasi_config;
pub mod watch;

pub use control::{Asked, Reason};
pub use determinism::Determinism;
pub use engine::Edition;
pub use frame::{Frame, room_for_structure};
pub use guest_host::{GuestHost, HostCall};
pub use instance::{Code, Facts, Gauges, Instance};
pub use memory::image::Image;
pub use memory::overlay::{Committed, Import, Overlay};
pub use memory::snapshot::Snapshot;
pub use refusals::{Refusal, RefusalClass, Refused};
pub use turn::{Allowance, End, Interrupter, Sampling, Turn};
pub use wasi_config::{Clock, Mount, Quota, WasiConfig};
