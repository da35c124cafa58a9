//! The requests that wait for the shell. While a cell runs they are looked through for comm messages, which the cell may take
//! if it waits; all others keep their order.

use std::collections::VecDeque;

use tokio::sync::mpsc::Receiver;

use super::parents::Parents;
use super::queue::{QUEUE, Waiting, comm};
use crate::session::{Contact, Offer};

/// The queue's end.
pub(super) struct PendingRequests {
    queue: Receiver<Waiting>,
    parents: Parents,
    /// What was looked at while a cell ran.
    ahead: VecDeque<Waiting>,
}

impl PendingRequests {
    pub(super) fn new(queue: Receiver<Waiting>, parents: Parents) -> Self {
        Self { queue, parents, ahead: VecDeque::new() }
    }

    /// The next request; `None` when the queue has ended.
    pub(super) async fn next(&mut self) -> Option<Waiting> {
        match self.ahead.pop_front() {
            Some(waiting) => Some(waiting),
            None => self.queue.recv().await,
        }
    }

    /// Awaits a cell's end, offering it the comm messages that wait or come.
    pub(super) async fn while_running<T>(&mut self, contact: &Contact, cell: impl Future<Output = T>) -> T {
        let mailbox = contact.mailbox();
        let parents = &self.parents;
        let offer = |waiting: &Waiting| {
            if let Some(offer) = offered(waiting) {
                // What the cell makes of it belongs to it.
                parents.remember(waiting.envelope.header());
                mailbox.offer(offer);
            }
        };
        self.ahead.iter().for_each(offer);
        tokio::pin!(cell);
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut cell => break ended,
                // With it goes the room that it took: a cell may take any number of messages.
                taken = mailbox.taken() => self.ahead.retain(|waiting| !taken.contains(&waiting.number)),
                Some(waiting) = self.queue.recv(), if self.ahead.len() < QUEUE => {
                    offer(&waiting);
                    self.ahead.push_back(waiting);
                }
            }
        };
        let taken = mailbox.close();
        self.ahead.retain(|waiting| !taken.contains(&waiting.number));
        ended
    }
}

fn offered(waiting: &Waiting) -> Option<Offer> {
    let comm = comm(&waiting.envelope)?.ok()?;
    let id = waiting.envelope.header().msg_id.clone();
    Some(Offer { number: waiting.number, id, frame: comm.into_frame() })
}
