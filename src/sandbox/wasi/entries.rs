//! What a directory has in it, sorted by name. There may be hundreds of thousands of entries: their names are in one
//! piece, and are compared by their first bytes that differ at all.

use std::ops::Range;

/// Bytes of an entry besides its name, with the room that a growing list has beyond its end.
pub(in crate::sandbox) const ENTRY_KEPT: usize = 64;

/// What a listing says of an entry.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Listed {
    pub inode: u64,
    /// `filetype`, as WASI numbers them.
    pub kind: u8,
}

/// Entries by name.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Entries {
    names: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The bytes of the name with which those of the directory begin to differ.
    key: u64,
    listed: Listed,
    /// Where in the names its own is.
    begin: u32,
    end: u32,
}

impl Entries {
    /// Adds one; all are sorted before they are looked at. Its name is cut at 4 GiB of names: listings are far smaller.
    pub(in crate::sandbox) fn push(&mut self, name: &[u8], listed: Listed) {
        let begin = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.extend_from_slice(name);
        let end = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { key: 0, listed, begin, end });
    }

    /// Sorts them. A directory that changes while it is read may have told of one twice: it counts once.
    pub(in crate::sandbox) fn sorted(mut self) -> Self {
        let shared = self.shared();
        let Self { names, entries } = &mut self;
        let all = names.as_slice();
        let name = |entry: &Entry| all.get(entry.place()).unwrap_or_default();
        for entry in entries.iter_mut() {
            let rest = name(entry).get(shared..).unwrap_or_default();
            let mut key = [0; 8];
            for (to, from) in key.iter_mut().zip(rest) {
                *to = *from;
            }
            entry.key = u64::from_be_bytes(key);
        }
        entries.sort_unstable_by(|one, other| one.key.cmp(&other.key).then_with(|| name(one).cmp(name(other))));
        entries.dedup_by(|one, other| name(one) == name(other));
        // They are kept for as long as the guest likes.
        entries.shrink_to_fit();
        names.shrink_to_fit();
        self
    }

    /// How many bytes all names begin with alike.
    fn shared(&self) -> usize {
        let mut names = self.entries.iter().filter_map(|entry| self.names.get(entry.place()));
        let first = names.next().unwrap_or_default();
        names.fold(first.len(), |shared, name| {
            let both = first.iter().zip(name).take(shared);
            both.take_while(|(one, other)| one == other).count()
        })
    }

    pub(in crate::sandbox) fn name(&self, index: usize) -> Option<&[u8]> {
        self.names.get(self.entries.get(index)?.place())
    }

    /// How many there are up to a name, itself included.
    pub(in crate::sandbox) fn up_to(&self, name: &[u8]) -> usize {
        self.entries.partition_point(|entry| self.names.get(entry.place()).unwrap_or_default() <= name)
    }

    /// Those from a place on.
    pub(in crate::sandbox) fn from(&self, index: usize) -> impl Iterator<Item = (&[u8], Listed)> {
        let rest = self.entries.get(index..).unwrap_or_default();
        rest.iter().map(|entry| (self.names.get(entry.place()).unwrap_or_default(), entry.listed))
    }

    pub(in crate::sandbox) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Entry {
    fn place(&self) -> Range<usize> {
        self.begin as usize..self.end as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn entries(names: &[Vec<u8>]) -> Entries {
        let mut entries = Entries::default();
        for name in names {
            entries.push(name, Listed { inode: name.len() as u64, kind: 4 });
        }
        entries.sorted()
    }

    proptest! {
        #[test]
        fn they_are_sorted_as_a_map_sorts_them(
            prefix in "a{0,10}",
            names in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![0_u8, 1, b'a', b'b', 255]), 0..12), 0..40),
        ) {
            let names: Vec<Vec<u8>> = names.into_iter().map(|name| [prefix.as_bytes(), &name].concat()).collect();
            let map: BTreeMap<&[u8], u64> = names.iter().map(|name| (&**name, name.len() as u64)).collect();
            let entries = entries(&names);
            let listed: Vec<(&[u8], u64)> = entries.from(0).map(|(name, listed)| (name, listed.inode)).collect();
            prop_assert_eq!(listed, map.iter().map(|(name, inode)| (*name, *inode)).collect::<Vec<_>>());
            for name in &names {
                let before = map.keys().filter(|other| **other <= &**name).count();
                prop_assert_eq!(entries.up_to(name), before);
                prop_assert_eq!(entries.name(before - 1), Some(&**name));
            }
        }
    }
}
