//! The wasmtime engine and compiled code. One engine a process; any number of instances.

use std::path::Path;
use std::sync::Arc;

use wasmtime::{Config, Engine, Module, OptLevel};

use super::memory::mapping::{GUARD, Mappings, RESERVATION};

/// The native stack that a guest's calls may take. A guest has a stack of its own in its memory, of whose end it knows
/// (`runtime::stack` says how large that is); this one has to last longer, for what overflows it traps. It is mapped
/// lazily: one that is not used costs addresses only.
pub const WASM_STACK: usize = 128 << 20;
/// The native stack of the fiber that a cell runs on; the wasm stack plus room for host functions.
const FIBER_STACK: usize = WASM_STACK + (4 << 20);

/// Which of two kinds of compiled code and images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// As fast as it goes.
    #[default]
    Ordinary,
    /// Every run is the same as every other, on any machine: see [`super::determinism`]. Only its code makes each NaN the
    /// same one: in work on arrays that costs a third up to twice the time, so others are spared it.
    Deterministic,
}

/// The engine with the settings that all compiled code and images of an edition depend on.
///
/// # Errors
/// wasmtime's, when this machine cannot run it.
pub fn engine(edition: Edition) -> wasmtime::Result<Engine> {
    let deterministic = edition == Edition::Deterministic;
    let mut config = Config::new();
    config
        .wasm_exceptions(true)
        .consume_fuel(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        .memory_reservation(RESERVATION as u64)
        .memory_guard_size(GUARD as u64)
        // Instances start from images of our own, mapped by `Mappings`.
        .memory_init_cow(false)
        .with_host_memory(Arc::new(Mappings))
        // wasmtime's heap for exception objects: a few live at a time.
        .gc_heap_reservation(64 << 20)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(deterministic)
        .relaxed_simd_deterministic(deterministic);
    Engine::new(&config)
}

/// A word for everything in the engine that compiled code depends on: wasmtime's version, its settings
/// and the processor's features. Part of the identity of what setup makes.
pub fn fingerprint(engine: &Engine) -> String {
    use std::hash::{Hash, Hasher};
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Compiles a (rewritten) module to the bytes of a `.cwasm` file. Takes minutes and gigabytes for a large one.
///
/// # Errors
/// A module that is not valid.
pub fn compile(engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Vec<u8>> {
    engine.precompile_module(wasm)
}

/// Opens compiled code by mapping it.
///
/// The caller vouches that the file is one that [`compile`] made and nobody else could write to: compiled
/// code is trusted (setup records its hash and keeps it in a directory of the user's own).
///
/// # Errors
/// A file that another version or configuration of the engine made.
#[allow(unsafe_code)]
pub fn open_code(engine: &Engine, path: &Path) -> wasmtime::Result<Module> {
    // SAFETY: by this function's contract the file is our own output, unchanged; `runtime::cache` checks
    // its recorded hash and owner before.
    unsafe { Module::deserialize_file(engine, path) }
}
