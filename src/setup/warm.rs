//! Making memory images: from a module's initial memory to a guest that has run its first cell, and the
//! words of its interrupt flag.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::build::WarmProfile;
use super::stack;
use super::turn::{PATHS, Single, TURN, unhurried};
use crate::sandbox::interrupt_flag::{SIGINT, Word, difference};
use crate::sandbox::{Code, End, Facts, Image, Instance, Interrupter, Overlay, WasiConfig};

/// What an image may grow to while it is made: beyond any warm image, far below the machine.
const ROOM: usize = 1 << 30;
/// An interrupt flag has three words in the artifact that was tried; more would not be one.
const MOST_WORDS: usize = 8;
/// Warming up takes seconds; this is for a machine under load.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why an image could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WarmError {
    #[error("the image's memory: {0}")]
    Memory(#[from] io::Error),
    #[error("the guest could not be started: {0:#}")]
    Start(wasmtime::Error),
    #[error("the guest's warm-up ({0}) did not end well: {1}")]
    Turn(&'static str, String),
    #[error("the guest's interrupt flag was not found, or does not stop a loop: {0}")]
    Flag(String),
}

/// Warms a guest up from `from`, writes its memory to `into` and finds its interrupt flag.
///
/// # Errors
/// As [`WarmError`] says.
pub fn make(
    code: &Code,
    from: Arc<Image>,
    world: &WasiConfig,
    profile: WarmProfile,
    start: Start<'_>,
    into: &File,
) -> Result<Facts, WarmError> {
    let mut overlay = Overlay::new(from)?;
    let door = Arc::new(Single::default());
    let mapping = overlay.map(ROOM)?;
    let facts = match start {
        Start::Fresh => &Facts::default(),
        Start::Warm(facts) => facts,
    };
    let mut instance = Instance::start(code, mapping, facts, world, door.clone()).map_err(WarmError::Start)?;
    if matches!(start, Start::Fresh) {
        instance.initialize("_initialize").map_err(WarmError::Start)?;
        let turn = instance.take_turn(PATHS, unhurried(PATIENCE), &Interrupter::default());
        if !matches!(turn.end, End::Returned(0)) {
            return Err(WarmError::Turn("paths", format!("{:?}; {}", turn.end, door.end().text)));
        }
        // The interpreter is made by the first turn.
        stack::widen(&mut instance).map_err(WarmError::Start)?;
    }
    let request = json!({"op": "warm", "profile": profile.as_str()});
    turn(&mut instance, &door, request, profile.as_str())?;
    Image::save(instance.mapping(), into)?;
    let image = Arc::new(Image::from_file(into.try_clone()?)?);
    let mut facts = Facts { words: [].into(), files: instance.files(), fixed: instance.fixed() };
    facts.words = find_flag(code, &image, world, &facts)?.into();
    Ok(facts)
}

/// What an image is made from.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// A module's initial memory: it is initialised first.
    Fresh,
    /// Another image.
    Warm(&'a Facts),
}

/// Finds the words that an interrupt sets in `image`, and proves them by stopping a loop.
///
/// # Errors
/// As [`WarmError`] says.
fn find_flag(code: &Code, image: &Arc<Image>, world: &WasiConfig, facts: &Facts) -> Result<Vec<Word>, WarmError> {
    let door = Arc::new(Single::default());
    let mapping = Overlay::new(image.clone())?.map(ROOM)?;
    let mut scratch = Instance::start(code, mapping, facts, world, door).map_err(WarmError::Start)?;
    let (mut before, mut after) = (vec![0; image.size()], vec![0; image.size()]);
    scratch.mapping().read(0, &mut before)?;
    let answer = scratch.call_with("PyErr_SetInterruptEx", SIGINT).map_err(WarmError::Start)?;
    if answer != 0 {
        return Err(WarmError::Flag(format!("PyErr_SetInterruptEx answered {answer}")));
    }
    scratch.mapping().read(0, &mut after)?;
    let words = difference(&before, &after, MOST_WORDS)
        .filter(|words| !words.is_empty())
        .ok_or_else(|| WarmError::Flag("not a few words of memory changed".to_owned()))?;
    prove(code, image, world, &Facts { words: words.clone().into(), ..facts.clone() })?;
    Ok(words)
}

/// Interrupts an endless loop by the words.
fn prove(code: &Code, image: &Arc<Image>, world: &WasiConfig, facts: &Facts) -> Result<(), WarmError> {
    let door = Arc::new(Single::default());
    let mapping = Overlay::new(image.clone())?.map(ROOM)?;
    let mut instance = Instance::start(code, mapping, facts, world, door.clone()).map_err(WarmError::Start)?;
    let interrupter = Interrupter::default();
    interrupter.interrupt();
    door.begin(json!({"op": "execute", "code": "while True: pass", "silent": true, "execution_count": 1}));
    let turn = instance.take_turn(TURN, unhurried(Duration::from_secs(30)), &interrupter);
    let reply = door.end().reply.unwrap_or_default();
    match (&turn.end, reply.get("ename").and_then(|name| name.as_str())) {
        (End::Returned(_), Some("KeyboardInterrupt")) => Ok(()),
        (end, ename) => Err(WarmError::Flag(format!("the loop ended with {end:?}, {ename:?}"))),
    }
}

fn turn(
    instance: &mut Instance,
    door: &Single,
    request: serde_json::Value,
    what: &'static str,
) -> Result<(), WarmError> {
    door.begin(request);
    let turn = instance.take_turn(TURN, unhurried(PATIENCE), &Interrupter::default());
    let ended = door.end();
    match (turn.end, ended.reply) {
        (End::Returned(0), Some(reply)) if !reply.contains_key("ename") => {
            tracing::debug!(fuel = turn.fuel, time = ?turn.time, text = ended.text, "warm-up {what}");
            Ok(())
        }
        (end, reply) => Err(WarmError::Turn(what, format!("{end:?}; {reply:?}; {}", ended.text))),
    }
}
