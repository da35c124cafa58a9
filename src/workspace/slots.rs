//! What a guest has touched since the last state that is stored, on disk: after a kill, it says which of the files
//! are as the guest left them, and what stood there before. One file for each state that is on its way to the log,
//! removed when the state is there. It survives the process, and need not survive the machine: what it does not say
//! counts as somebody else's.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::manifest::Entry;
use super::scan::{Disk, Stamp};

/// Lengths of path and prior entry, before the fixed part.
const LENGTHS: u64 = 8;
/// Kind, whether something is under way, when that began, and a stamp.
const FIXED: usize = 80;
/// A path and an entry are never longer than this together.
const MAX_RECORD: usize = 1 << 16;
/// A file with more in it is not read.
const MAX_FILE: u64 = 256 << 20;
/// How long a write may take that a kill met in the midst. What changed later is somebody else's.
const UNDER_WAY: Duration = Duration::from_secs(2);
/// The mode of a directory in a list of an earlier version, which did not say it.
const ANY_MODE: u32 = u32::MAX;
/// By so much the file system's clock may be behind.
const TICK: Duration = Duration::from_millis(20);

/// Where the line of a path is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot(u64);

/// The list of one state.
#[derive(Debug)]
pub(super) struct Slots {
    dir: PathBuf,
    file: Option<File>,
    generation: u64,
    end: u64,
    dropped: u64,
}

/// What is known of a path after a kill.
#[derive(Debug, Clone)]
pub(super) struct Leftover {
    /// What stood there before the guest touched it, by the numbers of the lists, oldest first.
    priors: Vec<(u64, Option<Entry>)>,
    /// Of the newest list.
    pub(super) generation: u64,
    left: Disk,
    /// When something began of which nobody knows whether it was done.
    under_way: Option<Duration>,
}

impl Leftover {
    /// What stood there before the guest touched it in a list later than this.
    pub(super) fn prior(&self, generation: u64) -> Option<&Entry> {
        self.priors.iter().find(|(of, _)| *of > generation)?.1.as_ref()
    }

    /// Whether this is what the guest left there.
    pub(super) fn is_as_left(&self, disk: Disk) -> bool {
        let is_any = matches!((self.left, disk), (Disk::Dir(ANY_MODE), Disk::Dir(_)));
        if disk == self.left || is_any {
            return true;
        }
        let Some(began) = self.under_way else { return false };
        match disk {
            Disk::Nothing | Disk::Dir(_) => true,
            Disk::File(stamp) | Disk::Link(stamp) => {
                let (from, to) = (began.saturating_sub(TICK), began.saturating_add(UNDER_WAY));
                stamp.changed().is_some_and(|changed| from <= changed && changed <= to)
            }
            Disk::Other => false,
        }
    }
}

impl Slots {
    /// An empty list. Its file is made with the first line.
    pub(super) fn new(dir: &Path, generation: u64) -> Self {
        Self { dir: dir.to_owned(), file: None, generation, end: 0, dropped: 0 }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Writes down that the guest is about to touch a path for the first time.
    pub(super) fn add(&mut self, path: &str, prior: Option<&Entry>, was: Disk) -> Option<Slot> {
        let added = self.try_add(path, prior, was);
        added.inspect_err(|error| tracing::debug!(%error, "what the guest touches cannot be written down")).ok()
    }

    fn try_add(&mut self, path: &str, prior: Option<&Entry>, was: Disk) -> io::Result<Slot> {
        let file = match &self.file {
            Some(file) => file,
            None => {
                let mut options = fs::OpenOptions::new();
                options.write(true).create(true).truncate(true).mode(0o600);
                let opened = options.open(self.dir.join(self.generation.to_string()))?;
                self.file.insert(opened)
            }
        };
        let prior = serde_json::to_vec(&prior)?;
        let mut record = Vec::with_capacity(LENGTHS as usize + FIXED + path.len() + prior.len());
        for length in [path.len(), prior.len()] {
            record.extend_from_slice(&u32::try_from(length).map_err(io::Error::other)?.to_le_bytes());
        }
        record.extend_from_slice(&fixed(was, true));
        record.extend_from_slice(path.as_bytes());
        record.extend_from_slice(&prior);
        file.write_all_at(&record, self.end)?;
        let slot = Slot(self.end + LENGTHS);
        self.end += record.len() as u64;
        Ok(slot)
    }

    /// Writes down how the guest left a path, or that it is at it.
    pub(super) fn note(&self, slot: Option<Slot>, left: Disk, under_way: bool) {
        if let (Some(slot), Some(file)) = (slot, &self.file)
            && let Err(error) = file.write_all_at(&fixed(left, under_way), slot.0)
        {
            tracing::debug!(%error, "what the guest touches cannot be written down");
        }
    }

    /// Takes a line out. Answers whether the list is worth being written anew.
    pub(super) fn take_out(&mut self, slot: Option<Slot>) -> bool {
        if let (Some(slot), Some(file)) = (slot, &self.file) {
            let _ = file.write_all_at(&[0; FIXED], slot.0);
            self.dropped += LENGTHS + FIXED as u64 + 64;
        }
        self.dropped > 1 << 20 && self.dropped > self.end / 2
    }

    /// The same file, for lines that will all be written again.
    pub(super) fn start_over(&mut self) {
        (self.file, self.end, self.dropped) = (None, 0, 0);
    }

    /// Nothing of it counts any more.
    pub(super) fn remove(self) {
        if self.file.is_some() {
            remove_upto(&self.dir, self.generation, self.generation);
        }
    }
}

/// Removes the lists of the states from `first` to `last`.
pub(super) fn remove_upto(dir: &Path, first: u64, last: u64) {
    for generation in generations(dir).into_iter().filter(|generation| (first..=last).contains(generation)) {
        let _ = fs::remove_file(dir.join(generation.to_string()));
    }
}

/// What was left behind, by path: as the newest list has it, with what stood there before the oldest.
pub(super) fn read(dir: &Path) -> BTreeMap<String, Leftover> {
    let mut all: BTreeMap<String, Leftover> = BTreeMap::new();
    for generation in generations(dir) {
        let path = dir.join(generation.to_string());
        let bytes = match fs::metadata(&path) {
            Ok(metadata) if metadata.len() <= MAX_FILE => fs::read(&path).unwrap_or_default(),
            _ => continue,
        };
        for (path, mut leftover) in parse(&bytes, generation) {
            if let Some(older) = all.get(&path) {
                leftover.priors.splice(..0, older.priors.iter().cloned());
            }
            all.insert(path, leftover);
        }
    }
    all
}

/// Oldest first.
fn generations(dir: &Path) -> Vec<u64> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<u64> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    found.sort_unstable();
    found
}

/// As far as it is whole.
fn parse(mut bytes: &[u8], generation: u64) -> Vec<(String, Leftover)> {
    let mut all = Vec::new();
    while let Some((line, rest)) = line(bytes, generation) {
        bytes = rest;
        all.extend(line);
    }
    all
}

type Line<'a> = (Option<(String, Leftover)>, &'a [u8]);

fn line(bytes: &[u8], generation: u64) -> Option<Line<'_>> {
    let (path, rest) = bytes.split_first_chunk::<4>()?;
    let (prior, rest) = rest.split_first_chunk::<4>()?;
    let (fixed, rest) = rest.split_first_chunk::<FIXED>()?;
    let (path, prior) = (u32::from_le_bytes(*path) as usize, u32::from_le_bytes(*prior) as usize);
    if path > MAX_RECORD || prior > MAX_RECORD {
        return None;
    }
    let (path, rest) = rest.split_at_checked(path)?;
    let (prior, rest) = rest.split_at_checked(prior)?;
    let path = std::str::from_utf8(path).ok()?.to_owned();
    let prior = serde_json::from_slice::<Option<Entry>>(prior).ok()?;
    let found = parse_fixed(fixed)
        .map(|(left, under_way)| (path, Leftover { priors: vec![(generation, prior)], generation, left, under_way }));
    Some((found, rest))
}

/// A line's fixed part: all zeros for one that was taken out.
fn fixed(left: Disk, under_way: bool) -> [u8; FIXED] {
    let mut bytes = [0; FIXED];
    let mut words = [0; 9];
    if under_way {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        words[0] = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    }
    let kind = match left {
        Disk::Nothing => 1,
        Disk::Dir(mode) => {
            words[1] = mode.into();
            6
        }
        Disk::Other => 3,
        Disk::File(stamp) => {
            words[1..].copy_from_slice(&stamp.to_words());
            4
        }
        Disk::Link(stamp) => {
            words[1..].copy_from_slice(&stamp.to_words());
            5
        }
    };
    bytes[0] = kind;
    for (room, word) in bytes.iter_mut().skip(8).zip(words.iter().flat_map(|word| word.to_le_bytes())) {
        *room = word;
    }
    bytes
}

fn parse_fixed(bytes: &[u8; FIXED]) -> Option<(Disk, Option<Duration>)> {
    let mut words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).skip(1);
    let began = words.next().unwrap_or_default();
    let left = match bytes.first()? {
        1 => Disk::Nothing,
        2 => Disk::Dir(ANY_MODE),
        6 => Disk::Dir(words.next().and_then(|mode| mode.try_into().ok())?),
        3 => Disk::Other,
        kind @ (4 | 5) => {
            let mut stamp = [0; 8];
            stamp.iter_mut().zip(words).for_each(|(room, word)| *room = word);
            let stamp = Stamp::from_words(stamp);
            if *kind == 4 { Disk::File(stamp) } else { Disk::Link(stamp) }
        }
        _ => return None,
    };
    Some((left, (began > 0).then(|| Duration::from_nanos(began))))
}
