//! Who is connected, over all sockets of a kernel: so many at a time, and when there are more, those go first that have
//! shown the least of themselves. So that connections which nobody uses do not shut out a client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::zmtp::curve::Security;

/// Connections of one socket; a client has one.
const EACH: usize = 512;
/// Connections of all sockets, where the system allows as many files.
const ALL: usize = 2048;
/// How many leave at once when there are no descriptors for new ones.
const AT_ONCE: usize = 8;
/// What part of the files that a process may have open connections may take.
const SHARE_OF_FILES: u64 = 2;

/// What a peer has shown of itself, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It has not shaken hands, or what it sent made no sense.
    Stranger,
    /// It has shaken hands and said nothing.
    Silent,
    /// It does what clients do, such as to say who it is or to subscribe: what anybody can.
    Plausible,
    /// It has the connection's key, or there is none.
    Known,
}

/// The connections of a kernel; cheap to clone.
#[derive(Clone)]
pub struct Connections {
    seats: Arc<Mutex<Vec<Entry>>>,
    each: usize,
    all: usize,
    security: Security,
}

struct Entry {
    /// Ascending, as they came.
    number: u64,
    socket: SocketId,
    standing: Standing,
    leave: Arc<Notify>,
}

/// Which of a kernel's sockets: its own number.
type SocketId = u32;

/// The connections of one socket.
#[derive(Clone)]
pub(super) struct Lobby {
    connections: Connections,
    socket: SocketId,
}

/// A connection's place among them; given back when this is dropped.
pub(super) struct Seat {
    seats: Arc<Mutex<Vec<Entry>>>,
    number: u64,
    leave: Arc<Notify>,
}

impl Connections {
    /// As many as this process may have, protected by this.
    pub fn of_this_process(security: Security) -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let all = files.map_or(ALL, |files| usize::try_from(files / SHARE_OF_FILES).unwrap_or(ALL).min(ALL));
        Self { security, ..Self::new(EACH, all) }
    }

    fn new(each: usize, all: usize) -> Self {
        Self { seats: Arc::default(), each, all, security: Security::Null }
    }

    /// A socket's part of them.
    pub(super) fn lobby(&self) -> Lobby {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let socket = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Lobby { connections: self.clone(), socket }
    }
}

impl Lobby {
    /// What protects the connections.
    pub(super) fn security(&self) -> Security {
        self.connections.security.clone()
    }

    /// A seat for who has just connected; another may have to leave for it. `None` if all are known.
    pub(super) fn enter(&self) -> Option<Seat> {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let Connections { seats, each, all, .. } = &self.connections;
        let mut entries = lock(seats);
        if entries.iter().filter(|entry| entry.socket == self.socket).count() >= *each
            && !send_one_away(&mut entries, |entry| entry.socket == self.socket)
        {
            return None;
        }
        if entries.len() >= *all && !send_one_away(&mut entries, |_| true) {
            return None;
        }
        // Taken under the lock, so that the list stays in order.
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let leave = Arc::new(Notify::new());
        entries.push(Entry { number, socket: self.socket, standing: Standing::Stranger, leave: leave.clone() });
        Some(Seat { seats: seats.clone(), number, leave })
    }

    /// Sends a few away, of any socket, when the process has no descriptors left.
    pub(super) fn make_room(&self) {
        let mut entries = lock(&self.connections.seats);
        let _ = (0..AT_ONCE).all(|_| send_one_away(&mut entries, |_| true));
    }
}

impl Seat {
    /// Notes that the peer has shown more of itself.
    pub(super) fn rise(&self, to: Standing) {
        self.set(|standing| standing.max(to));
    }

    /// Notes that what the peer sent made no sense.
    pub(super) fn fall(&self) {
        self.set(|standing| if standing == Standing::Known { standing } else { Standing::Stranger });
    }

    /// Waits until the seat is needed for somebody else.
    pub(super) async fn needed(&self) {
        self.leave.notified().await;
    }

    fn set(&self, change: impl FnOnce(Standing) -> Standing) {
        let mut entries = lock(&self.seats);
        if let Ok(at) = entries.binary_search_by_key(&self.number, |entry| entry.number)
            && let Some(entry) = entries.get_mut(at)
        {
            entry.standing = change(entry.standing);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut entries = lock(&self.seats);
        if let Ok(at) = entries.binary_search_by_key(&self.number, |entry| entry.number) {
            entries.remove(at);
        }
    }
}

/// Has the least of those leave that may have to; whether there is one.
fn send_one_away(entries: &mut Vec<Entry>, of: impl Fn(&Entry) -> bool) -> bool {
    let least = entries.iter().filter(|entry| of(entry)).map(|entry| entry.standing).min();
    let Some(least) = least.filter(|least| *least != Standing::Known) else { return false };
    let candidates: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| of(entry) && entry.standing == least)
        .map(|(at, _)| at)
        .collect();
    let at = match least {
        // Of those that do what clients do, any of the younger half: who has been there for long stays, and two that
        // come after each other do not send each other away.
        Standing::Plausible => {
            let younger = candidates.get(candidates.len() / 2..).unwrap_or_default();
            younger.get(any_number() % younger.len().max(1)).copied()
        }
        // Of the others the oldest: it had the most time to say something.
        _ => candidates.first().copied(),
    };
    let Some(at) = at else { return false };
    let sent = entries.remove(at);
    tracing::debug!(standing = ?sent.standing, "a connection had to leave for another");
    sent.leave.notify_one();
    true
}

fn any_number() -> usize {
    let mut bytes = [0; 8];
    // Without randomness the first of them it is.
    let _ = getrandom::fill(&mut bytes);
    usize::from_ne_bytes(bytes)
}

fn lock(seats: &Mutex<Vec<Entry>>) -> MutexGuard<'_, Vec<Entry>> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these have been asked to leave.
    fn leaving(seats: &[Seat]) -> Vec<usize> {
        let left = |seat: &Seat| {
            let needed = std::pin::pin!(seat.needed());
            needed.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
        };
        seats.iter().enumerate().filter(|(_, seat)| left(seat)).map(|(at, _)| at).collect()
    }

    #[test]
    fn who_has_shown_least_leaves_first_and_who_is_known_never() {
        let lobby = Connections::new(4, 100).lobby();
        let seats: Vec<Seat> = (0..4).map(|_| lobby.enter().unwrap()).collect();
        seats[0].rise(Standing::Known);
        seats[1].rise(Standing::Plausible);
        seats[2].rise(Standing::Silent);
        let mut order = Vec::new();
        for _ in 0..3 {
            lobby.enter().unwrap().rise(Standing::Known);
            let next = std::mem::ManuallyDrop::new(lobby.enter().unwrap());
            next.rise(Standing::Known);
            order.extend(leaving(&seats));
        }
        assert_eq!(order, [3, 2, 1]);
        assert!(lobby.enter().is_none());
    }

    #[test]
    fn the_oldest_of_those_that_do_what_clients_do_stay() {
        let lobby = Connections::new(8, 100).lobby();
        let seats: Vec<Seat> = (0..8).map(|_| lobby.enter().unwrap()).collect();
        seats.iter().for_each(|seat| seat.rise(Standing::Plausible));
        for _ in 0..100 {
            lobby.enter().unwrap().rise(Standing::Plausible);
        }
        assert!(leaving(&seats).iter().all(|at| *at >= 4));
    }

    #[test]
    fn all_sockets_together_are_bounded() {
        let connections = Connections::new(8, 10);
        let (one, other) = (connections.lobby(), connections.lobby());
        let idle: Vec<Seat> = (0..8).map(|_| one.enter().unwrap()).collect();
        let busy: Vec<Seat> = (0..4).map(|_| other.enter().unwrap()).collect();
        assert_eq!((leaving(&idle), leaving(&busy)), (vec![0, 1], vec![]));
        drop((idle, busy));
        assert!(lock(&connections.seats).is_empty());
    }
}
