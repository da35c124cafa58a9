//! Making memory images: from a module's initial memory to a guest that has run its first cell, and the
//! words of its interrupt flag.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::turn::{Single, unhurried};
use crate::language::Language;
use crate::language::guest::{Interrupt, WarmImage};
use crate::sandbox::interrupt_flag::{Word, difference};
use crate::sandbox::{Code, End, Facts, Image, Instance, Interrupter, Overlay, WasiConfig};

/// What an image may grow to while it is made: beyond any warm image, far below the machine.
const ROOM: usize = 1 << 30;
/// An interrupt flag has a few words (three in the artifact that was tried); more would not be one.
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

/// What images are made with.
#[derive(Clone, Copy)]
pub struct ImageMaker<'a> {
    /// Whose guest is warmed up.
    pub language: &'a Language,
    /// Its code.
    pub code: &'a Code,
    /// What it sees of a machine.
    pub world: &'a WasiConfig,
}

/// What an image is made from.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// A module's initial memory: it is initialised first.
    Fresh,
    /// Another image.
    Warm(&'a Facts),
}

impl ImageMaker<'_> {
    /// Warms a guest up from `from`, writes its memory to `into` and finds its interrupt flag.
    ///
    /// # Errors
    /// As [`WarmError`] says.
    pub fn make(&self, warm: &WarmImage, from: Arc<Image>, start: Start<'_>, into: &File) -> Result<Facts, WarmError> {
        let door = Arc::new(Single::default());
        let facts = match start {
            Start::Fresh => &Facts::default(),
            Start::Warm(facts) => facts,
        };
        let mut instance = self.instance(from, facts, &door)?;
        if matches!(start, Start::Fresh) {
            let entry = &self.language.entry;
            instance.initialize(entry.initialize).map_err(WarmError::Start)?;
            let turn = instance.take_turn(entry.first, unhurried(PATIENCE), &Interrupter::default());
            if !matches!(turn.end, End::Returned(0)) {
                return Err(WarmError::Turn("first turn", format!("{:?}; {}", turn.end, door.end().text)));
            }
            if let Some(started) = entry.started {
                (started.run)(&mut instance).map_err(WarmError::Start)?;
            }
        }
        self.warm_up(&mut instance, &door, warm.profile)?;
        Image::save(instance.mapping(), into)?;
        let image = Arc::new(Image::from_file(into.try_clone()?)?);
        let mut facts = Facts { words: [].into(), files: instance.files(), fixed: instance.fixed() };
        facts.words = self.find_flag(&image, &facts)?.into();
        Ok(facts)
    }

    fn instance(&self, image: Arc<Image>, facts: &Facts, door: &Arc<Single>) -> Result<Instance, WarmError> {
        let mapping = Overlay::new(image)?.map(ROOM)?;
        Instance::start(self.code, mapping, facts, self.world, door.clone()).map_err(WarmError::Start)
    }

    fn warm_up(&self, instance: &mut Instance, door: &Single, profile: &'static str) -> Result<(), WarmError> {
        door.begin(json!({"op": "warm", "profile": profile}));
        let turn = instance.take_turn(self.language.entry.turn, unhurried(PATIENCE), &Interrupter::default());
        let ended = door.end();
        match (turn.end, ended.reply) {
            (End::Returned(0), Some(reply)) if !reply.contains_key("ename") => {
                tracing::debug!(fuel = turn.fuel, time = ?turn.time, text = ended.text, "warm-up {profile}");
                Ok(())
            }
            (end, reply) => Err(WarmError::Turn(profile, format!("{end:?}; {reply:?}; {}", ended.text))),
        }
    }

    /// Finds the words that an interrupt sets in `image`, and proves them by stopping a loop.
    fn find_flag(&self, image: &Arc<Image>, facts: &Facts) -> Result<Vec<Word>, WarmError> {
        let mut scratch = self.instance(image.clone(), facts, &Arc::default())?;
        let (mut before, mut after) = (vec![0; image.size()], vec![0; image.size()]);
        scratch.mapping().read(0, &mut before)?;
        let Interrupt { function, argument, .. } = self.language.interrupt;
        let answer = scratch.call_with(function, argument).map_err(WarmError::Start)?;
        if answer != 0 {
            return Err(WarmError::Flag(format!("{function} answered {answer}")));
        }
        scratch.mapping().read(0, &mut after)?;
        let words = difference(&before, &after, MOST_WORDS)
            .filter(|words| !words.is_empty())
            .ok_or_else(|| WarmError::Flag("not a few words of memory changed".to_owned()))?;
        self.prove(image, &Facts { words: words.clone().into(), ..facts.clone() })?;
        Ok(words)
    }

    /// Interrupts an endless loop by the words.
    fn prove(&self, image: &Arc<Image>, facts: &Facts) -> Result<(), WarmError> {
        let Language { entry, interrupt, exceptions, .. } = self.language;
        let door = Arc::new(Single::default());
        let mut instance = self.instance(image.clone(), facts, &door)?;
        let interrupter = Interrupter::default();
        interrupter.interrupt();
        door.begin(json!({"op": "execute", "code": interrupt.endless, "silent": true, "execution_count": 1}));
        let turn = instance.take_turn(entry.turn, unhurried(Duration::from_secs(30)), &interrupter);
        let reply = door.end().reply.unwrap_or_default();
        match (&turn.end, reply.get("ename").and_then(|name| name.as_str())) {
            (End::Returned(_), Some(name)) if name == exceptions.interrupted => Ok(()),
            (end, ename) => Err(WarmError::Flag(format!("the loop ended with {end:?}, {ename:?}"))),
        }
    }
}
