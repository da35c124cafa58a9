//! What goes on while no request is served: the guest's event loop runs on, as in a kernel that lives in it. A turn of it takes
//! what is due and no more, so that a request never waits for long; until the next cell all of them together have the fuel
//! of one cell.
//!
//! What such turns change belongs to the state after the last cell. It is committed before the next request that may change
//! the session, and meanwhile now and then: the state is amended, not added to. Between two commits a rollback or a killed
//! kernel goes back to the last one, memory and files alike. After undo and its relatives the loop stands still until
//! something is run, or there would be nothing left to redo.

use std::time::{Duration, Instant};

use super::checkpoint::commit::Kind;
use super::event::{State, Usage};
use super::live::LiveSession;
use super::output::grouped;
use super::request::Request;
use super::serving::Ran;
use crate::observe::shown;
use crate::sandbox::Interrupter;

/// How long a turn goes on taking what is due.
const SLICE: Duration = Duration::from_millis(20);
/// What is uncommitted waits so long at first, and twice as long each time …
const FIRST_SAVE: Duration = Duration::from_secs(1);
/// … up to this.
const LAST_SAVE: Duration = Duration::from_secs(32);
/// Seconds after which a timer that is far away is looked for again.
const FARTHEST: f64 = 86_400.0;
/// Characters of an error's text that are told with the next cell.
const MOST_TEXT: usize = 300;

/// The guest's event loop between requests.
#[derive(Debug)]
pub struct Background {
    /// When it has something to do; never, if it has not, or stands still.
    due: Option<Instant>,
    /// Something was ready already when the last turn ended.
    is_busy: bool,
    /// What its turns have taken since the last cell.
    fuel: u64,
    /// When what they changed is to be committed.
    save_at: Option<Instant>,
    /// How long the next change waits for that.
    patience: Duration,
    /// Whether it was told that a task was stopped.
    has_told: bool,
    /// Whether the request that is served may have changed how the loop stands: a question leaves it alone.
    is_concerned: bool,
}

impl Default for Background {
    fn default() -> Self {
        Self {
            due: None,
            is_busy: false,
            fuel: 0,
            save_at: None,
            patience: FIRST_SAVE,
            has_told: false,
            is_concerned: false,
        }
    }
}

impl Background {
    /// The session's memory is another, or what was committed last: there is nothing that would have to be.
    pub(super) fn forget_changes(&mut self) {
        self.save_at = None;
    }

    /// The loop stands still until something is run.
    pub(super) fn rest(&mut self) {
        (self.due, self.is_busy) = (None, false);
    }

    /// Takes the guest's word on its loop: in how many seconds it goes on, if at all.
    fn note(&mut self, after: Option<f64>) {
        let after = after.filter(|after| after.is_finite()).map(|after| after.clamp(0.0, FARTHEST));
        self.is_busy = after == Some(0.0);
        self.due = after.and_then(|after| Instant::now().checked_add(Duration::try_from_secs_f64(after).ok()?));
    }

    fn changed(&mut self) {
        if self.save_at.is_none() {
            self.save_at = Instant::now().checked_add(self.patience);
            self.patience = (self.patience * 2).min(LAST_SAVE);
        }
    }
}

impl LiveSession {
    /// When there is something to do though no request is served.
    pub fn goes_on(&self) -> Option<Instant> {
        [self.background.due, self.background.save_at].into_iter().flatten().min()
    }

    /// Does it.
    pub fn go_on(&mut self, interrupter: &Interrupter) {
        let now = Instant::now();
        if self.background.save_at.is_some_and(|at| at <= now) {
            self.save_background();
        }
        if self.background.due.is_some_and(|at| at <= now) {
            self.turn_loop(now, interrupter);
        }
    }

    /// The guest says with its reply how its loop stands. Questions are answered without it.
    pub(super) fn note_background(&mut self, due_in: Option<f64>) {
        let is_concerned = std::mem::take(&mut self.background.is_concerned);
        if !is_concerned || self.is_deterministic() || !self.contact.is_listened_to() {
            return;
        }
        // Without fuel it stands still until the next cell, whatever else is served.
        if self.background.fuel < self.spec.limits.fuel {
            self.background.note(due_in);
        }
    }

    /// A request is about to be served.
    pub(super) fn begin_request(&mut self, kind: &Kind) {
        self.background.is_concerned = !matches!(kind, Kind::Question);
        if self.background.is_concerned {
            self.save_background();
        }
        if kind.is_shown() {
            (self.background.fuel, self.background.patience) = (0, FIRST_SAVE);
            self.background.has_told = false;
        }
    }

    /// Commits what the loop's turns have changed, if it is not.
    pub(super) fn save_background(&mut self) {
        if self.background.save_at.take().is_some() {
            let files = self.changed_files(&Kind::Aside { is_comm: false }, &mut Usage::default());
            self.keep(&Kind::Aside { is_comm: false }, files);
        }
    }

    fn turn_loop(&mut self, now: Instant, interrupter: &Interrupter) {
        // Between two turns of a loop that computes all the time an interrupt is meant for it.
        if !self.background.is_busy {
            interrupter.forget_before(now);
        }
        self.background.rest();
        self.background.is_concerned = true;
        if let Err(error) = self.wake() {
            return tracing::error!(%error, "the session could not be woken for its event loop");
        }
        let request = Request::Loop { seconds: SLICE.as_secs_f64() };
        self.door.begin_between(request.into_frame());
        let Ran { outcome, .. } = self.run(interrupter);
        self.door.end();
        self.background.fuel = self.background.fuel.saturating_add(outcome.usage.fuel_consumed);
        if outcome.usage.state != State::Kept {
            self.background.rest();
            let why = outcome.failure.map(|failure| failure.text).unwrap_or_default();
            let why = why.split(". That was").next().unwrap_or_default();
            // It may be stopped again and again, with each message for a widget.
            if std::mem::replace(&mut self.background.has_told, true) {
                return self.restore();
            }
            self.notes.push(format!(
                "a task that an earlier cell had started was stopped between cells, and what tasks did since they were \
                 saved last is undone. It goes on with this cell, unless it is cancelled there; `%session undo` goes back \
                 to before the cell that ran last. {}",
                shown(why, MOST_TEXT)
            ));
            return self.restore();
        }
        self.background.changed();
        let budget = self.spec.limits.fuel;
        if self.background.fuel >= budget && self.background.due.is_some() {
            self.background.rest();
            self.notes.push(format!(
                "tasks that earlier cells had started used {} of fuel between cells and stood still from then on: \
                 until the next cell they may have what one cell may (`fuel_budget` in the policy, {}). They go on now",
                grouped(self.background.fuel),
                grouped(budget)
            ));
        }
        self.note_memory();
    }
}
