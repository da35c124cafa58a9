//! Comm messages that come while a cell runs. A cell that waits in an event loop takes them, as a slider that it waits for
//! may be moved; what no cell takes is served in its turn.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::sandbox::Frame;

/// A message that may be taken.
#[derive(Debug)]
pub struct Offer {
    /// The number by which whoever offers it knows it.
    pub number: u64,
    /// The id of the request.
    pub id: String,
    pub frame: Frame,
}

/// What is offered to the cell that runs.
#[derive(Debug, Default)]
pub struct Mailbox {
    state: Mutex<State>,
    arrived: Notify,
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    offers: VecDeque<Offer>,
    taken: Vec<u64>,
}

impl Mailbox {
    /// Offers a message to the cell that runs.
    pub fn offer(&self, offer: Offer) {
        self.state.lock().offers.push_back(offer);
        self.arrived.notify_one();
    }

    /// Takes the oldest.
    pub fn take(&self) -> Option<Offer> {
        let mut state = self.state.lock();
        let offer = state.offers.pop_front()?;
        state.taken.push(offer.number);
        self.left.notify_one();
        Some(offer)
    }

    /// The numbers of what was taken since the last time; waits until something is.
    pub async fn taken(&self) -> Vec<u64> {
        loop {
            let taken = std::mem::take(&mut self.state.lock().taken);
            if !taken.is_empty() {
                return taken;
            }
            self.left.notified().await;
        }
    }

    /// Takes the oldest, and waits for one.
    pub async fn next(&self) -> Offer {
        loop {
            if let Some(offer) = self.take() {
                return offer;
            }
            self.arrived.notified().await;
        }
    }

    /// Takes back what is offered; the numbers of what was taken since the last time.
    pub fn close(&self) -> Vec<u64> {
        let mut state = self.state.lock();
        state.offers.clear();
        std::mem::take(&mut state.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(number: u64) -> Offer {
        Offer { number, id: number.to_string(), frame: Frame::default() }
    }

    #[tokio::test]
    async fn what_was_taken_is_told_while_the_cell_runs() {
        let mailbox = Mailbox::default();
        mailbox.offer(offer(1));
        let (taken, _) = tokio::join!(mailbox.taken(), async { mailbox.take() });
        assert_eq!(taken, [1]);
        assert!(mailbox.close().is_empty());
    }

    #[test]
    fn what_was_taken_is_known_when_the_cell_has_ended() {
        let mailbox = Mailbox::default();
        (1..4).for_each(|number| mailbox.offer(offer(number)));
        assert_eq!([mailbox.take(), mailbox.take()].map(|taken| taken.map(|offer| offer.number)), [Some(1), Some(2)]);
        assert_eq!(mailbox.close(), [1, 2]);
        assert!(mailbox.take().is_none());
        assert!(mailbox.close().is_empty());
    }
}
