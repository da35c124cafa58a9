use proptest::prelude::*;

use super::*;

fn record(header: &[u8], blocks: &[Vec<u8>]) -> Vec<u8> {
    let packed: Vec<Packed> = blocks.iter().map(|block| Packed::of(block).unwrap()).collect();
    let (mut bytes, _) = write_head(header, &packed.iter().map(|block| block.line).collect::<Vec<_>>()).unwrap();
    packed.iter().for_each(|block| bytes.extend_from_slice(&block.bytes));
    bytes
}

fn parts() -> impl Strategy<Value = (Vec<u8>, Vec<Vec<u8>>)> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..300);
    (bytes(), prop::collection::vec(bytes(), 0..5))
}

proptest! {
    #[test]
    fn what_is_written_is_read((header, blocks) in parts()) {
        let bytes = record(&header, &blocks);
        let head = Head::parse_whole(&bytes).unwrap();
        prop_assert_eq!(&head.header, &header);
        prop_assert_eq!(head.total, bytes.len() as u64);
        prop_assert_eq!(Head::parse(&bytes[..head.bytes as usize]).unwrap(), head.clone());
        for (index, block) in blocks.iter().enumerate() {
            prop_assert_eq!(&head.block(index, &bytes).unwrap(), block);
        }
        prop_assert!(head.block(blocks.len(), &bytes).is_err());
    }

    #[test]
    fn a_changed_bit_a_cut_or_an_addition_is_seen((header, blocks) in parts(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let bytes = record(&header, &blocks);
        let at = at.index(bytes.len());
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        prop_assert!(Head::parse_whole(&changed).is_err());
        prop_assert!(Head::parse_whole(&bytes[..at]).is_err());
        prop_assert!(Head::parse_whole(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn any_bytes_are_an_error_and_no_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), ours: bool) {
        if ours && bytes.len() >= 8 {
            bytes[..8].copy_from_slice(MAGIC);
        }
        prop_assert!(Head::parse_whole(&bytes).is_err());
    }
}

#[test]
fn lengths_that_cannot_be_are_refused_before_anything_is_made_of_them() {
    for (at, name) in [(8, "header"), (12, "raw header"), (16, "blocks")] {
        let mut bytes = record(b"{}", &[]);
        bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Head::length(&bytes), Err(FrameError::TooLarge), "{name}");
    }
}

#[test]
fn a_block_that_unpacks_to_more_than_it_says_is_refused() {
    let mut packed = Packed::of(&vec![0; 5000]).unwrap();
    packed.line.raw = 4000;
    let (mut bytes, _) = write_head(b"{}", std::slice::from_ref(&packed.line)).unwrap();
    bytes.extend_from_slice(&packed.bytes);
    let head = Head::parse_whole(&bytes).unwrap();
    assert_eq!(head.block(0, &bytes), Err(FrameError::Unpack));
}

#[test]
fn another_version_is_named() {
    let mut bytes = record(b"{}", &[]);
    bytes[7] = 9;
    assert_eq!(Head::parse(&bytes), Err(FrameError::Version(9)));
}
