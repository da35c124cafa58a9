//! The router against raw connections, so that a peer can do what no library would.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::jupyter::sockets::Endpoint;
use crate::jupyter::sockets::zmtp::greeting;

const PATIENCE: Duration = Duration::from_secs(60);

async fn router(terms: Terms) -> (Router, RouterSender, u16) {
    let listener = Listener::bind(&Endpoint::Tcp { ip: "127.0.0.1".into(), port: 0 }).await.unwrap();
    let port = listener.port();
    let (router, sender) = serve(listener, terms, &Connections::of_this_process(Security::Null));
    (router, sender, port)
}

fn terms(unread: usize, unread_by_all: usize) -> Terms {
    let limits = Limits { message_bytes: 4 << 20, frames: 8, small_bytes: 1024, large: Admission::new(24 << 20) };
    Terms { limits, unread, unread_by_all }
}

async fn connect(port: u16) -> TcpStream {
    let mut peer = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    peer.write_all(&greeting::ours("NULL")).await.unwrap();
    peer.write_all(&Encoded::command(b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER").chunks().concat()).await.unwrap();
    peer
}

async fn say(peer: &mut TcpStream, bytes: usize) {
    let message = Encoded::message(&[vec![b'x'; bytes].into()]);
    peer.write_all(&message.chunks().concat()).await.unwrap();
}

/// Whether the connection is closed by the other side, however much there is to be read before.
async fn is_closed(peer: &mut TcpStream) -> bool {
    let mut buffer = vec![0; 1 << 16];
    let closed = async { while matches!(peer.read(&mut buffer).await, Ok(1..)) {} };
    timeout(PATIENCE, closed).await.is_ok()
}

#[tokio::test]
async fn peers_that_stop_in_a_large_message_give_way_to_one_that_sends_it() {
    let (mut router, _sender, port) = router(terms(1 << 20, 1 << 20)).await;
    let mut stalled = Vec::new();
    for _ in 0..12 {
        let mut peer = connect(port).await;
        let message = Encoded::message(&[vec![0; 3 << 20].into()]).chunks().concat();
        // The last byte never comes. Those for whom there is no room any more are cut off while they still send.
        let _ = timeout(PATIENCE, peer.write_all(&message[..message.len() - 1])).await;
        stalled.push(peer);
    }
    for _ in 0..3 {
        let mut honest = connect(port).await;
        let sending = tokio::spawn(async move {
            say(&mut honest, 3 << 20).await;
            honest
        });
        let delivery = timeout(PATIENCE, router.receive()).await.unwrap().unwrap();
        assert_eq!(delivery.frames[0].len(), 3 << 20);
        assert!(delivery.place.is_some());
        drop((delivery, sending.await.unwrap()));
    }
}

#[tokio::test]
async fn a_peer_has_one_place_for_a_large_message_at_a_time() {
    let (mut router, _sender, port) = router(terms(1 << 20, 1 << 20)).await;
    let mut peer = connect(port).await;
    let sending = tokio::spawn(async move {
        for _ in 0..3 {
            say(&mut peer, 100_000).await;
        }
        peer
    });
    for _ in 0..3 {
        let delivery = timeout(PATIENCE, router.receive()).await.unwrap().unwrap();
        assert!(router.incoming.is_empty(), "the next one waits until this one has been served");
        drop(delivery);
    }
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn who_leaves_too_much_unread_is_cut_off_and_so_is_the_slowest_of_many() {
    let (mut router, sender, port) = router(terms(40 << 20, 60 << 20)).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        let mut peer = connect(port).await;
        say(&mut peer, 1).await;
        let identity = timeout(PATIENCE, router.receive()).await.unwrap().unwrap().identity;
        peers.push((peer, identity));
    }
    let message = |mebibytes: usize| [Bytes::from(vec![0; mebibytes << 20])];
    sender.send(&peers[0].1, &message(20)).unwrap();
    sender.send(&peers[1].1, &message(32)).unwrap();
    // Past what all may have: the one with most of it goes, not the one that is being answered.
    sender.send(&peers[2].1, &message(38)).unwrap();
    assert!(router.peers.shared.outstanding() <= 60 << 20);
    assert!(is_closed(&mut peers[1].0).await);
    // Past what each may have.
    sender.send(&peers[2].1, &message(8)).unwrap();
    assert_eq!(sender.send(&peers[2].1, &message(1)), Err(SendError::CutOff));
    assert!(is_closed(&mut peers[2].0).await);
}

#[tokio::test]
async fn who_sends_nothing_that_can_be_used_is_cut_off() {
    let (mut router, _sender, port) = router(terms(1 << 20, 1 << 20)).await;
    let mut peer = connect(port).await;
    for _ in 0..=MAX_SENSELESS {
        say(&mut peer, 1).await;
        let delivery = timeout(PATIENCE, router.receive()).await.unwrap().unwrap();
        router.distrust(&delivery.identity);
    }
    assert!(is_closed(&mut peer).await);
}
