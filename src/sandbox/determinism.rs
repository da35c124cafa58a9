//! What a deterministic guest has in place of the machine's clock and randomness: values that follow from what it
//! has computed, and from nothing else. They are a part of its committed state, like its memory.
//!
//! The clock goes on with the fuel that is used, so that what is timed takes a time, and with every reading and
//! sleep. Nothing here looks at the machine.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Raised when anything of this changes, or the engine's settings for it: sets apart what setup makes.
pub const REVISION: u32 = 3;

/// When a session begins: 2026-01-01 00:00 UTC, in nanoseconds since 1970.
pub const EPOCH: u64 = 1_767_225_600 * SECOND;
const SECOND: u64 = 1_000_000_000;
/// When the making of an image begins: a day before, which it never takes.
const IMAGE: u64 = EPOCH - 86_400 * SECOND;
/// The clock stands still there, in 2262: the last time that 64 bits of nanoseconds can tell.
const END: u64 = i64::MAX.cast_unsigned() - SECOND;
/// What a reading of the clock takes, in nanoseconds: whoever waits for a time by looking, gets there.
const READING: u64 = 1_000;
/// Fuel that goes by in a nanosecond: about as much as on a machine of 2026.
const FUEL: u64 = 10;
/// Bytes of randomness that are made at once: those of a SHA-256.
const BLOCK: u64 = 32;

/// The clock and the randomness of a deterministic guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Determinism {
    /// The time at which the turn began, or the last one ended, and what was added to it since.
    clock: u64,
    /// Nanoseconds that the turns before have computed.
    #[serde(default)]
    computed: u64,
    /// Bytes of randomness that were taken.
    drawn: u64,
    /// When a name was last made or removed in a directory that the guest may write to. All such directories show
    /// this time: enough for an importer to know that it has to look again.
    named: u64,
    /// Sets the randomness of images and sessions apart.
    stream: Stream,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stream {
    Image,
    Session,
}

impl Default for Determinism {
    /// Of a guest that is to become an image.
    fn default() -> Self {
        Self { clock: IMAGE, computed: 0, drawn: 0, named: IMAGE, stream: Stream::Image }
    }
}

impl Determinism {
    /// Of a session that begins on an image.
    pub fn session() -> Self {
        Self { clock: EPOCH, computed: 0, drawn: 0, named: EPOCH, stream: Stream::Session }
    }

    /// A turn begins, on the next whole second: an importer may take two sources of one length for the same if they
    /// were written within one second, and no two cells are to be that close.
    pub(super) fn begin_turn(&mut self) {
        self.add(SECOND - self.clock % SECOND);
    }

    /// A turn ends that used this much fuel.
    pub(super) fn end_turn(&mut self, fuel: u64) {
        self.add(fuel / FUEL);
        self.computed = self.computed(fuel);
    }

    /// The nanoseconds that were computed until now, in a turn that has used this much fuel: sleep and readings are none.
    pub(super) fn computed(&self, fuel: u64) -> u64 {
        self.computed.saturating_add(fuel / FUEL)
    }

    /// The time in a turn that has used this much fuel, in nanoseconds since 1970. On both of the guest's clocks.
    pub(super) fn now(&self, fuel: u64) -> u64 {
        self.clock.saturating_add(fuel / FUEL).min(END)
    }

    /// The same for the guest's eyes.
    pub(super) fn read(&mut self, fuel: u64) -> u64 {
        self.add(READING);
        self.now(fuel)
    }

    /// Lets time go by in which nothing is computed.
    pub(super) fn sleep(&mut self, nanoseconds: u64) {
        self.add(nanoseconds);
    }

    fn add(&mut self, nanoseconds: u64) {
        self.clock = self.clock.saturating_add(nanoseconds).min(END);
    }

    /// The clock between two turns.
    pub fn clock_ns(&self) -> u64 {
        self.clock
    }

    /// Notes that a name was made or removed.
    pub(super) fn note_name(&mut self, fuel: u64) {
        self.named = self.now(fuel);
    }

    /// The modification time that is shown of a directory.
    pub(super) fn directory_time(&self, writable: bool) -> u64 {
        if writable { self.named } else { IMAGE }
    }

    /// The modification time that is shown of a file which has `modified` on the host. A file that this guest wrote
    /// has a time of this clock; any other time is the host's affair.
    pub(super) fn file_time(&self, writable: bool, modified: u64, fuel: u64) -> u64 {
        let ours = writable && (EPOCH..=self.now(fuel)).contains(&modified);
        if ours { modified } else { IMAGE }
    }

    /// Fills `room` with the next bytes.
    pub(super) fn fill(&mut self, room: &mut [u8]) {
        let mut rest = room;
        while !rest.is_empty() {
            let block = Sha256::new()
                .chain_update("cellblock ")
                .chain_update(match self.stream {
                    Stream::Image => "image ",
                    Stream::Session => "session ",
                })
                .chain_update((self.drawn / BLOCK).to_le_bytes())
                .finalize();
            let left = block.iter().skip(usize::try_from(self.drawn % BLOCK).unwrap_or_default());
            let mut taken: usize = 0;
            for (to, from) in rest.iter_mut().zip(left) {
                *to = *from;
                taken += 1;
            }
            self.drawn = self.drawn.wrapping_add(taken as u64);
            rest = rest.get_mut(taken..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_is_one_stream_however_it_is_taken() {
        let (mut whole, mut parts) = ([0; 200], Vec::new());
        Determinism::session().fill(&mut whole);
        let mut fixed = Determinism::session();
        for length in [0, 1, 31, 32, 33, 3, 100] {
            let mut part = vec![0; length];
            fixed.fill(&mut part);
            parts.extend(part);
            // As after a commit.
            fixed = serde_json::from_value(serde_json::to_value(&fixed).unwrap()).unwrap();
        }
        assert_eq!(parts, whole);
        let mut image = [0; 200];
        Determinism::default().fill(&mut image);
        assert_ne!(image, whole);
    }

    #[test]
    fn the_clock_goes_on_with_fuel_readings_and_sleeps_and_never_back() {
        let mut fixed = Determinism::session();
        fixed.begin_turn();
        assert_eq!(fixed.now(0), EPOCH + SECOND);
        assert_eq!(fixed.read(500), EPOCH + SECOND + READING + 50);
        fixed.sleep(7);
        assert_eq!((fixed.computed(0), fixed.computed(1000)), (0, 100));
        let last = fixed.now(1000);
        fixed.end_turn(1000);
        assert_eq!(fixed.clock_ns(), last);
        assert_eq!(fixed.computed(50), 105);
        fixed.begin_turn();
        assert_eq!(fixed.now(0), EPOCH + 2 * SECOND);
        fixed.sleep(u64::MAX);
        fixed.begin_turn();
        assert_eq!((fixed.now(u64::MAX), fixed.read(5)), (END, END));
    }

    #[test]
    fn only_times_of_this_clock_are_shown_of_files() {
        let fixed = Determinism { clock: EPOCH + 10, ..Determinism::session() };
        assert_eq!(fixed.file_time(true, EPOCH + 5, 0), EPOCH + 5);
        for (writable, modified) in [(false, EPOCH + 5), (true, EPOCH + 11), (true, EPOCH - 1), (true, 0)] {
            assert_eq!(fixed.file_time(writable, modified, 0), IMAGE);
        }
    }
}
