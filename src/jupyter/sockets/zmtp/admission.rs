//! Room for large messages, shared by the peers of a socket. It is counted in bytes that have come, not in messages
//! that were announced: a peer that promises much and sends nothing takes nothing from the others. When the room is
//! full, who has stopped sending goes first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::ZmtpError;

/// So much has to come within [`STALE`], or a peer counts as one that has stopped.
const PROGRESS: usize = 64 * 1024;
/// How long a peer may be without progress while others need its room.
const STALE: Duration = Duration::from_millis(750);
/// How long after that it is looked at again before it has to go: that nothing came may have been this process's fault.
const RECHECK: Duration = Duration::from_millis(150);
/// How often it is looked.
const TICK: Duration = Duration::from_millis(200);
/// How long it may be so when nobody does.
const STALL: Duration = Duration::from_secs(60);
/// How long peers that wait for each other do so, before the last of them gives way.
const DEADLOCK: Duration = Duration::from_secs(2);

/// The room of one socket.
#[derive(Debug)]
pub struct Admission {
    ledger: Mutex<Ledger>,
    /// Room was given back, or somebody was sent away.
    changed: Notify,
}

#[derive(Debug)]
struct Ledger {
    capacity: usize,
    held: usize,
    next: u64,
    /// By age.
    holders: BTreeMap<u64, Holder>,
}

#[derive(Debug)]
struct Holder {
    bytes: usize,
    stage: Stage,
    /// Since when it is known to have stopped.
    suspected: Option<Instant>,
    leave: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its bytes come; since the last progress.
    Arriving(Instant),
    /// It waits for room, since then.
    Waiting(Instant),
    /// It is all there, and being served.
    Whole,
}

/// A large message's share of the room; given back when this is dropped.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    number: u64,
    leave: Arc<Notify>,
    /// Bytes that came since the last progress.
    since_progress: usize,
    deadline: Instant,
}

impl Admission {
    /// Room for so many bytes. A message that is larger is let in alone.
    pub fn new(capacity: usize) -> Arc<Self> {
        let ledger = Ledger { capacity, held: 0, next: 0, holders: BTreeMap::new() };
        Arc::new(Self { ledger: Mutex::new(ledger), changed: Notify::new() })
    }

    /// A place without any room yet.
    pub(super) fn enter(self: &Arc<Self>) -> Place {
        let now = Instant::now();
        let leave = Arc::new(Notify::new());
        let mut ledger = self.lock();
        let number = ledger.next;
        ledger.next += 1;
        let holder = Holder { bytes: 0, stage: Stage::Arriving(now), suspected: None, leave: leave.clone() };
        ledger.holders.insert(number, holder);
        drop(ledger);
        Place { admission: self.clone(), number, leave, since_progress: 0, deadline: now + STALL }
    }

    /// Waits until the place of this number has been given back.
    pub(super) async fn given_back(&self, number: u64) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening before looking: a change in between is not missed.
            changed.as_mut().enable();
            if !self.lock().holders.contains_key(&number) {
                return;
            }
            changed.await;
        }
    }

    /// Bytes that are held now.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.lock().held
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a wish for more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Granted,
    Later,
    Gone,
}

impl Ledger {
    fn grow(&mut self, number: u64, bytes: usize, now: Instant) -> Answer {
        loop {
            let alone = self.holders.len() == 1;
            let fits = self.held.saturating_add(bytes) <= self.capacity;
            let Some(holder) = self.holders.get_mut(&number) else { return Answer::Gone };
            if fits || alone {
                holder.bytes += bytes;
                holder.stage = Stage::Arriving(now);
                holder.suspected = None;
                self.held += bytes;
                return Answer::Granted;
            }
            let waited = match holder.stage {
                Stage::Waiting(since) => now.saturating_duration_since(since),
                _ => {
                    holder.stage = Stage::Waiting(now);
                    Duration::ZERO
                }
            };
            let Some(least) = self.stalest(number, now).or_else(|| self.last_in_line(number, waited)) else {
                return Answer::Later;
            };
            self.send_away(least);
        }
    }

    /// Who has been without progress for longest, of those that have stopped.
    fn stalest(&mut self, but: u64, now: Instant) -> Option<u64> {
        let stopped = self.holders.iter_mut().filter_map(|(number, holder)| match holder.stage {
            Stage::Arriving(since) if *number != but && now.saturating_duration_since(since) >= STALE => {
                let suspected = *holder.suspected.get_or_insert(now);
                (now.saturating_duration_since(suspected) >= RECHECK).then_some((since, *number))
            }
            _ => None,
        });
        stopped.min().map(|(_, number)| number)
    }

    /// Of those that wait for each other, and for nobody else, the one that came last, if that is not who asks.
    fn last_in_line(&self, asking: u64, waited: Duration) -> Option<u64> {
        let waits = |holder: &Holder| matches!(holder.stage, Stage::Waiting(_));
        if waited < DEADLOCK || !self.holders.values().all(waits) {
            return None;
        }
        let last = self.holders.iter().rev().find(|(_, holder)| waits(holder) && holder.bytes > 0);
        last.map(|(number, _)| *number).filter(|number| *number > asking)
    }

    fn send_away(&mut self, number: u64) {
        if let Some(holder) = self.holders.remove(&number) {
            self.held = self.held.saturating_sub(holder.bytes);
            holder.leave.notify_one();
        }
    }
}

impl Place {
    /// Its number, for [`Admission::given_back`].
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Takes room for so many bytes more, as soon as there is some.
    pub(super) async fn grow(&mut self, bytes: usize) -> Result<(), ZmtpError> {
        loop {
            let changed = self.admission.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let answer = self.admission.lock().grow(self.number, bytes, Instant::now());
            match answer {
                Answer::Granted => {
                    self.deadline = Instant::now() + STALL;
                    return Ok(());
                }
                Answer::Gone => return Err(ZmtpError::TimedOut),
                // Somebody may have stopped by then.
                Answer::Later => drop(tokio::time::timeout(TICK, changed).await),
            }
        }
    }

    /// Notes that bytes have come.
    pub(super) fn came(&mut self, bytes: usize) {
        self.since_progress += bytes;
        if self.since_progress < PROGRESS {
            return;
        }
        self.since_progress = 0;
        let now = Instant::now();
        self.deadline = now + STALL;
        self.set(Stage::Arriving(now));
    }

    /// The message is whole: nobody is in its way any more but who serves it.
    pub(super) fn complete(&self) {
        self.set(Stage::Whole);
    }

    /// Waits until it is clear that the rest will not come: it took too long, or others need the room.
    pub(super) async fn lost(&self) {
        let _ = tokio::time::timeout_at(self.deadline, self.leave.notified()).await;
    }

    fn set(&self, stage: Stage) {
        if let Some(holder) = self.admission.lock().holders.get_mut(&self.number) {
            holder.stage = stage;
            holder.suspected = None;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.lock().send_away(self.number);
        self.admission.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grow(place: &Place, bytes: usize, now: Instant) -> Answer {
        place.admission.lock().grow(place.number, bytes, now)
    }

    #[tokio::test]
    async fn who_has_stopped_gives_way_and_who_is_served_does_not() {
        let admission = Admission::new(1000);
        let now = Instant::now();
        let served = admission.enter();
        assert_eq!(grow(&served, 300, now), Answer::Granted);
        served.complete();
        let stopped: Vec<Place> = (0..7).map(|_| admission.enter()).collect();
        for (place, at) in stopped.iter().zip(0..) {
            assert_eq!(grow(place, 100, now + Duration::from_millis(at)), Answer::Granted);
        }
        let honest = admission.enter();
        assert_eq!(grow(&honest, 250, now), Answer::Later, "for all that is known, they go on");
        assert_eq!(grow(&honest, 250, now + 2 * STALE), Answer::Later, "they may have been kept from going on");
        assert_eq!(grow(&honest, 250, now + 3 * STALE), Answer::Granted);
        // The oldest three have gone, and know it.
        for (at, place) in stopped.iter().enumerate() {
            assert_eq!(grow(place, 0, now + 3 * STALE) == Answer::Gone, at < 3, "{at}");
        }
        stopped[0].lost().await;
        assert_eq!(admission.held(), 950);
        drop((served, stopped, honest));
        assert_eq!(admission.held(), 0);
    }

    #[test]
    fn those_that_wait_for_each_other_do_not_do_so_for_ever() {
        let admission = Admission::new(100);
        let now = Instant::now();
        let places: Vec<Place> = (0..4).map(|_| admission.enter()).collect();
        for place in &places {
            assert_eq!(grow(place, 25, now), Answer::Granted);
        }
        for place in &places {
            assert_eq!(grow(place, 75, now), Answer::Later);
        }
        let later = now + DEADLOCK;
        assert_eq!(grow(&places[3], 75, later), Answer::Later, "who came last sends nobody away");
        assert_eq!(grow(&places[0], 75, later), Answer::Granted);
        assert!(places[1..].iter().all(|place| grow(place, 75, later) == Answer::Gone));
    }

    #[tokio::test]
    async fn one_that_is_alone_may_be_larger_than_the_room() {
        let admission = Admission::new(100);
        admission.enter().grow(1000).await.unwrap();
        assert_eq!(admission.held(), 0);
    }
}
