//! Listing directories: sorted by name, however the host's file system has them.

use wasmtime::Caller;

use super::changes;
use super::errno;
use super::host::{self, Host};
use super::raw::{self, Listed};
use super::stat;

/// Size of `dirent`, which a name follows.
const ENTRY: usize = 24;

/// Answers from the cookie on, which counts entries; what does not fit is cut, and asked for again.
pub(super) async fn fd_readdir(
    caller: &mut Caller<'_, Host>,
    (number, buffer, length, cookie, result): (i32, i32, i32, i64, i32),
) -> wasmtime::Result<i32> {
    let Some(fd) = changes::resolve(caller, number).await else { return Ok(errno::BADF) };
    let room = length.cast_unsigned() as usize;
    let Ok(cookie) = usize::try_from(cookie) else { return Ok(errno::INVAL) };
    let mut entries = match raw::list(&mut caller.data_mut().wasi, fd).await {
        Ok(entries) => entries,
        Err(errno) => return Ok(errno),
    };
    entries.sort_by(|a, b| (!a.is_dots(), &a.name).cmp(&(!b.is_dots(), &b.name)));
    let mut bytes = Vec::new();
    for (index, entry) in entries.iter().enumerate().skip(cookie) {
        let inode = inode(caller, number, entry);
        bytes.extend_from_slice(&(index as u64 + 1).to_le_bytes());
        bytes.extend_from_slice(&inode.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(entry.name.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&u32::from(entry.kind).to_le_bytes());
        bytes.extend_from_slice(&entry.name);
        if bytes.len() >= room {
            bytes.truncate(room);
            break;
        }
    }
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let written = host::write(caller, buffer.cast_unsigned(), &bytes)
        .and_then(|()| host::write(caller, result.cast_unsigned(), &length.to_le_bytes()));
    Ok(if written.is_some() { errno::SUCCESS } else { errno::FAULT })
}

/// The host's inode, or what stands for it in a deterministic guest.
fn inode(caller: &Caller<'_, Host>, dir: i32, entry: &Listed) -> u64 {
    let host = caller.data();
    let name = String::from_utf8_lossy(&entry.name);
    match host.files.place(dir, &name).filter(|_| host.fixed.is_some()) {
        Some(place) => stat::inode(&place),
        None => entry.inode,
    }
}

impl Listed {
    /// `.` or `..`: these come first.
    fn is_dots(&self) -> bool {
        matches!(self.name.as_slice(), b"." | b"..")
    }

    /// Reads a listing as wasmtime wrote it, as far as it is whole.
    pub(super) fn parse(mut bytes: &[u8]) -> Vec<Self> {
        let mut entries = Vec::new();
        while let Some((head, rest)) = bytes.split_at_checked(ENTRY) {
            let inode = head.get(8..).and_then(|word| word.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word));
            let length = head.get(16..).and_then(|word| word.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word));
            let kind = head.get(20).copied().unwrap_or_default();
            let Some((name, rest)) = rest.split_at_checked(length as usize) else { break };
            entries.push(Self { inode, kind, name: name.to_vec() });
            bytes = rest;
        }
        entries
    }
}
