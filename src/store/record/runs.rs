//! Ranges of pages as varints: for each the distance from the end of the one before, and its length. A range
//! has at least one page, and all lie within 4 GiB, so each list of ranges is written in one way only.

use std::ops::Range;

use super::super::state::MAX_PAGES;

/// The bytes for ranges that [`are_valid`].
pub fn write(runs: &[Range<u32>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(runs.len() * 3);
    let mut end = 0;
    for run in runs {
        varint(&mut bytes, run.start.saturating_sub(end));
        varint(&mut bytes, run.end.saturating_sub(run.start));
        end = run.end;
    }
    bytes
}

/// What was written; none if the bytes are anything else.
pub fn read(mut bytes: &[u8]) -> Option<Vec<Range<u32>>> {
    let mut runs = Vec::new();
    let mut end = 0u32;
    while !bytes.is_empty() {
        let start = end.checked_add(number(&mut bytes)?)?;
        let length = number(&mut bytes)?;
        end = start.checked_add(length)?;
        // Two that touch would be one.
        let touches = runs.last().is_some_and(|last: &Range<u32>| last.end == start);
        if length == 0 || end > MAX_PAGES || touches {
            return None;
        }
        runs.push(start..end);
    }
    Some(runs)
}

/// The same pages in ranges that do not touch; none if they overlap, are not in order, empty or too high.
pub fn joined(runs: &[Range<u32>]) -> Option<Vec<Range<u32>>> {
    let mut joined: Vec<Range<u32>> = Vec::with_capacity(runs.len());
    for run in runs {
        if run.is_empty() || run.end > MAX_PAGES {
            return None;
        }
        match joined.last_mut() {
            Some(last) if last.end > run.start => return None,
            Some(last) if last.end == run.start => last.end = run.end,
            _ => joined.push(run.clone()),
        }
    }
    Some(joined)
}

/// How many pages there are.
pub fn pages(runs: &[Range<u32>]) -> u64 {
    runs.iter().map(|run| u64::from(run.end.saturating_sub(run.start))).sum()
}

fn varint(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Not longer than needed, or two spellings would mean the same.
fn number(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u64;
    for shift in [0, 7, 14, 21, 28] {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            let padded = shift > 0 && *first == 0;
            return if padded { None } else { u32::try_from(value).ok() };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(lengths in prop::collection::vec((0u32..300, 1u32..300), 0..200)) {
            let mut at = 0;
            let runs: Vec<_> = lengths.iter().map(|(gap, length)| { let start = at + gap; at = start + length; start..at }).collect();
            let runs = joined(&runs).unwrap();
            prop_assert_eq!(read(&write(&runs)), Some(runs.clone()));
            prop_assert_eq!(pages(&runs), lengths.iter().map(|(_, length)| u64::from(*length)).sum::<u64>());
        }

        #[test]
        fn any_bytes_are_one_list_or_none(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(runs) = read(&bytes) {
                prop_assert_eq!(write(&runs), bytes);
                prop_assert_eq!(joined(&runs), Some(runs));
            }
        }
    }

    #[test]
    fn overlaps_and_pages_beyond_the_end_are_refused() {
        assert_eq!(joined(&[0..2, 2..3, 9..10]), Some(vec![0..3, 9..10]));
        for bad in [[0..2, 1..3], [3..4, 0..1], [1..2, 5..5], [0..1, 2..MAX_PAGES + 1]] {
            assert_eq!(joined(&bad), None, "{bad:?}");
        }
    }
}
