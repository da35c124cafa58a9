//! How much of the C stack Python may use, so that recursion that is too deep ends in `RecursionError`.
//!
//! CPython compares the address of the C stack, which for WASI is in the module's memory, with a limit before calls that
//! may nest. As it is built it takes the stack for one of 128 kB, though the module has 16 MiB. What it cannot see is the
//! host's native stack ([`WASM_STACK`](crate::sandbox::engine::WASM_STACK)), on which every call has a frame, too, and
//! which traps when it is full: of all functions that check, the parser of `json` takes the most there, some 12 times
//! what it takes of the C stack. With 32 times as much native stack nothing that checks was seen to trap.

use wasmtime::Result;

use crate::sandbox::Instance;

/// Where the C stack begins; it grows down to zero (`-z stack-size` of the linker).
const TOP: i32 = 16 << 20;

/// How much of it Python may use before it raises `RecursionError`, in bytes.
pub const C_STACK: i32 = 4 << 20;

/// Lets the interpreter that has just been started use [`C_STACK`]. It keeps that in its memory, and so in the image.
///
/// # Errors
/// A guest without the functions that this takes, or one that refuses.
pub fn widen(instance: &mut Instance) -> Result<()> {
    let interpreter = instance.call_with("PyInterpreterState_Main", ())?;
    let thread = instance.call_with("PyInterpreterState_ThreadHead", interpreter)?;
    let answer = instance.call_with("PyUnstable_ThreadState_SetStackProtection", (thread, TOP - C_STACK, C_STACK))?;
    if thread == 0 || answer != 0 {
        wasmtime::bail!("the interpreter's stack could not be set: {answer}");
    }
    Ok(())
}
