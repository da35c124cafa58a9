//! Cellblock: a Jupyter kernel that runs every notebook cell inside a WebAssembly sandbox.
//!
//! The rooms, from the top down; each may use only those below it:
//! `cli` → `kernel` (Jupyter) → `session` → `runtime` → `sandbox`; `wire`, `sockets`, `policy` are leaves.

pub mod kernel;
pub mod session;
pub mod sockets;
pub mod wire;
