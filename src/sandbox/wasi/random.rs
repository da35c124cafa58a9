//! Randomness: the system's, or that of a deterministic guest.

use wasmtime::Caller;

use super::errno;
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;

/// Bytes of randomness in one call, and between two looks of the polling loop.
const MAX_RANDOM: usize = 16 << 20;
const PIECE: usize = 64 << 10;

pub(in crate::sandbox) async fn random_get(
    caller: &mut Caller<'_, Host>,
    (pointer, length): (i32, i32),
) -> wasmtime::Result<i32> {
    let length = length.cast_unsigned() as usize;
    if length > MAX_RANDOM {
        return Ok(errno::INVAL.answer());
    }
    let Some(memory) = caller.data().exports.as_ref().map(|exports| exports.memory) else {
        return Ok(errno::FAULT.answer());
    };
    let mut start = pointer.cast_unsigned() as usize;
    let end = start.saturating_add(length);
    if memory.data(&*caller).get(start..end).is_none() {
        return Ok(errno::FAULT.answer());
    }
    while start < end {
        let next = end.min(start.saturating_add(PIECE));
        let (data, host) = memory.data_and_store_mut(&mut *caller);
        let Some(room) = data.get_mut(start..next) else { return Ok(errno::FAULT.answer()) };
        match &mut host.fixed {
            Some(fixed) => fixed.fill(room),
            None => {
                getrandom::fill(room)
                    .map_err(|error| wasmtime::format_err!("no randomness from the system: {error}"))?;
            }
        }
        let done = host::work(caller, prices::each(prices::RANDOM_BYTE, next - start)).await;
        start = next;
        if start < end
            && let Err(errno) = done
        {
            return Ok(errno.answer());
        }
    }
    Ok(errno::SUCCESS)
}
