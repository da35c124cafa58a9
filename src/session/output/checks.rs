//! Checks of large outputs: on a thread of their own, one at a time, so that the session's thread goes on looking for
//! interrupts and limits. Whoever waits for one and is interrupted leaves its result to nobody; the thread comes to
//! its end by itself, since checks are bounded in steps.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::filter::{Check, Checked};

/// The native stack of such a thread: that of the session's.
const STACK: usize = 4 << 20;

/// The checks of a session.
#[derive(Debug, Clone)]
pub struct Checks(Arc<Semaphore>);

impl Checks {
    /// None yet.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Waits until no other check is under way.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().acquire_owned().await.ok()
    }

    /// Does a check whose turn it is. Nothing comes of one that failed.
    pub async fn run(&self, turn: Option<OwnedSemaphorePermit>, check: Check) -> Option<Checked> {
        let (done, result) = oneshot::channel();
        let thread = std::thread::Builder::new().name("check".to_owned()).stack_size(STACK).spawn(move || {
            // Nobody waits any more if the guest was interrupted.
            let _ = done.send(check.run());
            drop(turn);
        });
        match thread {
            Ok(_) => result.await.ok(),
            Err(error) => {
                tracing::error!(%error, "no thread for checking an output");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use serde_json::{Map, json};

    use super::*;
    use crate::session::event::Event;
    use crate::session::output::filter::{RequestFilter, SessionFilter};

    fn display(html: &str) -> Event {
        let data = Map::from_iter([("text/html".to_owned(), json!(html))]);
        Event::Display { data, metadata: Map::new(), transient: Map::new(), update: false }
    }

    #[test]
    fn whoever_waits_for_a_check_can_do_something_else() {
        let mut outgoing = RequestFilter::new(SessionFilter::default());
        let checks = Checks::new();
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(turn) = pin!(checks.turn()).poll(&mut context) else { panic!("nothing is under way") };
        // Long enough that it cannot be over at once.
        let check = outgoing.check(display(&"<i>x</i>".repeat(200_000)));
        let mut running = Box::pin(checks.run(turn, check));
        assert!(running.as_mut().poll(&mut context).is_pending());
        assert!(pin!(checks.turn()).poll(&mut context).is_pending(), "the next waits for it");
        // The guest was interrupted: its result is left to nobody, and the next one's turn comes.
        drop(running);
        let small = outgoing.check(display("<b onclick=x>y</b>"));
        let checked = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let turn = checks.turn().await;
            checks.run(turn, small).await
        });
        let Some(Event::Display { data, .. }) = outgoing.done(checked.expect("a result")) else { panic!("no display") };
        assert_eq!(data["text/html"], "<b>y</b>");
        assert_eq!(outgoing.removed().counts().collect::<Vec<_>>(), [("handler", 1)]);
    }
}
