//! Cellblock: a Jupyter kernel that runs every notebook cell inside a WebAssembly sandbox.
//!
//! The rooms, from the top down; each may use only those below it:
//! `cli` → `kernel` (Jupyter) → `session` → `runtime` → `sandbox`; `wire`, `sockets`, `policy` are leaves.

pub mod cli;
pub mod policy;
pub mod runtime;
pub mod session;
