//! Cellblock: a Jupyter kernel that runs every notebook cell inside a WebAssembly sandbox.
//!
//! The rooms, from the top down; each may use only those below it:
//! `cli` → `kernel` (Jupyter) → `session` → `runtime` → `sandbox`; `wire`, `sockets`, `policy`, `advice`, `firewall`,
//! `observe`, `json` are leaves. `heap` gives free memory back, and is called from anywhere.

#![deny(unsafe_code)]

pub mod advice;
pub mod cli;
pub mod firewall;
pub mod heap;
pub mod json;
pub mod kernel;
pub mod observe;
pub mod policy;
pub mod runtime;
pub mod sandbox;
pub mod session;
pub mod sockets;
pub mod wire;
