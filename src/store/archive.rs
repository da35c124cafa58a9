//! A stored session as one tar file, and back. What comes from outside is checked as everything stored is:
//! names, sizes and checksums, before there is a session.

use std::io::{Read, Write};

use super::backend::{Backend, Created};
use super::blobs::require_content;
use super::error::StoreError;
use super::id::SessionId;
use super::metadata::{Metadata, Problem};
use super::opening::Durability;
use super::view::View;
use super::{checksummed, layout, reading};

/// So often a session may change while it is read.
const ATTEMPTS: usize = 3;
/// More objects than this are in no session.
const MAX_OBJECTS: usize = 1 << 20;

/// Writes a session to a tar file. It is checked first, and may be in use meanwhile.
pub fn export(backend: &Backend, id: &SessionId, to: &mut dyn Write) -> Result<(), StoreError> {
    let mut attempt = 1;
    // Everything is read before anything is written, as far as names go; a record that is compacted away
    // meanwhile means that there is a newer list.
    let (view, names) = loop {
        match names(backend, id) {
            Ok(found) => break found,
            Err(StoreError::Damaged { .. }) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    };
    let mut tar = tar::Builder::new(to);
    let metadata = view.metadata().bytes()?;
    add(&mut tar, "session.json", &metadata)?;
    let session = layout::session(id);
    for name in names {
        let object = format!("{session}/{name}");
        let gone = || StoreError::io("cannot export", &object, "it changed meanwhile: try again, or close the session");
        let bytes = backend.get(&object)?.ok_or_else(gone)?;
        add(&mut tar, &name, &bytes)?;
    }
    tar.finish().map_err(|error| StoreError::io("cannot write", "the archive", error))
}

/// The id of the session in a tar file, without reading the rest.
pub fn session_id(from: &mut dyn Read) -> Result<SessionId, StoreError> {
    let mut tar = tar::Archive::new(from);
    let first = tar.entries().map_err(|error| bad(&error))?.next().ok_or_else(|| bad(&"it is empty"))?;
    SessionId::parse(&read_metadata(first.map_err(|error| bad(&error))?)?.session_id)
}

/// Makes a session from a tar file: under its own id, or another. If anything is wrong there is none.
/// `limit` is how many bytes it may have.
pub fn import(
    backend: &Backend,
    from: &mut dyn Read,
    to: Option<&SessionId>,
    limit: u64,
) -> Result<SessionId, StoreError> {
    let mut tar = tar::Archive::new(from);
    let mut entries = tar.entries().map_err(|error| bad(&error))?;
    let first = entries.next().ok_or_else(|| bad(&"it is empty"))?.map_err(|error| bad(&error))?;
    let mut metadata = read_metadata(first)?;
    let own = SessionId::parse(&metadata.session_id)?;
    let id = to.cloned().unwrap_or(own);
    metadata.session_id = id.to_string();
    match Metadata::look(backend, &id)? {
        Err(Problem::Missing) if backend.list(&layout::log(&id))?.is_empty() => {}
        _ => return Err(StoreError::Exists(id.to_string())),
    }
    let mut written = Vec::new();
    let result = unpack(backend, &id, entries, limit, &mut written)
        .and_then(|()| reading::index(backend, &id, &metadata).map(drop))
        .and_then(|()| metadata.create(backend, &id, Durability::Sync));
    if let Err(error) = result {
        if !written.is_empty() && !matches!(error, StoreError::Exists(_)) {
            backend.delete_all(written)?;
        }
        return Err(error);
    }
    Ok(id)
}

/// The session, and the names of what counts in it besides `session.json`.
fn names(backend: &Backend, id: &SessionId) -> Result<(View, Vec<String>), StoreError> {
    let view = View::open(backend, id)?;
    let index = &view.index;
    let mut names: Vec<String> = index.records.keys().map(|seq| format!("log/{}", layout::record_name(*seq))).collect();
    names.extend(index.blobs(&index.timeline).into_keys().map(|hash| format!("blobs/{hash}")));
    if view.portable()?.is_some() {
        names.push("portable.rec".to_owned());
    }
    Ok((view, names))
}

fn add(tar: &mut tar::Builder<&mut dyn Write>, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o600);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes).map_err(|error| StoreError::io("cannot write", "the archive", error))
}

fn read_metadata<R: Read>(entry: tar::Entry<'_, R>) -> Result<Metadata, StoreError> {
    if name_of(&entry)? != "session.json" {
        return Err(bad(&"it does not begin with session.json"));
    }
    let mut bytes = Vec::new();
    entry.take(checksummed::MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| bad(&error))?;
    let unsealed: Metadata = checksummed::unseal(&bytes).map_err(|why| bad(&format!("session.json: {why}")))?;
    let id = SessionId::parse(&unsealed.session_id)?;
    Metadata::parse(&bytes, &id).map_err(|problem| bad(&problem.damage(&id)))
}

fn unpack<R: Read>(
    backend: &Backend,
    id: &SessionId,
    entries: tar::Entries<'_, R>,
    limit: u64,
    written: &mut Vec<String>,
) -> Result<(), StoreError> {
    let mut total = 0u64;
    for entry in entries {
        let mut entry = entry.map_err(|error| bad(&error))?;
        let name = name_of(&entry)?;
        total = total.saturating_add(entry.size());
        if total > limit || written.len() >= MAX_OBJECTS {
            return Err(bad(&format!("it is larger than the {limit} bytes that a session may have")));
        }
        let mut bytes = Vec::new();
        let size = entry.size();
        // As much as there is, not as much as is announced.
        (&mut entry).take(size).read_to_end(&mut bytes).map_err(|error| bad(&error))?;
        if bytes.len() as u64 != size {
            return Err(bad(&"it was cut"));
        }
        let object = object(id, &name, &bytes)?;
        match backend.create(&object, vec![bytes.into()], Durability::Sync)? {
            Created::Yes => written.push(object),
            Created::Exists => return Err(bad(&format!("{name:?} is in it twice, or left of another session"))),
        }
    }
    Ok(())
}

/// Where an entry goes; anything unexpected is refused.
fn object(id: &SessionId, name: &str, bytes: &[u8]) -> Result<String, StoreError> {
    if name == "portable.rec" {
        return Ok(layout::portable(id));
    }
    if let Some(seq) = name.strip_prefix("log/").and_then(|name| layout::number(name, ".rec")) {
        return Ok(layout::record(id, seq));
    }
    if let Some(hash) = name.strip_prefix("blobs/").filter(|hash| layout::is_sha256(hash)) {
        require_content(id, hash, bytes)?;
        return Ok(layout::blob(id, hash));
    }
    Err(bad(&format!("{name:?} does not belong in it")))
}

fn name_of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<String, StoreError> {
    if entry.header().entry_type() != tar::EntryType::Regular {
        return Err(bad(&"there is something in it that is not a file"));
    }
    let name = entry.path_bytes();
    String::from_utf8(name.into_owned()).map_err(|_| bad(&"a name in it is not text"))
}

fn bad(why: &dyn std::fmt::Display) -> StoreError {
    StoreError::BadArchive(why.to_string())
}
