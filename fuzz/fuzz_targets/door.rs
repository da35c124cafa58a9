//! The door's frames, which the guest writes as it likes: refused, or read and written back to the same.
#![no_main]

use bytes::Bytes;
use cellblock::sandbox::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(frame) = Frame::parse(&Bytes::copy_from_slice(data)) else { return };
    let _ = frame.op();
    let again = Frame::parse(&frame.to_bytes().into()).expect("what was written can be read");
    assert_eq!((again.json, again.buffers), (frame.json, frame.buffers));
});
