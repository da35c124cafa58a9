//! The guest's clocks: the machine's, or those of a deterministic guest. The clock of computing time stands still while the
//! guest sleeps: it is that of the guest's thread, or goes by the fuel that a deterministic guest has used.

use std::time::SystemTime;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::Caller;

use super::errno::Errno;
use super::forward::pass;
use crate::sandbox::host;
use crate::sandbox::host::Host;

/// `clockid`s.
const WALL: i32 = 0;
const MONOTONIC: i32 = 1;
/// Those of a process and of a thread, of which there is one.
const COMPUTING: [i32; 2] = [2, 3];
/// The step that a deterministic clock is said to have, in nanoseconds.
const STEP: u64 = 1_000;

pub(in crate::sandbox) async fn clock_time_get(
    caller: &mut Caller<'_, Host>,
    args: (i32, i64, i32),
) -> wasmtime::Result<i32> {
    let (clock, precision, result) = args;
    let fuel = host::used(caller);
    if COMPUTING.contains(&clock) {
        let now = computing(caller, fuel);
        return Ok(answer(caller, result, now));
    }
    let Some(fixed) = caller.data_mut().fixed.as_mut().filter(|_| is_known(clock)) else {
        return Ok(pass!(caller, clock_time_get sync, clock, precision, result));
    };
    let now = fixed.read(fuel);
    Ok(answer(caller, result, now))
}

pub(in crate::sandbox) async fn clock_res_get(
    caller: &mut Caller<'_, Host>,
    (clock, result): (i32, i32),
) -> wasmtime::Result<i32> {
    if caller.data().fixed.is_some() && is_known(clock) {
        return Ok(answer(caller, result, STEP));
    }
    if COMPUTING.contains(&clock) {
        return Ok(answer(caller, result, 1));
    }
    Ok(pass!(caller, clock_res_get sync, clock, result))
}

fn computing(caller: &Caller<'_, Host>, fuel: u64) -> u64 {
    match &caller.data().fixed {
        Some(fixed) => fixed.computed(fuel),
        None => {
            let now = clock_gettime(ClockId::ThreadCPUTime);
            let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
            seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or_default())
        }
    }
}

fn is_known(clock: i32) -> bool {
    matches!(clock, WALL | MONOTONIC) || COMPUTING.contains(&clock)
}

fn answer(caller: &mut Caller<'_, Host>, result: i32, nanoseconds: u64) -> i32 {
    Errno::of_written(host::write(caller, result.cast_unsigned(), &nanoseconds.to_le_bytes()))
}

/// The time on one of the guest's clocks, without the guest having looked. `None` for a clock that there is not.
pub(in crate::sandbox) fn now(caller: &mut Caller<'_, Host>, clock: u32) -> Option<u64> {
    let fuel = host::used(caller);
    let host = caller.data();
    match (clock.cast_signed(), &host.fixed) {
        (WALL | MONOTONIC, Some(fixed)) => Some(fixed.now(fuel)),
        (WALL, None) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Some(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
        }
        (MONOTONIC, None) => Some(host.clock.now()),
        _ => None,
    }
}
