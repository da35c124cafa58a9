//! The wire codec: any frames are refused or read, and what is read is written back the same. With an empty key the
//! signature is not checked, so everything behind it is reached.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use cellblock::wire::contents::execute::ExecuteRequest;
use cellblock::wire::{Reader, Signer, frames};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|parts: Vec<Vec<u8>>| {
    let mut sent: Vec<Bytes> = parts.into_iter().map(Bytes::from).collect();
    if sent.first().is_some_and(|first| first.len() % 2 == 0) {
        // Half of the inputs get the delimiter that random bytes hardly ever contain.
        sent.insert(0, Bytes::from_static(frames::DELIMITER));
    }
    if let Ok(read) = frames::split(&sent) {
        assert_eq!(frames::join(read), sent);
    }
    let Ok(signer) = Signer::new(b"") else { unreachable!("an empty key is a key") };
    if let Ok(request) = Reader::new(Arc::new(signer)).read(&sent) {
        let _ = request.content::<ExecuteRequest>();
        let _ = request.content::<serde_json::Value>();
    }
});
