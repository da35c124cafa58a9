//! A multipart message, as it comes from a socket, to a request and every content that the kernel reads.
#![no_main]

use std::sync::Arc;

use cellblock_fuzz::pieces;
use cellblock_fuzz::wire::contents::comm::CommInfoRequest;
use cellblock_fuzz::wire::contents::complete::CompleteRequest;
use cellblock_fuzz::wire::contents::execute::ExecuteRequest;
use cellblock_fuzz::wire::contents::history::HistoryRequest;
use cellblock_fuzz::wire::contents::input::InputReply;
use cellblock_fuzz::wire::contents::inspect::InspectRequest;
use cellblock_fuzz::wire::contents::is_complete::IsCompleteRequest;
use cellblock_fuzz::wire::contents::shutdown::ShutdownRequest;
use cellblock_fuzz::wire::header::parent_msg_id;
use cellblock_fuzz::wire::{Author, Reader, Request, Signer, frames};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|data: &[u8]| {
    let multipart = pieces(data);
    let split = frames::split(&multipart).ok();
    if let Some(split) = &split {
        assert!(split.buffers.len() <= 4096 && split.identities.len() <= 16);
        assert_eq!(frames::join(split.clone()), multipart, "joining is the inverse of splitting");
    }
    let unsigned = Arc::new(Signer::new(b"").unwrap());
    let Ok(request) = Reader::new(unsigned).read(&multipart) else { return };
    let split = split.expect("what is read can be split");
    assert_eq!(
        request.header.as_sent(),
        String::from_utf8_lossy(&split.dicts[0]).as_bytes(),
        "as it came, but repaired"
    );
    assert_eq!((&request.identities, &request.buffers), (&split.identities, &split.buffers));
    let _ = parent_msg_id(&request.parent_header);
    contents(&request);
    answer(&request);
});

/// No content makes trouble, whatever the message's type says.
fn contents(request: &Request) {
    if let Ok(asked) = request.content::<ExecuteRequest>() {
        assert!(!(asked.silent && asked.stores_history()));
        let _ = asked.stops_on_error();
    }
    if let Ok(asked) = request.content::<CompleteRequest>() {
        assert!(asked.cursor_pos() <= asked.code.chars().count() as u64);
    }
    if let Ok(asked) = request.content::<InspectRequest>() {
        assert!(asked.cursor_pos() <= asked.code.chars().count() as u64 && asked.detail_level() <= 1);
    }
    let _ = request.content::<CommInfoRequest>();
    let _ = request.content::<HistoryRequest>();
    let _ = request.content::<InputReply>();
    let _ = request.content::<IsCompleteRequest>();
    let _ = request.content::<ShutdownRequest>();
}

/// An answer to it is a message whose parent header is the request's header, byte for byte.
fn answer(request: &Request) {
    let signer = Arc::new(Signer::new(b"key").unwrap());
    let content = request.content::<Map<String, Value>>().unwrap_or_default();
    let author = Author::new(signer.clone(), "session");
    let composed = author.compose(
        &request.header.msg_type,
        Some(&request.header),
        &request.metadata,
        &content,
        request.buffers.clone(),
    );
    let back = Reader::new(signer).read(&composed.frames).expect("what the kernel composes can be read");
    assert_eq!(&back.parent_header, request.header.as_sent());
    assert_eq!(back.header.msg_type, request.header.msg_type);
    assert_eq!((&back.metadata, &back.buffers), (&request.metadata, &request.buffers));
    assert_eq!(back.content::<Map<String, Value>>().unwrap(), content);
}
