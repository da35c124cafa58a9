//! ZMTP as a stranger may speak it: greetings, frame headers and commands of any bytes.
#![no_main]

use bytes::Bytes;
use cellblock::sockets::zmtp::{command, frame, greeting};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = greeting::check_start(data);
    if let Some(whole) = data.first_chunk() {
        let _ = greeting::check(whole);
    }
    if let Ok(Some(header)) = frame::parse_header(data) {
        assert!(header.size <= data.len(), "a header of more bytes than there are");
    }
    let _ = command::parse(Bytes::copy_from_slice(data));
});
