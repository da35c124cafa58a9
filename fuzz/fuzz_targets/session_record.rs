//! The records of a stored session: as whole bytes, and as headers and blocks with a checksum that matches.
//!
//! The input: one byte that says how many blocks there are; for each two bytes with its length, and the
//! block; the rest is the header. Two records of it make a log.
#![no_main]

use std::collections::BTreeMap;

use cellblock_fuzz::Input;
use cellblock_fuzz::store::index::LogIndex;
use cellblock_fuzz::store::record::frame::{Head, Packed, write_head};
use cellblock_fuzz::store::record::parsed::parse;
use cellblock_fuzz::store::record::runs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(head) = Head::parse_whole(data) {
        assert_eq!(head.total, data.len() as u64);
    }
    if let Some(read) = runs::read(data) {
        assert_eq!(runs::write(&read), data, "there is one way to write a list of pages");
        assert_eq!(runs::joined(&read), Some(read));
    }

    let mut input = Input(data);
    let count = input.byte() % 4;
    let mut blocks = Vec::new();
    for _ in 0..count {
        let length = input.number();
        let raw = input.take(length);
        // Pages come in their full length.
        let padded = if blocks.is_empty() { raw.to_vec() } else { [raw, &vec![0; raw.len().wrapping_neg() % 4096]].concat() };
        blocks.push(Packed::of(&padded).unwrap());
    }
    let (mut record, _) = write_head(input.0, &blocks.iter().map(|block| block.line).collect::<Vec<_>>()).unwrap();
    blocks.iter().for_each(|block| record.extend_from_slice(&block.bytes));
    let head = Head::parse_whole(&record).unwrap();
    assert_eq!(head.header, input.0);
    assert!(Head::parse_whole(&record[..record.len() - 1]).is_err(), "a part of a record is no record");

    let total = record.len() as u64;
    let records: BTreeMap<u64, _> = [1, 2].map(|seq| (seq, parse(seq, &record, total, true))).into();
    for last in [1, 2] {
        let Some(Ok(parsed)) = records.get(&last) else { continue };
        let Ok(index) = LogIndex::assemble(&records, last, &parsed.header.lineage) else { continue };
        assert!(index.timeline.is_sound());
        for state in index.timeline.states() {
            assert!(index.states.contains_key(&state), "every state that can be gone to is there");
            index.manifest(state);
        }
        index.blobs(&index.timeline);
    }
});
