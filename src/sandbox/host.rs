//! A guest's store data, and how host functions get at the guest's memory.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::{AsContextMut, Caller, Memory, TypedFunc};
use wasmtime_wasi::p1::WasiP1Ctx;

use super::control::Control;
use super::frame::Frame;
use super::outside::Outside;
use super::refusals::Refusal;

/// What an instance's host functions work with.
pub struct Host {
    pub(super) wasi: WasiP1Ctx,
    pub(super) outside: Arc<dyn Outside>,
    pub(super) control: Arc<Control>,
    pub(super) exports: Option<Exports>,
    pub(super) files: super::files::Files,
    pub(super) meter: super::quota::Meter,
    /// The most bytes of one frame, in either direction.
    pub(super) max_frame: usize,
    pub(super) clock: Arc<super::world::Clock>,
    /// The clock and the randomness, if the guest is deterministic.
    pub(super) fixed: Option<super::fixed::Fixed>,
    /// Whether the guest may write to its mounts, by their order.
    pub(super) writable: Vec<bool>,
    /// Who is told what the guest does to files.
    pub(super) watch: Option<Arc<dyn super::watch::Watch>>,
    /// What the guest calls its mounts, by their order, if it may write to them.
    pub(super) watched: Vec<Option<Arc<str>>>,
}

/// Fuel for a host call that may be repeated without end at no other cost.
pub(super) const CALL_COST: u64 = 10_000;

/// The guest's exports that host functions use.
#[derive(Clone)]
pub(super) struct Exports {
    pub(super) memory: Memory,
    pub(super) host_alloc: TypedFunc<u32, u32>,
}

/// Copies `length` bytes at `pointer` out of the guest's memory; `None` if they are not all in it.
pub(super) fn read(caller: &mut Caller<'_, Host>, pointer: i32, length: i32) -> Option<Vec<u8>> {
    let memory = caller.data().exports.as_ref()?.memory;
    let start = pointer.cast_unsigned() as usize;
    let end = start.checked_add(length.cast_unsigned() as usize)?;
    memory.data(caller).get(start..end).map(<[u8]>::to_vec)
}

/// Copies bytes into the guest's memory; `None` if they do not fit.
pub(super) fn write(caller: &mut Caller<'_, Host>, pointer: u32, bytes: &[u8]) -> Option<()> {
    let memory = caller.data().exports.as_ref()?.memory;
    let start = pointer as usize;
    let end = start.checked_add(bytes.len())?;
    memory.data_mut(caller).get_mut(start..end)?.copy_from_slice(bytes);
    Some(())
}

/// Fuel that the turn has used until now, exact.
pub(super) fn used(caller: &Caller<'_, Host>) -> u64 {
    super::instance::FULL.saturating_sub(caller.get_fuel().unwrap_or(super::instance::FULL))
}

/// Takes fuel for work of the host's, so that it counts like the guest's own. Setting fuel begins a new slice, so a
/// loop of such calls would never come to the end of one: the polling loop gets its look here.
pub(super) async fn charge(caller: &mut Caller<'_, Host>, fuel: u64) {
    if let Ok(left) = caller.get_fuel() {
        // Refused only where fuel is off.
        let _ = caller.set_fuel(left.saturating_sub(fuel));
    }
    let control = caller.data().control.clone();
    control.pause(used(caller)).await;
}

/// `host.call`: one frame through the door and the answer back. Answers 0, or -2 for pointers outside the
/// guest's memory (the guest's ABI, DESIGN.md section 2).
pub(super) async fn door(
    caller: &mut Caller<'_, Host>,
    (pointer, length, answer_pointer, answer_length): (i32, i32, i32, i32),
) -> wasmtime::Result<i32> {
    const FAULT: i32 = -2;
    let (outside, control) = (caller.data().outside.clone(), caller.data().control.clone());
    control.note_fuel(used(caller));
    let limit = caller.data().max_frame;
    let size = length.cast_unsigned() as usize;
    let answer = if size > limit {
        control.refuse(Refusal::Message);
        refusal(&format!(
            "the message has {size} bytes, over the limit of {limit} (`message_max_bytes` in the policy raises it)"
        ))
    } else {
        let Some(request) = read(caller, pointer, length) else { return Ok(FAULT) };
        match Frame::parse(&Bytes::from(request)) {
            Ok(frame) => match control.wait(outside.call(frame)).await {
                Some(answer) => answer,
                None => refusal("interrupted"),
            },
            Err(error) => {
                control.refuse(Refusal::Frame);
                refusal(&error.to_string())
            }
        }
    };
    let mut answer = answer.to_bytes();
    if answer.len() > limit {
        control.refuse(Refusal::Message);
        answer =
            refusal("the host's answer is over the limit (`message_max_bytes` in the policy raises it)").to_bytes();
    }
    let Some(host_alloc) = caller.data().exports.as_ref().map(|exports| exports.host_alloc.clone()) else {
        return Ok(FAULT);
    };
    let Ok(size) = u32::try_from(answer.len()) else { return Ok(FAULT) };
    let room = host_alloc.call_async(caller.as_context_mut(), size).await?;
    if room == 0
        || write(caller, room, &answer).is_none()
        || write(caller, answer_pointer.cast_unsigned(), &room.to_le_bytes()).is_none()
        || write(caller, answer_length.cast_unsigned(), &size.to_le_bytes()).is_none()
    {
        return Ok(FAULT);
    }
    Ok(0)
}

fn refusal(error: &str) -> Frame {
    Frame::of(serde_json::json!({"error": error}))
}
