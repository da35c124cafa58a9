//! What the guest writes to stdout and stderr.

use wasmtime::Caller;

use super::errno::{self, Errno};
use super::transfer::MAX_VECTORS;
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;

/// Bytes taken by one write to fd 1 or 2; the guest writes the rest with another.
const MAX_TEXT: usize = 1 << 20;

/// `fd_write` on fd 1, or on fd 2: an `error`.
pub(in crate::sandbox) async fn write(
    caller: &mut Caller<'_, Host>,
    error: bool,
    (vectors, count, written): (i32, i32, i32),
) -> wasmtime::Result<i32> {
    let Some(text) = gather(caller, vectors, count) else { return Ok(errno::FAULT.answer()) };
    host::charge(caller, prices::each(prices::TEXT_BYTE, text.len())).await;
    let (outside, control) = (caller.data().outside.clone(), caller.data().control.clone());
    if control.wait(outside.text(error, &text)).await.is_none() {
        return Ok(errno::INTR.answer());
    }
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    Ok(Errno::of_written(host::write(caller, written.cast_unsigned(), &length.to_le_bytes())))
}

/// The bytes that a vector of (pointer, length) pairs names, at most [`MAX_TEXT`] of them.
fn gather(caller: &mut Caller<'_, Host>, vectors: i32, count: i32) -> Option<Vec<u8>> {
    let count = count.cast_unsigned();
    if count > MAX_VECTORS {
        return None;
    }
    let memory = caller.data().exports.as_ref()?.memory;
    let data = memory.data(&*caller);
    let start = vectors.cast_unsigned() as usize;
    let vectors = data.get(start..start.checked_add(count as usize * 8)?)?;
    let mut text = Vec::new();
    for vector in vectors.as_chunks::<8>().0 {
        let [a, b, c, d, e, f, g, h] = *vector;
        let from = u32::from_le_bytes([a, b, c, d]) as usize;
        let length = (u32::from_le_bytes([e, f, g, h]) as usize).min(MAX_TEXT - text.len());
        text.extend_from_slice(data.get(from..from.checked_add(length)?)?);
    }
    Some(text)
}
