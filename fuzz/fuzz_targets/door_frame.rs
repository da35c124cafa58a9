//! The door's frames, which the guest writes.
#![no_main]

use bytes::Bytes;
use cellblock_fuzz::door::{Frame, FrameError, MAX_BUFFERS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    let Ok(frame) = Frame::parse(&bytes) else { return };
    let _ = frame.op();
    assert!(frame.buffers.len() <= MAX_BUFFERS);
    let within = bytes.as_ptr_range();
    for buffer in frame.buffers.iter().filter(|buffer| !buffer.is_empty()) {
        let range = buffer.as_ptr_range();
        assert!(within.start <= range.start && range.end <= within.end, "a buffer is a part of what came, not a copy");
    }

    let written = Bytes::from(frame.to_bytes());
    assert_eq!(Frame::parse(&written).as_ref(), Ok(&frame), "what is written is read back");
    assert_eq!(Frame::parse(&written).unwrap().to_bytes(), written);

    let cut = usize::from(data[0]) % data.len();
    assert!(Frame::parse(&bytes.slice(..cut)).is_err(), "a part of a frame is no frame");
    let long = Bytes::from([data, &[0]].concat());
    assert_eq!(Frame::parse(&long), Err(FrameError::Trailing));
});
