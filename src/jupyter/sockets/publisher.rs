//! The publishing socket. Messages are shared between subscribers, each has a bounded queue of its own,
//! and publishing waits for the fastest of them only: one that has stopped delays nobody, and is cut
//! off when its queue is full.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::task::JoinSet;

use super::connections::{Connections, Lobby, Seat, Standing};
use super::endpoint::{Halves, Listener};
use super::outbox::{Outbox, Shared};
use super::router::{ACCEPT_PAUSE, answer_ping};
use super::subscriptions::{Change, Subscriptions};
use super::tasks::Owned;
use super::zmtp::ZmtpError;
use super::zmtp::admission::Admission;
use super::zmtp::command::Command;
use super::zmtp::curve::Security;
use super::zmtp::frame::Encoded;
use super::zmtp::handshake::{SocketKind, shake};
use super::zmtp::reader::{Limits, PeerReader, Received};

/// What the fastest subscriber may have outstanding before publishing waits for it.
const FASTEST_BYTES: usize = 16 * 1024 * 1024;
/// What any other may have outstanding before it is cut off.
const LAGGING_BYTES: usize = 48 * 1024 * 1024;

/// Makes the messages that greet a new subscription to a topic.
pub type Welcome = Box<dyn Fn(&[u8]) -> Vec<Vec<Bytes>> + Send + Sync>;

/// Publishes to all subscribers; cheap to clone. The socket ends with the last clone.
#[derive(Clone)]
pub struct Publisher {
    audience: Arc<Audience>,
    _accepting: Arc<Owned>,
}

/// Serves a listener as a publisher.
pub fn serve(listener: Listener, welcome: Welcome, connections: &Connections) -> Publisher {
    let audience = Arc::new(Audience { subscribers: Mutex::default(), shared: Arc::default(), welcome });
    let accepting = Arc::new(Owned::spawn(accept(listener, connections.lobby(), audience.clone())));
    Publisher { audience, _accepting: accepting }
}

impl Publisher {
    /// Queues a message, whose first frame is its topic, for all who want it. Waits while even the
    /// fastest of them has too much outstanding. Without subscribers the message is dropped. One caller's
    /// messages stay in order.
    pub async fn publish(&self, frames: Vec<Bytes>) {
        let message = Encoded::message(&frames);
        let topic = frames.into_iter().next().unwrap_or_default();
        self.audience
            .wait(|subscribers| {
                let room = has_room(subscribers, &topic, message.bytes());
                if room {
                    deliver(subscribers, &topic, &message);
                }
                room
            })
            .await;
    }

    /// Queues a message without ever waiting: for the few small ones that must not be held up by a
    /// client that does not read.
    pub fn publish_at_once(&self, frames: &[Bytes]) {
        let topic = frames.first().map_or(&[][..], Bytes::as_ref);
        deliver(&mut self.audience.lock(), topic, &Encoded::message(frames));
    }

    /// Waits until the fastest subscriber's messages are all written.
    pub async fn settle(&self) {
        let settled = |subscribers: &mut Subscribers| {
            subscribers.values().map(|one| one.outbox.outstanding()).min().unwrap_or(0) == 0
        };
        self.audience.wait(settled).await;
    }

    /// Waits until every subscriber's messages are all written.
    pub async fn flush(&self) {
        self.audience.wait(|subscribers| subscribers.values().all(|one| one.outbox.outstanding() == 0)).await;
    }
}

type Subscribers = HashMap<u64, Subscriber>;

struct Subscriber {
    topics: Subscriptions,
    outbox: Arc<Outbox>,
}

/// Everyone who is connected.
struct Audience {
    subscribers: Mutex<Subscribers>,
    /// Says that a subscriber has room again, has come or has gone.
    shared: Arc<Shared>,
    welcome: Welcome,
}

fn has_room(subscribers: &Subscribers, topic: &[u8], bytes: usize) -> bool {
    let wanting = subscribers.values().filter(|one| one.topics.want(topic));
    // A message larger than the bound goes out alone.
    wanting
        .map(|one| one.outbox.outstanding())
        .min()
        .is_none_or(|fastest| fastest == 0 || fastest + bytes <= FASTEST_BYTES)
}

fn deliver(subscribers: &mut Subscribers, topic: &[u8], message: &Encoded) {
    subscribers.retain(|_, one| {
        if !one.topics.want(topic) {
            return true;
        }
        let outstanding = one.outbox.outstanding();
        if outstanding > FASTEST_BYTES && outstanding + message.bytes() > LAGGING_BYTES {
            tracing::warn!(outstanding, "an iopub client does not read what it is sent and was cut off");
            one.outbox.close();
            return false;
        }
        one.outbox.push(message.clone());
        true
    });
}

impl Audience {
    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self, mut condition: impl FnMut(&mut Subscribers) -> bool) {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // Listening before looking: a change in between is not missed.
            changed.as_mut().enable();
            if condition(&mut self.lock()) {
                return;
            }
            changed.await;
        }
    }

    fn add(&self, number: u64) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::new(self.shared.clone()));
        self.lock().insert(number, Subscriber { topics: Subscriptions::default(), outbox: outbox.clone() });
        outbox
    }

    fn remove(&self, number: u64, outbox: &Outbox) {
        self.lock().remove(&number);
        // Also wakes whoever waits for this one.
        outbox.close();
    }

    fn subscribe(&self, number: u64, topic: &Bytes) -> Result<(), ZmtpError> {
        let mut subscribers = self.lock();
        let Some(one) = subscribers.get_mut(&number) else {
            return Ok(());
        };
        if one.topics.add(topic) == Change::Nothing {
            return Ok(());
        }
        // Under the lock, so that the welcome stands before everything that this subscription brings.
        for greeting in (self.welcome)(topic) {
            one.outbox.answer(Encoded::message(&greeting))?;
        }
        drop(subscribers);
        self.shared.changed.notify_waiters();
        Ok(())
    }

    fn cancel(&self, number: u64, topic: &Bytes) {
        if let Some(one) = self.lock().get_mut(&number) {
            one.topics.cancel(topic);
        }
        self.shared.changed.notify_waiters();
    }
}

/// Subscribers send nothing but subscriptions.
fn limits() -> Limits {
    Limits { message_bytes: 8 * 1024, frames: 4, small_bytes: 8 * 1024, large: Admission::new(0) }
}

async fn accept(listener: Listener, lobby: Lobby, audience: Arc<Audience>) {
    let mut connections = JoinSet::new();
    let mut number = 0_u64;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted.map(|halves| (halves, lobby.enter())) {
            Ok((_, None)) => tracing::warn!("too many subscribers; one was refused"),
            Ok((halves, Some(seat))) => {
                number = number.wrapping_add(1);
                let (audience, security) = (audience.clone(), lobby.security());
                connections.spawn(async move {
                    tokio::select! {
                        () = serve_peer(halves, &security, number, &audience, &seat) => {}
                        () = seat.needed() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a subscriber could not be accepted");
                lobby.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A subscriber's entry; taken out when this is dropped, as it is when the seat is needed.
struct Entered<'a> {
    audience: &'a Audience,
    number: u64,
    outbox: Arc<Outbox>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.audience.remove(self.number, &self.outbox);
    }
}

async fn serve_peer(halves: Halves, security: &Security, number: u64, audience: &Audience, seat: &Seat) {
    let (read, mut write) = halves;
    let mut reader = PeerReader::new(read, limits());
    let sealer = match shake(SocketKind::Publisher, security, &mut reader, &mut write).await {
        Ok((_, sealer)) => sealer,
        Err(error) => return tracing::debug!(%error, "a subscriber was turned away"),
    };
    seat.rise(Standing::Silent);
    let entered = Entered { audience, number, outbox: audience.add(number) };
    let end = tokio::select! {
        end = listen(&mut reader, &entered, seat) => end,
        end = entered.outbox.write_to(&mut write, sealer) => end,
    };
    drop(entered);
    match end {
        Ok(()) | Err(ZmtpError::Closed | ZmtpError::Io(_)) => {
            tracing::debug!("a subscriber has gone")
        }
        Err(error) => tracing::warn!(%error, "a subscriber was cut off"),
    }
}

/// Takes subscriptions in both forms: as messages (ZMTP 3.0) and as commands (3.1).
async fn listen<R: AsyncRead + Unpin>(
    reader: &mut PeerReader<R>,
    entered: &Entered<'_>,
    seat: &Seat,
) -> Result<(), ZmtpError> {
    let Entered { audience, number, outbox } = entered;
    let subscribe = |topic: &Bytes| {
        seat.rise(Standing::Plausible);
        audience.subscribe(*number, topic)
    };
    loop {
        match reader.next().await? {
            Received::Message(frames, _) => match frames.as_slice() {
                [frame] if frame.first() == Some(&1) => subscribe(&frame.slice(1..))?,
                [frame] if frame.first() == Some(&0) => audience.cancel(*number, &frame.slice(1..)),
                _ => {}
            },
            Received::Command(Command::Subscribe(topic)) => subscribe(&topic)?,
            Received::Command(Command::Cancel(topic)) => audience.cancel(*number, &topic),
            Received::Command(Command::Ping(context)) => answer_ping(outbox, &context)?,
            Received::Command(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
