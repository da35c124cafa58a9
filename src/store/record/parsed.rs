//! A record that was read and checked on its own, whatever the others say. It reads what anybody may have
//! written: whatever is wrong is an error.

use std::ops::Range;

use super::super::state::PAGE;
use super::frame::{Block, FrameError, Head, MAX_BLOCK};
use super::header::{Header, Kind};
use super::runs;

/// A record, without what is only needed to load its state.
#[derive(Debug, Clone)]
pub struct Known {
    /// In hex.
    pub hash: String,
    /// Of the whole object.
    pub bytes: u64,
    /// Of what is before the blocks.
    pub head_bytes: u64,
    /// Whether it only says that somebody took the session.
    pub is_open: bool,
}

/// A record that was read and checked on its own.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Without the facts.
    pub header: Header,
    /// The pages of its state.
    pub runs: Vec<Range<u32>>,
    /// The rest.
    pub known: Known,
}

/// Reads a record of which everything is in these bytes, or at least its head and its runs.
pub fn parse(seq: u64, bytes: &[u8], total: u64, whole: bool) -> Result<Parsed, String> {
    let say = |error: FrameError| error.to_string();
    let head = if whole { Head::parse_whole(bytes) } else { Head::parse(bytes) }.map_err(say)?;
    if head.total != total {
        return Err(format!("it has {total} bytes instead of {}: it was cut or added to", head.total));
    }
    let mut header: Header =
        serde_json::from_slice(&head.header).map_err(|error| format!("it cannot be understood: {error}"))?;
    if header.seq != seq {
        return Err(format!("it is the record {}", header.seq));
    }
    let runs = match (header.kind.state(), head.blocks.first()) {
        (None, None) | (Some(_), None) => Vec::new(),
        (None, Some(_)) => return Err("it has pages without a state".to_owned()),
        (Some(_), Some(_)) => {
            let runs = runs::read(&head.block(0, bytes).map_err(say)?);
            runs.filter(|runs| !runs.is_empty()).ok_or("its list of pages cannot be")?
        }
    };
    let raw: u64 = head.blocks.iter().skip(1).map(|block| u64::from(block.raw)).sum();
    let full = |block: &Block| block.raw as usize == MAX_BLOCK;
    let inner_full = head.blocks.iter().skip(1).rev().skip(1).all(full);
    if raw != runs::pages(&runs) * PAGE as u64 || !inner_full {
        return Err("its pages are not those that it lists".to_owned());
    }
    let known = Known {
        hash: hex::encode(head.hash),
        bytes: head.total,
        head_bytes: head.bytes,
        is_open: matches!(header.kind, Kind::Open(_)),
    };
    // Only loading needs them, and they may be large.
    if let Kind::Commit(state) | Kind::Snapshot(state) = &mut header.kind {
        state.facts = serde_json::Value::Null;
    }
    Ok(Parsed { header, runs, known })
}
