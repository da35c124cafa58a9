//! How a store's fuel is filled up and looked at. One unit is one wasm instruction, as wasmtime counts.

/// Fuel between two looks of the polling loop at the control block: about a millisecond of computing.
pub const SLICE: u64 = 10_000_000;
/// The fuel that a store is filled up to before a turn; budgets are far below.
pub(super) const FULL: u64 = u64::MAX / 4;
