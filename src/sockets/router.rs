//! A ROUTER socket: receives from any number of peers and answers each by its identity. Nothing that
//! a peer sends or fails to do ends it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::endpoint::{Halves, Listener};
use super::outbox::Outbox;
use super::tasks::Owned;
use super::zmtp::ZmtpError;
use super::zmtp::command::{self, Command};
use super::zmtp::frame::Encoded;
use super::zmtp::handshake::{SocketKind, shake};
use super::zmtp::reader::{Limits, PeerReader, Received};

/// What a peer may leave unread before it is cut off.
const MAX_UNREAD_BYTES: usize = 256 * 1024 * 1024;
/// Connections at a time; a client has one.
pub(super) const MAX_PEERS: usize = 512;
/// Messages up to this size are taken at any time.
const SMALL_BYTES: usize = 256 * 1024;
/// Messages between a connection and whoever reads the socket.
const INCOMING: usize = 64;
/// How long to wait when the process is out of descriptors.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A message that a peer sent.
#[derive(Debug)]
pub struct Delivery {
    /// Answers go here.
    pub identity: Bytes,
    pub frames: Vec<Bytes>,
    /// A large message's place; given back when dropped, so keep it until the message has been served.
    pub place: Option<OwnedSemaphorePermit>,
}

/// The receiving side; the socket ends when it is dropped.
pub struct Router {
    incoming: mpsc::Receiver<Delivery>,
    _accepting: Owned,
}

/// The sending side.
#[derive(Clone)]
pub struct RouterSender {
    peers: Arc<Peers>,
}

/// Why an answer cannot be sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    #[error("no peer of this identity is connected")]
    UnknownPeer,
    #[error("the peer does not read what it is sent and was cut off")]
    CutOff,
}

/// The limits for the shell, where files come in comm messages: more than any frontend sends, and at
/// most four such messages in memory.
pub fn shell_limits() -> Limits {
    Limits {
        message_bytes: 128 * 1024 * 1024,
        frames: 8192,
        small_bytes: SMALL_BYTES,
        large: Arc::new(Semaphore::new(4)),
    }
}

/// The limits for control and stdin, where requests are short and a pasted line may be long.
pub fn control_limits() -> Limits {
    Limits {
        message_bytes: 16 * 1024 * 1024,
        frames: 256,
        small_bytes: SMALL_BYTES,
        large: Arc::new(Semaphore::new(4)),
    }
}

/// Serves a listener as a ROUTER.
pub fn serve(listener: Listener, limits: Limits) -> (Router, RouterSender) {
    let (deliver, incoming) = mpsc::channel(INCOMING);
    let peers = Arc::new(Peers::default());
    let accepting = Owned::spawn(accept(listener, limits, peers.clone(), deliver));
    (Router { incoming, _accepting: accepting }, RouterSender { peers })
}

impl Router {
    /// The next message; `None` once the socket has ended.
    pub async fn receive(&mut self) -> Option<Delivery> {
        self.incoming.recv().await
    }
}

impl RouterSender {
    /// Queues a message for a peer; never waits.
    pub fn send(&self, identity: &Bytes, frames: &[Bytes]) -> Result<(), SendError> {
        let outbox = self.peers.lock().get(identity).cloned().ok_or(SendError::UnknownPeer)?;
        if outbox.outstanding() > MAX_UNREAD_BYTES {
            outbox.close();
            return Err(SendError::CutOff);
        }
        outbox.push(Encoded::message(frames));
        Ok(())
    }

    /// Waits until everything that was sent has been written to the peers.
    pub async fn flush(&self) {
        self.peers.wait(|peers| peers.values().all(|outbox| outbox.outstanding() == 0)).await;
    }

    /// Waits until a peer of this identity is there.
    pub async fn connected(&self, identity: &Bytes) {
        self.peers.wait(|peers| peers.contains_key(identity)).await;
    }
}

/// The peers that have shaken hands, by identity.
#[derive(Default)]
struct Peers {
    by_identity: Mutex<HashMap<Bytes, Arc<Outbox>>>,
    changed: Arc<Notify>,
}

impl Peers {
    fn lock(&self) -> MutexGuard<'_, HashMap<Bytes, Arc<Outbox>>> {
        self.by_identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self, condition: impl Fn(&HashMap<Bytes, Arc<Outbox>>) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening before looking: a change in between is not missed.
            changed.as_mut().enable();
            if condition(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// A client that reconnects under its identity takes the place of its old connection.
    fn add(&self, identity: &Bytes) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::new(self.changed.clone()));
        if let Some(old) = self.lock().insert(identity.clone(), outbox.clone()) {
            old.close();
        }
        self.changed.notify_waiters();
        outbox
    }

    fn remove(&self, identity: &Bytes, outbox: &Arc<Outbox>) {
        let mut peers = self.lock();
        if peers.get(identity).is_some_and(|current| Arc::ptr_eq(current, outbox)) {
            peers.remove(identity);
        }
        drop(peers);
        outbox.close();
    }
}

async fn accept(listener: Listener, limits: Limits, peers: Arc<Peers>, deliver: mpsc::Sender<Delivery>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok(_) if connections.len() >= MAX_PEERS => {
                tracing::warn!("too many connections; one was refused")
            }
            Ok(halves) => {
                connections.spawn(serve_peer(halves, limits.clone(), peers.clone(), deliver.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_peer(halves: Halves, limits: Limits, peers: Arc<Peers>, deliver: mpsc::Sender<Delivery>) {
    let (read, mut write) = halves;
    let mut reader = PeerReader::new(read, limits);
    let identity = match shake(SocketKind::Router, &mut reader, &mut write).await {
        Ok(ready) if usable(&ready.identity) => ready.identity,
        Ok(_) => own_identity(),
        Err(error) => return tracing::debug!(%error, "a peer was turned away"),
    };
    let outbox = peers.add(&identity);
    let end = exchange(&mut reader, &mut write, &identity, &outbox, &deliver).await;
    peers.remove(&identity, &outbox);
    match end {
        Ok(()) | Err(ZmtpError::Closed | ZmtpError::Io(_)) => tracing::debug!("a peer has gone"),
        Err(error) => tracing::warn!(%error, "a peer was cut off"),
    }
}

/// Identities that begin with a zero byte are ours to give.
fn usable(identity: &Bytes) -> bool {
    identity.first().is_some_and(|first| *first != 0)
}

/// Never the same on two sockets, so that a prompt for one client cannot reach another.
fn own_identity() -> Bytes {
    let mut identity = vec![0];
    identity.extend(uuid::Uuid::new_v4().as_bytes());
    identity.into()
}

async fn exchange<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    reader: &mut PeerReader<R>,
    writer: &mut W,
    identity: &Bytes,
    outbox: &Outbox,
    deliver: &mpsc::Sender<Delivery>,
) -> Result<(), ZmtpError> {
    tokio::select! {
        end = receive(reader, identity, outbox, deliver) => end,
        end = outbox.write_to(writer) => Ok(end?),
    }
}

async fn receive<R: AsyncRead + Unpin>(
    reader: &mut PeerReader<R>,
    identity: &Bytes,
    outbox: &Outbox,
    deliver: &mpsc::Sender<Delivery>,
) -> Result<(), ZmtpError> {
    loop {
        match reader.next().await? {
            Received::Message(frames, place) => {
                let delivery = Delivery { identity: identity.clone(), frames, place };
                if deliver.send(delivery).await.is_err() {
                    return Ok(());
                }
            }
            Received::Command(Command::Ping(context)) => answer_ping(outbox, &context)?,
            Received::Command(Command::Error(reason)) => return Err(ZmtpError::SocketType(reason)),
            Received::Command(_) => {}
        }
    }
}

/// A peer that pings without reading the answers is cut off.
pub(super) fn answer_ping(outbox: &Outbox, context: &[u8]) -> Result<(), ZmtpError> {
    if outbox.outstanding() > MAX_UNREAD_BYTES {
        return Err(ZmtpError::TimedOut);
    }
    outbox.push(Encoded::command(&command::pong(context)));
    Ok(())
}
