//! The publisher against raw connections, so that a subscriber can do what no library would.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, timeout};

use super::*;
use crate::jupyter::sockets::Endpoint;
use crate::jupyter::sockets::zmtp::greeting;

const PATIENCE: Duration = Duration::from_secs(20);

async fn publisher() -> (Publisher, u16) {
    let listener = Listener::bind(&Endpoint::Tcp { ip: "127.0.0.1".into(), port: 0 }).await.unwrap();
    let port = listener.port();
    let welcome = |topic: &[u8]| vec![vec![Bytes::copy_from_slice(topic), Bytes::from_static(b"welcome")]];
    (serve(listener, Box::new(welcome), &Connections::of_this_process(Security::Null)), port)
}

/// How a subscriber says what it wants.
#[derive(Clone, Copy)]
enum Form {
    Message,
    Command,
}

struct Client {
    reader: PeerReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Client {
    async fn connect(port: u16) -> Self {
        let (read, mut writer) = TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
        let limits = Limits { message_bytes: 1 << 30, frames: 100, small_bytes: 1 << 30, large: Admission::new(0) };
        let mut reader = PeerReader::new(read, limits);
        writer.write_all(&greeting::ours("NULL")).await.unwrap();
        writer.write_all(&Encoded::command(b"\x05READY\x0bSocket-Type\0\0\0\x03SUB").chunks().concat()).await.unwrap();
        reader.exactly::<{ greeting::LENGTH }>(greeting::check_start).await.unwrap();
        assert!(
            matches!(reader.next().await.unwrap(), Received::Command(Command::Ready(ready)) if ready.socket_type == "XPUB")
        );
        Self { reader, writer }
    }

    async fn subscribe(&mut self, topic: &[u8], form: Form) {
        let wire = match form {
            Form::Message => Encoded::message(&[[b"\x01", topic].concat().into()]),
            Form::Command => Encoded::command(&[b"\x09SUBSCRIBE", topic].concat()),
        };
        self.writer.write_all(&wire.chunks().concat()).await.unwrap();
        assert_eq!(self.receive().await, [Bytes::copy_from_slice(topic), Bytes::from_static(b"welcome")]);
    }

    async fn receive(&mut self) -> Vec<Bytes> {
        match timeout(PATIENCE, self.reader.next()).await.unwrap().unwrap() {
            Received::Message(frames, _) => frames,
            Received::Command(command) => panic!("{command:?}"),
        }
    }
}

fn message(topic: &'static str, bytes: usize) -> Vec<Bytes> {
    vec![Bytes::from_static(topic.as_bytes()), vec![0; bytes].into()]
}

#[tokio::test]
async fn every_subscriber_is_welcomed_and_gets_what_it_asked_for() {
    let (publisher, port) = publisher().await;
    for form in [Form::Message, Form::Command] {
        let (mut all, mut some) = (Client::connect(port).await, Client::connect(port).await);
        all.subscribe(b"", form).await;
        some.subscribe(b"stream", form).await;
        publisher.publish(message("status", 1)).await;
        publisher.publish(message("stream.stdout", 300)).await;
        assert_eq!(all.receive().await, message("status", 1));
        assert_eq!(all.receive().await, message("stream.stdout", 300));
        assert_eq!(some.receive().await, message("stream.stdout", 300));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_subscriber_delays_nobody_and_is_cut_off() {
    let (publisher, port) = publisher().await;
    let mut stopped = Client::connect(port).await;
    stopped.subscribe(b"", Form::Message).await;
    let mut reading = Client::connect(port).await;
    reading.subscribe(b"", Form::Message).await;
    let count = 1600;
    let publishing = tokio::spawn(async move {
        for _ in 0..count {
            publisher.publish(message("stream", 65_000)).await;
        }
        publisher
    });
    let mut longest = Duration::ZERO;
    for _ in 0..count {
        let before = Instant::now();
        assert_eq!(reading.receive().await.len(), 2);
        longest = longest.max(before.elapsed());
    }
    let publisher = publishing.await.unwrap();
    // Generous, for a machine that does other things as well; measured apart with real clients.
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    let (mut left, mut buffer) = (0, vec![0; 1 << 16]);
    let mut raw = stopped.reader.into_inner();
    while let Ok(count @ 1..) = timeout(PATIENCE, raw.read(&mut buffer)).await.expect("the connection must be closed") {
        left += count;
    }
    assert!(left < 60 << 20, "{left} bytes came although the subscriber had been cut off");
    assert_eq!(publisher.audience.lock().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_slow_subscriber_is_waited_for_and_gets_everything() {
    let (publisher, port) = publisher().await;
    let mut only = Client::connect(port).await;
    only.subscribe(b"", Form::Message).await;
    let publishing = tokio::spawn(async move {
        for _ in 0..1600 {
            publisher.publish(message("stream", 65_000)).await;
        }
        publisher.flush().await;
        publisher
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!publishing.is_finished(), "100 MB were taken while nobody read");
    for _ in 0..1600 {
        only.receive().await;
    }
    timeout(PATIENCE, publishing).await.unwrap().unwrap();
}

#[tokio::test]
async fn without_subscribers_nothing_waits() {
    let (publisher, port) = publisher().await;
    for _ in 0..1000 {
        publisher.publish(message("stream", 65_000)).await;
    }
    publisher.settle().await;
    publisher.flush().await;
    // One that has not subscribed counts as none.
    let _silent = Client::connect(port).await;
    for _ in 0..1000 {
        publisher.publish(message("stream", 65_000)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_vanishes_releases_whoever_waits_for_it() {
    let (publisher, port) = publisher().await;
    let mut only = Client::connect(port).await;
    only.subscribe(b"", Form::Message).await;
    let publishing = tokio::spawn(async move {
        for _ in 0..1600 {
            publisher.publish(message("stream", 65_000)).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(only);
    timeout(PATIENCE, publishing).await.unwrap().unwrap();
}
