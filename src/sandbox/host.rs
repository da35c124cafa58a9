//! A guest's store data, and how host functions get at the guest's memory.

use std::sync::Arc;

use wasmtime::{AsContextMut, Caller, Memory, TypedFunc};
use wasmtime_wasi::p1::WasiP1Ctx;

use super::control::Control;
use super::frame::{Frame, FrameError, room_for_structure};
use super::fuel::FULL;
use super::guest_host::GuestHost;
use super::prices;
use super::refusals::Refusal;
use crate::sandbox::wasi::errno::Errno;

/// What an instance's host functions work with.
pub struct Host {
    pub(super) wasi: WasiP1Ctx,
    pub(super) outside: Arc<dyn GuestHost>,
    pub(super) control: Arc<Control>,
    pub(super) exports: Option<Exports>,
    pub(super) files: super::wasi::fd_table::Files,
    pub(super) meter: super::quota::Meter,
    /// The most bytes of one frame, in either direction.
    pub(super) max_frame: usize,
    pub(super) clock: Arc<super::wasi_config::Clock>,
    /// The clock and the randomness, if the guest is deterministic.
    pub(super) fixed: Option<super::determinism::Determinism>,
    /// Whether the guest may write to its mounts, by their order.
    pub(super) writable: Vec<bool>,
    /// The directories that are being listed.
    pub(super) listings: super::wasi::directory::Listings,
    /// Bytes of the arguments and of the environment.
    pub(super) environment: usize,
    /// Fuel that was charged and is not yet taken from the store.
    pub(super) owed: u64,
    /// Who is told what the guest does to files.
    pub(super) watch: Option<Arc<dyn super::watch::Watch>>,
    /// What the guest calls its mounts, by their order, if it may write to them.
    pub(super) watched: Vec<Option<Arc<str>>>,
}

/// Fuel that is charged before the polling loop gets a look: about a tenth of a millisecond of work.
const PAUSE: u64 = 1_000_000;
/// The most that is charged at once: more than any budget, and never the whole of what a store holds.
const MOST_CHARGED: u64 = 10_000_000_000_000_000;

/// The guest's exports that host functions use.
#[derive(Clone)]
pub(super) struct Exports {
    pub(super) memory: Memory,
    pub(super) host_alloc: TypedFunc<u32, u32>,
}

/// Copies `length` bytes at `pointer` out of the guest's memory; `None` if they are not all in it.
pub(super) fn read(caller: &mut Caller<'_, Host>, pointer: i32, length: i32) -> Option<Vec<u8>> {
    view(caller, pointer, length).map(<[u8]>::to_vec)
}

/// The `length` bytes at `pointer` in the guest's memory; `None` if they are not all in it.
fn view<'c>(caller: &'c Caller<'_, Host>, pointer: i32, length: i32) -> Option<&'c [u8]> {
    let memory = caller.data().exports.as_ref()?.memory;
    let start = pointer.cast_unsigned() as usize;
    let end = start.checked_add(length.cast_unsigned() as usize)?;
    memory.data(caller).get(start..end)
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
    let taken = FULL.saturating_sub(caller.get_fuel().unwrap_or(FULL));
    taken.saturating_add(caller.data().owed)
}

/// Takes fuel for work of the host's, so that it counts like the guest's own. Setting fuel begins a new slice, so a
/// loop of such calls would never come to the end of one: the polling loop gets its look here.
pub(super) async fn charge(caller: &mut Caller<'_, Host>, fuel: u64) {
    let owed = &mut caller.data_mut().owed;
    *owed = owed.saturating_add(fuel.min(MOST_CHARGED));
    if *owed < PAUSE {
        return;
    }
    let owed = std::mem::take(owed);
    if let Ok(left) = caller.get_fuel() {
        // Refused only where fuel is off.
        let _ = caller.set_fuel(left.saturating_sub(owed));
    }
    let control = caller.data().control.clone();
    control.pause(used(caller)).await;
}

/// Charges for a part of a call's work. Whoever has more to do asks here whether to go on: the errno if the cell is
/// interrupted.
pub(super) async fn work(caller: &mut Caller<'_, Host>, fuel: u64) -> Result<(), Errno> {
    charge(caller, fuel).await;
    if caller.data().control.interrupted() { Err(super::wasi::errno::INTR) } else { Ok(()) }
}

/// `host.call`: one frame through the door and the answer back. Answers 0, or -2 for pointers outside the
/// guest's memory (the guest's ABI).
pub(super) async fn door(
    caller: &mut Caller<'_, Host>,
    (pointer, length, answer_pointer, answer_length): (i32, i32, i32, i32),
) -> wasmtime::Result<i32> {
    const FAULT: i32 = -2;
    let (outside, control) = (caller.data().outside.clone(), caller.data().control.clone());
    let limit = caller.data().max_frame;
    let size = length.cast_unsigned() as usize;
    charge(caller, prices::each(prices::DOOR_BYTE, size.min(limit))).await;
    control.note_fuel(used(caller));
    let answer = if size > limit {
        control.refuse(Refusal::Message);
        refusal(&format!(
            "the message has {size} bytes, over the limit of {limit} (`message_max_bytes` in the policy raises it)"
        ))
    } else {
        let Some(request) = view(caller, pointer, length) else { return Ok(FAULT) };
        let mut structure = 0;
        let parsed = Frame::parse_in_place(request, room_for_structure(limit), &mut structure);
        charge(caller, prices::each(prices::STRUCTURE_BYTE, structure)).await;
        match parsed {
            Ok(frame) => {
                let work = outside.work(&frame);
                if work > 0 {
                    charge(caller, work).await;
                }
                match control.wait(outside.call(frame)).await {
                    Some(answer) => answer,
                    None => refusal("interrupted"),
                }
            }
            Err(error) => {
                let is_costly = matches!(error, FrameError::Costly(_));
                control.refuse(if is_costly { Refusal::Message } else { Refusal::Frame });
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
    charge(caller, prices::each(prices::DOOR_BYTE, answer.len())).await;
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
