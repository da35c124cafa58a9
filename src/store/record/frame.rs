//! The bytes of a record. Knows nothing of what its header says. It reads what anybody may have written:
//! every length is bounded before it is used, and whatever is wrong is an error.

use std::cell::RefCell;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::super::state::PAGE;

/// A record's hash.
pub type Hash = [u8; 32];

/// The version is the last byte.
const MAGIC: &[u8; 8] = b"CBLKREC\x01";
const VERSION_AT: usize = 7;
/// Magic and three numbers.
const PREAMBLE: usize = 20;
/// One line of the table.
const LINE: usize = 40;
const HASH: usize = 32;
/// Of a header, raw. It may have to list the files of a full workspace (see the workspace's `MAX_LISTING`) three
/// times: what is new, what is gone, and what was there before.
const MAX_HEADER: usize = 128 << 20;
/// A block's raw size; the block with the runs may be larger.
pub const MAX_BLOCK: usize = 64 * PAGE;
/// Of the first block, raw: every second page of 4 GiB.
pub const MAX_RUNS: usize = 4 << 20;
/// All pages of 4 GiB, and the runs; and what a portable state may have.
const MAX_BLOCKS: usize = (1 << 14) + 1;

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Not ours at all.
    #[error("it does not begin like a record")]
    NotARecord,
    /// From another version of Cellblock.
    #[error("it has the format {0}, which this version of Cellblock cannot read")]
    Version(u8),
    /// Cut, or with something added.
    #[error("it has {got} bytes instead of {expected}: it was cut or added to")]
    Length {
        /// How many there are.
        got: u64,
        /// How many there should be.
        expected: u64,
    },
    /// A length in it is larger than can be.
    #[error("a length in it cannot be")]
    TooLarge,
    /// Its bytes have changed.
    #[error("its checksum does not match")]
    Checksum,
    /// A block's bytes have changed.
    #[error("the checksum of its block {0} does not match")]
    BlockChecksum(usize),
    /// The checksum matches, but it does not unpack.
    #[error("it cannot be unpacked")]
    Unpack,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Where it begins in the record.
    pub at: u64,
    /// Compressed.
    pub bytes: u32,
    /// Unpacked.
    pub raw: u32,
    /// Of the compressed bytes.
    pub hash: Hash,
}

/// Everything before the blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The record's.
    pub hash: Hash,
    /// JSON.
    pub header: Vec<u8>,
    /// Where the blocks are.
    pub blocks: Vec<Block>,
    /// Length of the head.
    pub bytes: u64,
    /// Length of the whole record.
    pub total: u64,
}

/// What the table says of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Compressed length.
    pub bytes: u32,
    /// Length before that.
    pub raw: u32,
    /// Of the compressed bytes.
    pub hash: Hash,
}

/// A packed block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Compressed.
    pub bytes: Bytes,
    /// Its line in the table.
    pub line: Line,
}

thread_local! {
    /// Compresses this thread's blocks, and where it puts them.
    static PACKER: RefCell<Option<(zstd::bulk::Compressor<'static>, Vec<u8>)>> = const { RefCell::new(None) };
}

impl Packed {
    /// Compresses a block.
    pub fn of(raw: &[u8]) -> Result<Self, FrameError> {
        let pack = |packer: &mut Option<(zstd::bulk::Compressor<'static>, Vec<u8>)>| {
            let (compressor, buffer) = match packer {
                Some(packer) => packer,
                None => packer.insert((zstd::bulk::Compressor::new(1)?, Vec::new())),
            };
            buffer.clear();
            buffer.reserve(zstd::zstd_safe::compress_bound(raw.len()));
            compressor.compress_to_buffer(raw, buffer)?;
            Ok(Bytes::copy_from_slice(buffer))
        };
        let bytes: Bytes = PACKER.with_borrow_mut(pack).map_err(|_: std::io::Error| FrameError::Unpack)?;
        let too_large = |_| FrameError::TooLarge;
        let line = Line {
            bytes: u32::try_from(bytes.len()).map_err(too_large)?,
            raw: u32::try_from(raw.len()).map_err(too_large)?,
            hash: Sha256::digest(&bytes).into(),
        };
        Ok(Self { bytes, line })
    }
}

/// How long the head of a record is whose header was packed to so many bytes, with so many blocks.
pub fn head_length(packed_header: usize, blocks: usize) -> usize {
    PREAMBLE + packed_header + blocks * LINE + HASH
}

/// A header as it is in a record.
pub fn pack_header(header: &[u8]) -> Result<Vec<u8>, FrameError> {
    if header.len() > MAX_HEADER {
        return Err(FrameError::TooLarge);
    }
    zstd::bulk::compress(header, 1).map_err(|_| FrameError::Unpack)
}

/// The head of a record with these blocks, and its hash.
pub fn write_head(header: &[u8], blocks: &[Line]) -> Result<(Vec<u8>, Hash), FrameError> {
    write_packed_head(&pack_header(header)?, header.len(), blocks)
}

/// The same of a header that was packed, and was so long before.
pub fn write_packed_head(packed: &[u8], raw: usize, blocks: &[Line]) -> Result<(Vec<u8>, Hash), FrameError> {
    if blocks.len() > MAX_BLOCKS {
        return Err(FrameError::TooLarge);
    }
    let mut head = Vec::with_capacity(head_length(packed.len(), blocks.len()));
    head.extend_from_slice(MAGIC);
    for number in [packed.len(), raw, blocks.len()] {
        head.extend_from_slice(&u32::try_from(number).map_err(|_| FrameError::TooLarge)?.to_le_bytes());
    }
    head.extend_from_slice(packed);
    for block in blocks {
        head.extend_from_slice(&block.bytes.to_le_bytes());
        head.extend_from_slice(&block.raw.to_le_bytes());
        head.extend_from_slice(&block.hash);
    }
    let hash: Hash = Sha256::digest(&head).into();
    head.extend_from_slice(&hash);
    Ok((head, hash))
}

impl Head {
    /// How long the head of the record is that begins with these bytes, of which there must be 20.
    pub fn length(start: &[u8]) -> Result<u64, FrameError> {
        let Some((magic, rest)) = start.split_first_chunk::<8>() else { return Err(FrameError::NotARecord) };
        if magic != MAGIC {
            let same = magic.get(..VERSION_AT) == MAGIC.get(..VERSION_AT);
            return Err(if same { FrameError::Version(magic[VERSION_AT]) } else { FrameError::NotARecord });
        }
        let mut rest = Reader(rest);
        let (packed, raw, blocks) = (rest.number()?, rest.number()?, rest.number()?);
        // What cannot be compressed grows by a little.
        if raw > MAX_HEADER || packed > raw + raw / 128 + 1024 || blocks > MAX_BLOCKS {
            return Err(FrameError::TooLarge);
        }
        Ok((PREAMBLE + packed + blocks * LINE + HASH) as u64)
    }

    /// Reads and checks the head of a record; the bytes may go on behind it.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let length = Self::length(bytes)?;
        let short = || FrameError::Length { got: bytes.len() as u64, expected: length };
        let whole = usize::try_from(length).ok().and_then(|length| bytes.get(..length)).ok_or_else(short)?;
        let Some((covered, hash)) = whole.split_last_chunk::<HASH>() else { return Err(short()) };
        if Sha256::digest(covered).as_slice() != hash {
            return Err(FrameError::Checksum);
        }
        let mut rest = Reader(covered.get(MAGIC.len()..).unwrap_or_default());
        let (packed, raw, count) = (rest.number()?, rest.number()?, rest.number()?);
        let header = unpack(rest.take(packed)?, raw)?;
        let mut at = length;
        let mut blocks = Vec::with_capacity(count);
        for index in 0..count {
            let (bytes, raw) = (rest.number()?, rest.number()?);
            let hash = rest.take(HASH)?.try_into().map_err(|_| FrameError::TooLarge)?;
            let limit = if index == 0 { MAX_RUNS } else { MAX_BLOCK };
            if raw > limit || bytes > raw + raw / 128 + 1024 {
                return Err(FrameError::TooLarge);
            }
            let block = Block { at, bytes: bytes as u32, raw: raw as u32, hash };
            at += u64::from(block.bytes);
            blocks.push(block);
        }
        Ok(Self { hash: *hash, header, blocks, bytes: length, total: at })
    }

    /// Reads and checks a whole record.
    pub fn parse_whole(bytes: &[u8]) -> Result<Self, FrameError> {
        let head = Self::parse(bytes)?;
        if head.total != bytes.len() as u64 {
            return Err(FrameError::Length { got: bytes.len() as u64, expected: head.total });
        }
        for (index, block) in head.blocks.iter().enumerate() {
            block.check(index, block.within(bytes)?)?;
        }
        Ok(head)
    }

    /// A block of the record, whose bytes these are.
    pub fn block(&self, index: usize, record: &[u8]) -> Result<Vec<u8>, FrameError> {
        let block = self.blocks.get(index).ok_or(FrameError::TooLarge)?;
        block.unpack(index, block.within(record)?)
    }
}

impl Block {
    /// Its place in the record.
    pub fn range(&self) -> std::ops::Range<u64> {
        self.at..self.at + u64::from(self.bytes)
    }

    /// Checks and unpacks its bytes.
    pub fn unpack(&self, index: usize, bytes: &[u8]) -> Result<Vec<u8>, FrameError> {
        self.check(index, bytes)?;
        unpack(bytes, self.raw as usize)
    }

    /// Checks its bytes.
    pub fn check(&self, index: usize, bytes: &[u8]) -> Result<(), FrameError> {
        let same = Sha256::digest(bytes).as_slice() == self.hash;
        if same { Ok(()) } else { Err(FrameError::BlockChecksum(index)) }
    }

    fn within<'a>(&self, record: &'a [u8]) -> Result<&'a [u8], FrameError> {
        let range = self.range();
        let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let length = || FrameError::Length { got: record.len() as u64, expected: range.end };
        bounds.and_then(|(start, end)| record.get(start..end)).ok_or_else(length)
    }
}

/// Exactly so many bytes must come out.
fn unpack(bytes: &[u8], raw: usize) -> Result<Vec<u8>, FrameError> {
    let unpacked = zstd::bulk::decompress(bytes, raw).map_err(|_| FrameError::Unpack)?;
    if unpacked.len() == raw { Ok(unpacked) } else { Err(FrameError::Unpack) }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let short = FrameError::Length { got: self.0.len() as u64, expected: count as u64 };
        let (taken, rest) = self.0.split_at_checked(count).ok_or(short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<usize, FrameError> {
        let bytes = self.take(4)?.try_into().map_err(|_| FrameError::TooLarge)?;
        Ok(u32::from_le_bytes(bytes) as usize)
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
