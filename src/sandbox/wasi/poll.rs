//! Waiting: WASI's `poll_oneoff`.

use std::time::{Duration, Instant};

use wasmtime::Caller;

use super::clocks;
use super::errno;
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;

/// Subscriptions in one `poll_oneoff`; libc's `select` asks for one per descriptor.
const MAX_SUBSCRIPTIONS: u32 = 1024;
/// Sizes of the structures of `poll_oneoff`.
const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;

/// One subscription, read.
enum Wanted {
    /// A clock's; the time to wait from now.
    Timer(Duration),
    /// A descriptor's, of the given event type: files and the text streams are always ready.
    Ready(u8),
}

/// Waits for the first of the subscriptions. Interruptible: then it answers with the timers as if they had
/// passed, and the guest sees its interrupt flag at the next look. In a deterministic guest only its clock goes on.
pub(in crate::sandbox) async fn poll_oneoff(
    caller: &mut Caller<'_, Host>,
    args: (i32, i32, i32, i32),
) -> wasmtime::Result<i32> {
    let (subscriptions, events, count, stored) = args;
    let count = count.cast_unsigned();
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Ok(errno::INVAL.answer());
    }
    host::charge(caller, prices::each(prices::SUBSCRIPTION, count as usize)).await;
    let size = i32::try_from(count as usize * SUBSCRIPTION).unwrap_or(i32::MAX);
    let Some(bytes) = host::read(caller, subscriptions, size) else { return Ok(errno::FAULT.answer()) };
    let mut wanted = Vec::with_capacity(count as usize);
    for subscription in bytes.as_chunks::<SUBSCRIPTION>().0 {
        let userdata = subscription.first_chunk::<8>().copied().unwrap_or_default();
        let Some(one) = parse(subscription, |clock| clocks::now(caller, clock)) else {
            return Ok(errno::INVAL.answer());
        };
        wanted.push((userdata, one));
    }
    let ready = wanted.iter().any(|(_, one)| matches!(one, Wanted::Ready(_)));
    let shortest = wanted.iter().filter_map(|(_, one)| match one {
        Wanted::Timer(time) => Some(*time),
        Wanted::Ready(_) => None,
    });
    let shortest = shortest.min().unwrap_or_default();
    if !ready && !shortest.is_zero() {
        match &mut caller.data_mut().fixed {
            Some(fixed) => fixed.sleep(u64::try_from(shortest.as_nanos()).unwrap_or(u64::MAX)),
            None => {
                let control = caller.data().control.clone();
                control.sleep(Instant::now().checked_add(shortest)).await;
            }
        }
    }
    let mut answer = Vec::new();
    let mut number: u32 = 0;
    for (userdata, one) in &wanted {
        let kind = match one {
            Wanted::Timer(time) if !ready && *time == shortest => 0,
            Wanted::Timer(time) if time.is_zero() => 0,
            Wanted::Timer(_) => continue,
            Wanted::Ready(kind) => *kind,
        };
        let mut event = [0; EVENT];
        for (to, from) in event.iter_mut().zip(userdata) {
            *to = *from;
        }
        if let Some(byte) = event.get_mut(10) {
            *byte = kind;
        }
        // One byte can be moved without waiting.
        if kind != 0
            && let Some(byte) = event.get_mut(16)
        {
            *byte = 1;
        }
        answer.extend_from_slice(&event);
        number += 1;
    }
    let done = host::write(caller, events.cast_unsigned(), &answer)
        .and_then(|()| host::write(caller, stored.cast_unsigned(), &number.to_le_bytes()));
    Ok(errno::Errno::of_written(done))
}

fn parse(subscription: &[u8; SUBSCRIPTION], now: impl FnOnce(u32) -> Option<u64>) -> Option<Wanted> {
    let tag = *subscription.get(8)?;
    if tag == 1 || tag == 2 {
        return Some(Wanted::Ready(tag));
    }
    if tag != 0 {
        return None;
    }
    let clock = u32::from_le_bytes(*subscription.get(16..)?.first_chunk()?);
    let timeout = u64::from_le_bytes(*subscription.get(24..)?.first_chunk()?);
    let flags = u16::from_le_bytes(*subscription.get(40..)?.first_chunk()?);
    let absolute = flags & 1 != 0;
    let nanoseconds = if absolute { timeout.saturating_sub(now(clock)?) } else { timeout };
    Some(Wanted::Timer(Duration::from_nanos(nanoseconds)))
}
