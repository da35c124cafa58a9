//! The door's frames, which the guest writes.
#![no_main]

use bytes::Bytes;
use cellblock_fuzz::allocated;
use cellblock_fuzz::door::{Frame, FrameError, MAX_BUFFERS};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static ALLOCATOR: allocated::Counting = allocated::Counting;

/// What the structure of a frame may take here; a frame of a few kilobytes can cost more.
const ROOM: usize = 16 << 10;
/// What else may be taken: the parser's own, and the words of an error.
const BESIDES: usize = 16 << 10;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    let (frame, most) = allocated::most(|| Frame::parse(&bytes, ROOM));
    // Escapes are undone in a buffer of their own, and keys are read before they are paid for.
    let limit = ROOM + 4 * data.len() + BESIDES;
    assert!(most <= limit, "{most} bytes were allocated for {} of input, more than {limit}", data.len());
    let Ok(frame) = frame else { return };
    let _ = frame.op();
    assert!(frame.buffers.len() <= MAX_BUFFERS);
    let within = bytes.as_ptr_range();
    for buffer in frame.buffers.iter().filter(|buffer| !buffer.is_empty()) {
        let range = buffer.as_ptr_range();
        assert!(within.start <= range.start && range.end <= within.end, "a buffer is a part of what came, not a copy");
    }
    assert_eq!(Frame::parse_in_place(&bytes, ROOM, &mut 0).as_ref(), Ok(&frame), "the same, with buffers of its own");

    // Written, a number may be longer than it came, and its frame costs as much.
    let written = Bytes::from(frame.to_bytes());
    assert_eq!(Frame::parse(&written, 2 * ROOM).as_ref(), Ok(&frame), "what is written is read back");
    assert_eq!(Frame::parse(&written, 2 * ROOM).unwrap().to_bytes(), written);

    let cut = usize::from(data[0]) % data.len();
    assert!(Frame::parse(&bytes.slice(..cut), ROOM).is_err(), "a part of a frame is no frame");
    let long = Bytes::from([data, &[0]].concat());
    assert_eq!(Frame::parse(&long, ROOM), Err(FrameError::Trailing));
});
