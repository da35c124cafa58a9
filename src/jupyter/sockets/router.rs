//! A ROUTER socket: receives from any number of peers and answers each by its identity. Nothing that
//! a peer sends or fails to do ends it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::connections::{Connections, Lobby, Seat, Standing};
use super::endpoint::{Halves, Listener};
use super::outbox::{Outbox, Shared};
use super::tasks::Owned;
use super::zmtp::ZmtpError;
use super::zmtp::admission::{Admission, Place};
use super::zmtp::command::{self, Command};
use super::zmtp::curve::Security;
use super::zmtp::curve::traffic::Sealer;
use super::zmtp::frame::Encoded;
use super::zmtp::handshake::{SocketKind, shake};
use super::zmtp::reader::{Limits, PeerReader, Received};

/// Messages up to this size are taken at any time.
const SMALL_BYTES: usize = 64 * 1024;
/// So many messages that make no sense, or are not signed, and the peer is cut off.
const MAX_SENSELESS: u32 = 256;
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
    pub place: Option<Place>,
}

/// The receiving side; the socket ends when it is dropped.
pub struct Router {
    incoming: mpsc::Receiver<Delivery>,
    peers: Arc<Peers>,
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

/// What a socket takes from its peers, and what it holds for them.
#[derive(Debug, Clone)]
pub struct Terms {
    pub limits: Limits,
    /// What a peer may leave unread before it is cut off, in bytes. A single message may be larger.
    pub unread: usize,
    /// What all of them may leave unread together; past it, who has most is cut off.
    pub unread_by_all: usize,
}

/// The terms of the shell, where files come in comm messages: more than any frontend sends.
pub fn shell_terms() -> Terms {
    let message_bytes = 128 << 20;
    let large = Admission::new(message_bytes + message_bytes / 2);
    Terms {
        limits: Limits { message_bytes, frames: 8192, small_bytes: SMALL_BYTES, large },
        unread: 32 << 20,
        unread_by_all: 64 << 20,
    }
}

/// The terms of control and stdin, where requests are short and a pasted line may be long.
pub fn control_terms() -> Terms {
    let message_bytes = 16 << 20;
    let large = Admission::new(message_bytes + message_bytes / 2);
    Terms {
        limits: Limits { message_bytes, frames: 256, small_bytes: SMALL_BYTES, large },
        unread: 16 << 20,
        unread_by_all: 32 << 20,
    }
}

/// Serves a listener as a ROUTER.
pub fn serve(listener: Listener, terms: Terms, connections: &Connections) -> (Router, RouterSender) {
    let (deliver, incoming) = mpsc::channel(INCOMING);
    let peers = Arc::new(Peers::new(&terms));
    let accepting = Owned::spawn(accept(listener, terms.limits, connections.lobby(), peers.clone(), deliver));
    (Router { incoming, peers: peers.clone(), _accepting: accepting }, RouterSender { peers })
}

impl Router {
    /// The next message; `None` once the socket has ended.
    pub async fn receive(&mut self) -> Option<Delivery> {
        self.incoming.recv().await
    }

    /// Notes that a message of this peer's held: it is a client. The last to have to leave when there are too many.
    pub fn trust(&self, identity: &Bytes) {
        if let Some(peer) = self.peers.lock().get(identity)
            && !peer.trusted.swap(true, Ordering::Relaxed)
        {
            peer.seat.rise(Standing::Known);
        }
    }

    /// Notes that a message of this peer's made no sense or was not signed. Who sends many is cut off.
    pub fn distrust(&self, identity: &Bytes) {
        if let Some(peer) = self.peers.lock().get(identity) {
            peer.seat.fall();
            if peer.senseless.fetch_add(1, Ordering::Relaxed) == MAX_SENSELESS {
                tracing::warn!("a peer sends what cannot be used and was cut off");
                peer.outbox.close();
            }
        }
    }
}

impl RouterSender {
    /// Queues a message for a peer; never waits.
    pub fn send(&self, identity: &Bytes, frames: &[Bytes]) -> Result<(), SendError> {
        let outbox = self.peers.lock().get(identity).map(|peer| peer.outbox.clone()).ok_or(SendError::UnknownPeer)?;
        if outbox.outstanding() > self.peers.unread {
            outbox.close();
            return Err(SendError::CutOff);
        }
        outbox.push(Encoded::message(frames));
        self.peers.relieve(&outbox);
        Ok(())
    }

    /// Waits until everything that was sent has been written to the peers.
    pub async fn flush(&self) {
        self.peers.wait(|peers| peers.values().all(|peer| peer.outbox.outstanding() == 0)).await;
    }

    /// Waits until a peer of this identity is there.
    pub async fn connected(&self, identity: &Bytes) {
        self.peers.wait(|peers| peers.contains_key(identity)).await;
    }
}

/// The peers that have shaken hands, by identity.
struct Peers {
    by_identity: Mutex<HashMap<Bytes, Peer>>,
    shared: Arc<Shared>,
    unread: usize,
    unread_by_all: usize,
}

struct Peer {
    outbox: Arc<Outbox>,
    seat: Arc<Seat>,
    trusted: AtomicBool,
    senseless: AtomicU32,
}

impl Peers {
    fn new(terms: &Terms) -> Self {
        let (unread, unread_by_all) = (terms.unread, terms.unread_by_all);
        Self { by_identity: Mutex::default(), shared: Arc::default(), unread, unread_by_all }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bytes, Peer>> {
        self.by_identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts off who has most unread, if it is too much for all together; not who was sent something just now, to whom
    /// a single large message may go.
    fn relieve(&self, just_now: &Arc<Outbox>) {
        while self.shared.outstanding() > self.unread_by_all {
            let peers = self.lock();
            let others = peers.values().filter(|peer| !Arc::ptr_eq(&peer.outbox, just_now));
            let most = others.max_by_key(|peer| peer.outbox.outstanding());
            let Some(most) = most.filter(|peer| peer.outbox.outstanding() > 0) else { return };
            tracing::warn!("a client does not read what it is sent and was cut off");
            most.outbox.close();
        }
    }

    async fn wait(&self, condition: impl Fn(&HashMap<Bytes, Peer>) -> bool) {
        loop {
            let changed = self.shared.changed.notified();
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
    fn add(&self, identity: &Bytes, seat: &Arc<Seat>) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::new(self.shared.clone()));
        let peer = Peer {
            outbox: outbox.clone(),
            seat: seat.clone(),
            trusted: AtomicBool::new(false),
            senseless: AtomicU32::new(0),
        };
        let old = self.lock().insert(identity.clone(), peer);
        if let Some(old) = old {
            old.outbox.close();
        }
        self.shared.changed.notify_waiters();
        outbox
    }

    fn remove(&self, identity: &Bytes, outbox: &Arc<Outbox>) {
        let mut peers = self.lock();
        if peers.get(identity).is_some_and(|current| Arc::ptr_eq(&current.outbox, outbox)) {
            peers.remove(identity);
        }
        drop(peers);
        outbox.close();
    }
}

async fn accept(listener: Listener, limits: Limits, lobby: Lobby, peers: Arc<Peers>, deliver: mpsc::Sender<Delivery>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted.map(|halves| (halves, lobby.enter())) {
            Ok((_, None)) => tracing::warn!("too many connections; one was refused"),
            Ok((halves, Some(seat))) => {
                let (limits, peers, deliver) = (limits.clone(), peers.clone(), deliver.clone());
                let security = lobby.security();
                connections.spawn(async move {
                    let seat = Arc::new(seat);
                    tokio::select! {
                        () = serve_peer(halves, &security, limits, &peers, &deliver, &seat) => {}
                        () = seat.needed() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                lobby.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A peer's entry; taken out when this is dropped, as it is when the seat is needed.
struct Entered<'p> {
    peers: &'p Peers,
    identity: Bytes,
    outbox: Arc<Outbox>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.peers.remove(&self.identity, &self.outbox);
    }
}

async fn serve_peer(
    halves: Halves,
    security: &Security,
    limits: Limits,
    peers: &Peers,
    deliver: &mpsc::Sender<Delivery>,
    seat: &Arc<Seat>,
) {
    let (read, mut write) = halves;
    let mut reader = PeerReader::new(read, limits);
    let (identity, standing, sealer) = match shake(SocketKind::Router, security, &mut reader, &mut write).await {
        Ok((ready, sealer)) if usable(&ready.identity) => (ready.identity, Standing::Plausible, sealer),
        Ok((_, sealer)) => (own_identity(), Standing::Silent, sealer),
        Err(error) => return tracing::debug!(%error, "a peer was turned away"),
    };
    seat.rise(standing);
    let outbox = peers.add(&identity, seat);
    let entered = Entered { peers, identity, outbox };
    let end = exchange(&mut reader, &mut write, sealer, &entered, deliver).await;
    drop(entered);
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
    sealer: Option<Sealer>,
    Entered { identity, outbox, .. }: &Entered<'_>,
    deliver: &mpsc::Sender<Delivery>,
) -> Result<(), ZmtpError> {
    tokio::select! {
        end = receive(reader, identity, outbox, deliver) => end,
        end = outbox.write_to(writer, sealer) => end,
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
    outbox.answer(Encoded::command(&command::pong(context)))
}

#[cfg(test)]
mod tests;
