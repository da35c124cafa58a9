use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::ZmtpError;
use super::super::admission::Admission;
use super::super::command::Command;
use super::super::frame::Encoded;
use super::super::reader::{Limits, PeerReader, Received};
use super::client::{Client, read_ready, server_keys};
use super::handshake::{self, Initiated};
use super::traffic::{Opener, Sealer};
use super::{KeysError, ServerKeys};

/// Both sides after a handshake: the server's, then the client's.
fn shaken() -> (Initiated, Sealer, Opener) {
    let keys = Arc::new(server_keys(7));
    let client = Client::new(&keys);
    let (welcomed, welcome) = handshake::hello(&keys, &client.hello()).unwrap();
    let (initiate, sealer, opener) = client.initiate(&welcome, b"about me");
    (welcomed.initiate(&initiate).unwrap(), sealer, opener)
}

/// The frames' bodies of a message on the wire.
fn bodies(message: &Encoded) -> Vec<Bytes> {
    message.frames().into_iter().map(|(_, body)| body).collect()
}

#[test]
fn both_sides_understand_each_other_after_a_handshake() {
    let keys = Arc::new(server_keys(7));
    let client = Client::new(&keys);
    let (welcomed, welcome) = handshake::hello(&keys, &client.hello()).unwrap();
    assert_eq!((client.hello().len(), welcome.len()), (200, 168), "RFC 26, HELLO and WELCOME");
    let (initiate, mut sealer, mut opener) = client.initiate(&welcome, b"about me");
    assert_eq!(initiate.len(), 257 + b"about me".len(), "RFC 26, INITIATE");
    let mut server = welcomed.initiate(&initiate).unwrap();
    assert_eq!(server.metadata, "about me");
    let ready = server.sealer.ready(b"about us").unwrap();
    assert_eq!(read_ready(&client, &welcome, &ready), "about us");

    let frames = [Bytes::from(vec![1; 10]), Bytes::from(vec![2; 20_000]), Bytes::new()];
    let message = Encoded::message(&frames);
    for (seal, open) in [(&mut sealer, &mut server.opener), (&mut server.sealer, &mut opener)] {
        let sealed = seal.message(&message).unwrap();
        let opened: Vec<_> = bodies(&sealed).into_iter().map(|body| open.open(body).unwrap()).collect();
        assert!(opened.iter().map(|one| &one.body).eq(&frames));
        assert_eq!(opened.iter().map(|one| one.more).collect::<Vec<_>>(), [true, true, false]);
        let ping = seal.message(&Encoded::command(b"\x04PING\0\0")).unwrap();
        assert!(open.open(bodies(&ping).remove(0)).unwrap().command);
    }
}

#[test]
fn what_was_changed_repeated_or_made_for_another_is_refused() {
    let keys = Arc::new(server_keys(7));
    let client = Client::new(&keys);
    assert!(handshake::hello(&Arc::new(server_keys(8)), &client.hello()).is_err(), "another server's");
    let (_, welcome) = handshake::hello(&keys, &client.hello()).unwrap();
    let (initiate, ..) = client.initiate(&welcome, b"");
    let (again, _) = handshake::hello(&keys, &client.hello()).unwrap();
    assert!(again.initiate(&initiate).is_err(), "another connection's");

    let (mut server, mut sealer, _) = shaken();
    let first = bodies(&sealer.message(&Encoded::message(&["one".into()])).unwrap()).remove(0);
    let second = bodies(&sealer.message(&Encoded::message(&["two".into()])).unwrap()).remove(0);
    assert_eq!(server.opener.open(second.clone()).unwrap().body, "two");
    assert!(server.opener.open(second).is_err(), "a second time");
    assert!(server.opener.open(first).is_err(), "one that was before it");
    assert!(server.opener.open(Bytes::from_static(b"not encrypted")).is_err());
}

#[tokio::test]
async fn what_is_in_a_box_counts_whatever_the_frame_says_that_it_is() {
    let (server, mut sealer, _) = shaken();
    let limits = || Limits { message_bytes: 100_000, frames: 4, small_bytes: 1000, large: Admission::new(50_000) };
    let part = Encoded::message(&[vec![1; 100].into(), Bytes::new()]);
    let mut wire = Vec::new();
    for _ in 0..6 {
        // The first of two frames, said to be a command.
        let sealed = sealer.message(&part).unwrap();
        wire.extend(Encoded::command(&sealed.frames()[0].1).chunks().concat());
    }
    let mut reader = PeerReader::new(wire.as_slice(), limits());
    reader.decrypt_by(server.opener);
    assert!(matches!(reader.next().await, Err(ZmtpError::TooManyFrames(4))));

    let (server, mut sealer, _) = shaken();
    let ping = sealer.message(&Encoded::command(b"\x04PING\0\0abc")).unwrap();
    let whole = sealer.message(&Encoded::message(&[vec![7; 60_000].into()])).unwrap();
    let long = sealer.message(&Encoded::message(&[vec![7; 100_001].into()])).unwrap();
    let wire: Vec<u8> = [ping, whole, long].iter().flat_map(|message| message.chunks().concat()).collect();
    let mut reader = PeerReader::new(wire.as_slice(), limits());
    reader.decrypt_by(server.opener);
    assert!(matches!(reader.next().await.unwrap(), Received::Command(Command::Ping(context)) if context == "abc"));
    assert!(matches!(reader.next().await.unwrap(), Received::Message(frames, Some(_)) if frames[0].len() == 60_000));
    assert!(matches!(reader.next().await, Err(ZmtpError::TooLarge(..))));
}

#[test]
fn keys_are_read_as_connection_files_have_them() {
    // RFC 32's test vector is eight bytes; these are a pair of libzmq's, from its own documentation of zmq_curve.
    let (public, secret) = ("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6");
    assert!(ServerKeys::from_z85(public, secret).is_ok());
    assert!(matches!(ServerKeys::from_z85(secret, public), Err(KeysError::NotAPair)));
    for bad in ["", "x", &public[..39], &"\u{e4}".repeat(20), &" ".repeat(40), &format!("{public}12345")] {
        assert!(matches!(ServerKeys::from_z85(bad, secret), Err(KeysError::NotAKey("curve_publickey"))), "{bad}");
        assert!(matches!(ServerKeys::from_z85(public, bad), Err(KeysError::NotAKey("curve_secretkey"))), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_changed_byte_anywhere_is_found(at in 0..3000_usize, by in 1..=255_u8, cut in any::<bool>()) {
        let keys = Arc::new(server_keys(7));
        let client = Client::new(&keys);
        let changed = |body: &Bytes, meaningless: std::ops::Range<usize>| {
            let mut body = body.to_vec();
            let at = at % body.len();
            if cut {
                body.truncate(at);
            } else if meaningless.contains(&at) {
                // Padding, and the minor version.
                return None;
            } else {
                body[at] ^= by;
            }
            Some(body)
        };
        if let Some(hello) = changed(&client.hello(), 7..80) {
            prop_assert!(handshake::hello(&keys, &hello).is_err());
        }
        let (welcomed, welcome) = handshake::hello(&keys, &client.hello()).unwrap();
        let (initiate, ..) = client.initiate(&welcome, b"about me");
        prop_assert!(welcomed.initiate(&changed(&initiate, 0..0).unwrap()).is_err());
        let (mut server, mut sealer, _) = shaken();
        let frame = bodies(&sealer.message(&Encoded::message(&[vec![5; 2000].into()])).unwrap()).remove(0);
        prop_assert!(server.opener.open(changed(&frame, 0..0).unwrap().into()).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let keys = Arc::new(server_keys(7));
        let _ = handshake::hello(&keys, &body);
        let _ = handshake::hello(&keys, &[b"\x05HELLO\x01\0".as_slice(), &body].concat());
        let client = Client::new(&keys);
        let (welcomed, _) = handshake::hello(&keys, &client.hello()).unwrap();
        let _ = welcomed.initiate(&[b"\x08INITIATE".as_slice(), &body].concat());
        let _ = shaken().0.opener.open(body.clone().into());
        let _ = shaken().0.opener.open([b"\x07MESSAGE".as_slice(), &body].concat().into());
    }
}
