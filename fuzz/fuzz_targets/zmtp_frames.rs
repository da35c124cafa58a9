//! What a peer sends below ZeroMQ: greeting, handshake, frames, commands. Read at once and in pieces, with
//! the reading broken off in between, it must come out the same.
#![no_main]

use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use cellblock_fuzz::Input;
use cellblock_fuzz::zmtp::admission::Admission;
use cellblock_fuzz::zmtp::command::{self, Command};
use cellblock_fuzz::zmtp::curve::Security;
use cellblock_fuzz::zmtp::frame::{Encoded, parse_header};
use cellblock_fuzz::zmtp::greeting;
use cellblock_fuzz::zmtp::handshake::{SocketKind, shake};
use cellblock_fuzz::zmtp::reader::{Limits, PeerReader, Received};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::{Builder, Runtime};

/// For the clock behind the time limits; nothing waits for it here.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

const MESSAGE_BYTES: usize = 4096;
const FRAMES: usize = 8;

fuzz_target!(|data: &[u8]| {
    let _guard = RUNTIME.enter();
    let mut input = Input(data);
    let (kind, sizes) = (input.byte(), input.take(8));
    let wire = input.0;
    pure(wire);
    let kind = match kind % 3 {
        0 => None,
        1 => Some(SocketKind::Router),
        _ => Some(SocketKind::Publisher),
    };
    let whole = converse(kind, Pieces::new(wire, &[]));
    let in_pieces = converse(kind, Pieces::new(wire, sizes));
    assert_eq!(whole, in_pieces, "the pieces in which bytes arrive make no difference");
});

/// The parsers that know no socket.
fn pure(wire: &[u8]) {
    if let Some(theirs) = wire.first_chunk::<{ greeting::LENGTH }>()
        && greeting::check(theirs, "NULL").is_ok()
    {
        for end in 0..theirs.len() {
            greeting::check_start(&theirs[..end]).expect("the beginning of a good greeting is good");
        }
    }
    let _ = greeting::check_start(wire);
    if let Ok(Some(header)) = parse_header(wire) {
        assert!(matches!(header.size, 2 | 9) && header.size <= wire.len());
        assert!(!(header.more && header.command));
        assert_eq!(parse_header(&wire[..header.size - 1]).unwrap(), None, "not one byte too few is enough");
        assert_eq!(parse_header(&wire[..header.size]).unwrap(), Some(header));
    }
    if let Ok(Command::Ping(context)) = command::parse(Bytes::copy_from_slice(wire)) {
        assert!(context.len() <= 16);
        assert_eq!(command::parse(command::pong(&context)).unwrap(), Command::Pong);
    }
    let reason = String::from_utf8_lossy(wire);
    assert!(matches!(command::parse(command::error(&reason)), Ok(Command::Error(_))));
}

/// Everything that a peer says, up to the error that ends it.
fn converse(kind: Option<SocketKind>, pieces: Pieces<'_>) -> Vec<String> {
    let limits =
        Limits { message_bytes: MESSAGE_BYTES, frames: FRAMES, small_bytes: 64, large: Admission::new(MESSAGE_BYTES) };
    let mut reader = PeerReader::new(pieces, limits);
    let mut said = Vec::new();
    if let Some(kind) = kind {
        let mut ours = Vec::new();
        let shaken = to_the_end(shake(kind, &Security::Null, &mut reader, &mut ours)).map(|(ready, _)| ready);
        assert!(ours.starts_with(&greeting::ours("NULL")));
        said.push(format!("{shaken:?}"));
        if shaken.is_err() {
            return said;
        }
    }
    loop {
        let next = loop {
            // Broken off and begun anew whenever it has to wait.
            let next = pin!(reader.next());
            if let Poll::Ready(next) = next.poll(&mut Context::from_waker(Waker::noop())) {
                break next;
            }
        };
        match next {
            Ok(received) => said.push(describe(received)),
            Err(error) => {
                said.push(error.to_string());
                return said;
            }
        }
    }
}

fn describe(received: Received) -> String {
    let (frames, large) = match received {
        Received::Command(command) => return format!("{command:?}"),
        Received::Message(frames, place) => (frames, place.is_some()),
    };
    let bytes: usize = frames.iter().map(Bytes::len).sum();
    assert!((1..=FRAMES).contains(&frames.len()) && bytes <= MESSAGE_BYTES);
    assert_eq!(large, bytes > 64, "a large message, and no other, has a place");
    let encoded = Encoded::message(&frames);
    let wire = encoded.chunks().concat();
    assert_eq!(wire.len(), encoded.bytes());
    let mut rest = wire.as_slice();
    for (at, frame) in frames.iter().enumerate() {
        let header = parse_header(rest).unwrap().unwrap();
        assert_eq!((header.more, header.command), (at + 1 < frames.len(), false));
        assert_eq!(&rest[header.size..header.size + frame.len()], frame);
        rest = &rest[header.size + frame.len()..];
    }
    assert!(rest.is_empty());
    format!("{frames:?}")
}

fn to_the_end<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Gives its bytes in pieces of these sizes, over and over; 0: not now.
struct Pieces<'a> {
    wire: &'a [u8],
    sizes: &'a [u8],
    turn: usize,
}

impl<'a> Pieces<'a> {
    /// Without sizes, or with nothing but zeros, all at once.
    fn new(wire: &'a [u8], sizes: &'a [u8]) -> Self {
        let sizes = if sizes.iter().all(|size| *size == 0) { &[] } else { sizes };
        Self { wire, sizes, turn: 0 }
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let size = match self.sizes {
            [] => usize::MAX,
            sizes => usize::from(sizes[self.turn % sizes.len()]),
        };
        self.turn += 1;
        if size == 0 {
            return Poll::Pending;
        }
        let (now, rest) = self.wire.split_at(size.min(buffer.remaining()).min(self.wire.len()));
        buffer.put_slice(now);
        self.wire = rest;
        Poll::Ready(Ok(()))
    }
}
