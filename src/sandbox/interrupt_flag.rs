//! The guest's interrupt flag, set from outside while the guest is suspended: the words that
//! a function of the guest writes to interrupt itself. Setup finds them by calling that function once and comparing
//! memory (they belong to an image, not to the code).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::memory::mapping::Mapping;

/// One 32-bit word and the bits that an interrupt sets in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Offset in the guest's memory.
    pub offset: u32,
    /// The bits that are set by an interrupt, and cleared when it has been handled.
    pub bits: u32,
}

/// The interrupt flag of one mapped memory.
#[derive(Debug, Clone)]
pub struct Signal {
    mapping: Arc<Mapping>,
    words: Arc<[Word]>,
}

impl Signal {
    /// The flag in `mapping`; with no words, a guest that cannot be asked.
    pub fn new(mapping: Arc<Mapping>, words: Arc<[Word]>) -> Self {
        Self { mapping, words }
    }

    /// Sets the flag; the guest must be suspended. Answers whether the guest can be asked at all.
    pub fn set(&self) -> bool {
        self.change(|word, bits| word | bits)
    }

    /// Clears the flag; the guest must not be running.
    pub fn clear(&self) {
        self.change(|word, bits| word & !bits);
    }

    /// Whether the flag is set and the guest has not looked yet.
    pub fn pending(&self) -> bool {
        !self.words.is_empty()
            && self.words.iter().all(|word| self.get(*word).is_some_and(|now| now & word.bits == word.bits))
    }

    fn get(&self, word: Word) -> Option<u32> {
        let mut bytes = [0; 4];
        self.mapping.read(word.offset as usize, &mut bytes).ok()?;
        Some(u32::from_le_bytes(bytes))
    }

    fn change(&self, to: impl Fn(u32, u32) -> u32) -> bool {
        let mut all = !self.words.is_empty();
        for word in self.words.iter() {
            let new = self.get(*word).map(|now| to(now, word.bits));
            all &= new.is_some_and(|new| self.mapping.write(word.offset as usize, &new.to_le_bytes()).is_ok());
        }
        all
    }
}

/// The words in which `after` has bits that `before` has not, at most `most` of them.
pub fn difference(before: &[u8], after: &[u8], most: usize) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let pairs = before.as_chunks::<4>().0.iter().zip(after.as_chunks::<4>().0);
    for (index, (old, new)) in pairs.enumerate() {
        if old == new {
            continue;
        }
        let bits = u32::from_le_bytes(*new) & !u32::from_le_bytes(*old);
        if bits != 0 {
            words.push(Word { offset: u32::try_from(index * 4).ok()?, bits });
        }
        if words.len() > most {
            return None;
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::mapping::WASM_PAGE;

    #[test]
    fn a_flag_is_pending_until_the_guest_clears_any_of_its_words() {
        let mapping = Arc::new(Mapping::new(WASM_PAGE, WASM_PAGE).unwrap());
        mapping.write(8, &[0b100, 0, 0, 0]).unwrap();
        let before = [0; WASM_PAGE];
        let mut after = before;
        after[8] = 0b1;
        after[100] = 1;
        let words = difference(&before, &after, 4).unwrap();
        assert_eq!(words, [Word { offset: 8, bits: 1 }, Word { offset: 100, bits: 1 }]);
        let signal = Signal::new(mapping.clone(), words.into());
        assert!(!signal.pending());
        assert!(signal.set() && signal.pending());
        mapping.write(100, &[0; 4]).unwrap();
        assert!(!signal.pending());
        signal.clear();
        let mut word = [0; 4];
        mapping.read(8, &mut word).unwrap();
        assert_eq!(word, [0b100, 0, 0, 0]);
    }

    #[test]
    fn a_guest_without_words_cannot_be_asked() {
        let mapping = Arc::new(Mapping::new(WASM_PAGE, WASM_PAGE).unwrap());
        let signal = Signal::new(mapping, [].into());
        assert!(!signal.set() && !signal.pending());
    }
}
