//! Cellblock: a Jupyter kernel that runs every notebook cell inside a WebAssembly sandbox.
//!
//! The rooms, from the top down; each may use only those below it:
//!
//! - `cli`: one file per subcommand.
//! - `jupyter`: the messaging protocol (`wire`, `sockets`, `kernel`), and nothing of wasm.
//! - `session`: what any face asks of a session, and nothing of Jupyter.
//! - `store`, `workspace`, `timeline`: the durable log, the files, and which states can be gone to.
//! - `setup`: fetches, patches and compiles what sessions run on.
//! - `language`: what sets one guest apart from another, as values; the only room that names Python.
//! - `sandbox`: wasmtime, memory images, instances, and the WASI that they see.
//! - `firewall`, `advice`, `policy`, `observe`, `json`, `heap`: leaves, which know nothing of who uses them.

// Cargo.toml has the lints. Tests may end with a panic.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod advice;
pub mod cli;
pub mod firewall;
pub mod heap;
pub mod json;
pub mod jupyter;
pub mod language;
pub mod observe;
pub mod policy;
pub mod sandbox;
pub mod session;
pub mod setup;
pub mod store;
pub mod timeline;
pub mod workspace;

#[cfg(test)]
mod architecture_tests;
