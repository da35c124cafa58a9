//! The handshake of an encrypted connection, and the frames after it, from a client that knows the server's key and does what it
//! likes.
//!
//! The input: what is done, where and how something is changed, and the bytes that are sent or said.
#![no_main]

use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use cellblock_fuzz::Input;
use cellblock_fuzz::zmtp::admission::Admission;
use cellblock_fuzz::zmtp::curve::client::{Client, server_keys};
use cellblock_fuzz::zmtp::curve::traffic::{Opener, Sealer};
use cellblock_fuzz::zmtp::curve::{Security, ServerKeys, handshake};
use cellblock_fuzz::zmtp::frame::Encoded;
use cellblock_fuzz::zmtp::handshake::{SocketKind, shake};
use cellblock_fuzz::zmtp::reader::{Limits, PeerReader};
use cellblock_fuzz::zmtp::{command, greeting};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

/// For the clock behind the time limits; nothing waits for it here.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());
static KEYS: LazyLock<Arc<ServerKeys>> = LazyLock::new(|| Arc::new(server_keys(7)));

/// Of HELLO: the minor version, and padding.
const MEANINGLESS: std::ops::Range<usize> = 7..80;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (kind, at, by) = (input.byte(), input.number(), input.byte());
    let said = input.0;
    let client = Client::new(&KEYS);
    match kind % 6 {
        0 => {
            let _ = handshake::hello(&KEYS, said);
            let _ = handshake::hello(&KEYS, &[b"\x05HELLO\x01\0".as_slice(), said].concat());
        }
        1 => {
            let hello = client.hello();
            let changed = changed(&hello, at, by, said);
            let same = changed.len() == hello.len()
                && changed.iter().zip(&hello).enumerate().all(|(at, (one, other))| one == other || MEANINGLESS.contains(&at));
            assert_eq!(handshake::hello(&KEYS, &changed).is_ok(), same);
        }
        2 => {
            let (welcomed, welcome) = handshake::hello(&KEYS, &client.hello()).unwrap();
            let (initiate, ..) = client.initiate(&welcome, said);
            let changed = changed(&initiate, at, by, said);
            assert_eq!(welcomed.initiate(&changed).is_ok(), changed == initiate);
        }
        3 => {
            let (mut server, mut sealer, mut opener) = shaken(&client, said);
            assert_eq!(server.metadata, said);
            let _ = command::metadata(server.metadata.clone());
            let frames: Vec<Bytes> = said.chunks(at.max(1)).map(Bytes::copy_from_slice).collect();
            if !frames.is_empty() {
                assert_eq!(through(&mut sealer, &mut server.opener, &frames), frames);
                assert_eq!(through(&mut server.sealer, &mut opener, &frames), frames);
            }
        }
        4 => {
            let (mut server, mut sealer, _) = shaken(&client, b"");
            let sealed = sealer.message(&Encoded::message(&[Bytes::copy_from_slice(said)])).unwrap();
            let frame = sealed.frames().remove(0).1;
            let changed = Bytes::from(changed(&frame, at, by, said));
            assert_eq!(server.opener.open(changed.clone()).is_ok(), changed == frame);
            assert!(server.opener.open(Bytes::copy_from_slice(said)).is_err());
        }
        _ => {
            let _guard = RUNTIME.enter();
            let mut wire = greeting::ours("CURVE").to_vec();
            wire.extend(Encoded::command(&client.hello()).chunks().concat());
            wire.extend_from_slice(said);
            let limits = Limits { message_bytes: 4096, frames: 8, small_bytes: 64, large: Admission::new(4096) };
            let mut reader = PeerReader::new(wire.as_slice(), limits);
            let mut ours = Vec::new();
            let security = Security::Curve(KEYS.clone());
            let mut shaking = pin!(shake(SocketKind::Router, &security, &mut reader, &mut ours));
            let shaken = loop {
                if let Poll::Ready(shaken) = shaking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    break shaken;
                }
            };
            assert!(shaken.is_err(), "nobody can guess the cookie");
        }
    }
});

/// One byte changed, or the rest left out, or the end another one.
fn changed(body: &[u8], at: usize, by: u8, said: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    let at = at % body.len();
    match by % 3 {
        0 => body[at] ^= by,
        1 => body.truncate(at),
        _ => {
            body.truncate(at);
            body.extend_from_slice(said);
        }
    }
    body
}

fn shaken(client: &Client, metadata: &[u8]) -> (handshake::Initiated, Sealer, Opener) {
    let (welcomed, welcome) = handshake::hello(&KEYS, &client.hello()).unwrap();
    let (initiate, sealer, opener) = client.initiate(&welcome, metadata);
    (welcomed.initiate(&initiate).unwrap(), sealer, opener)
}

fn through(sealer: &mut Sealer, opener: &mut Opener, frames: &[Bytes]) -> Vec<Bytes> {
    let sealed = sealer.message(&Encoded::message(frames)).unwrap();
    let opened = sealed.frames().into_iter().map(|(_, body)| opener.open(body).unwrap());
    opened.map(|opened| opened.body).collect()
}
