//! Undo, redo and names: which states of a session can be gone to, and from where. Pure: it knows the
//! states' numbers, and neither what they contain nor where they are kept.
//!
//! It is linear, like an editor's: undo and redo step through the entries one by one, markers of fresh
//! starts included; new work after an undo drops what could have been redone.
//! - `restore` and `reset` add an entry, so that one undo takes them back.
//! - `resume` goes to where its state is among the entries, so that the next undo takes back that state's
//!   last cell; what the new run has done by then can be redone until new work drops it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::observe;

/// Names may be as long as this, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// There may be as many names as this.
const MAX_NAMES: usize = 256;
/// Characters of a list of names.
const MOST_LISTED: usize = 1_000;
/// Timelines read from a store may be as long as this.
const MAX_ENTRIES: usize = 100_000;

/// A committed state: the number of its record in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateId(pub u64);

impl std::fmt::Display for StateId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One step of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A run began here, from the warm image.
    Run,
    /// The user went back to the warm image.
    Reset,
    /// A run began here, with the first state that it committed: the warm image with fresh randomness.
    Began(StateId),
    /// A committed state.
    State(StateId),
}

impl Step {
    /// The state that this step leads to; none for the warm image itself.
    pub fn state(self) -> Option<StateId> {
        match self {
            Self::Run | Self::Reset => None,
            Self::Began(state) | Self::State(state) => Some(state),
        }
    }
}

/// Where to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// So many steps back.
    Undo(usize),
    /// So many steps forward again.
    Redo(usize),
    /// To the last state of the run before.
    Resume,
    /// To a saved name.
    Restore(String),
    /// To any state that is still kept.
    At(StateId),
    /// To the warm image, because the user wants to begin again.
    Reset,
    /// To the warm image, because a new run begins.
    Fresh,
}

/// What a move leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The warm image.
    Fresh,
    /// A committed state.
    State(StateId),
}

/// Why a move is not possible.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MoveError {
    /// At the beginning of what is kept.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// Nothing was undone, or new work has been done since.
    #[error("there is nothing to redo")]
    NothingToRedo,
    /// Some, but not so many.
    #[error("only {possible} can be undone, not {wanted}")]
    UndoTooFar {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        possible: usize,
    },
    /// Some, but not so many.
    #[error("only {possible} can be redone, not {wanted}")]
    RedoTooFar {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        possible: usize,
    },
    /// No run before this one has left a state.
    #[error("there is no saved state of an earlier run to resume")]
    NothingToResume,
    /// Nobody saved under this name.
    #[error("nothing is saved under the name {name:?}{}", saved(.names))]
    NoSuchName {
        /// What was asked for.
        name: String,
        /// What there is.
        names: Vec<String>,
    },
    /// Dropped, or never there.
    #[error("the state {0} is not kept (any more)")]
    NoSuchState(StateId),
    /// The warm image needs no name.
    #[error("there is nothing to save yet: run a cell first")]
    NothingToSave,
    /// Not a name.
    #[error(
        "{0:?} cannot be a name: use letters, numbers, punctuation and plain spaces, at most 128 bytes, without spaces at \
         the ends or characters that cannot be seen"
    )]
    BadName(String),
    /// There is an end to it.
    #[error("there are {MAX_NAMES} saved names already, which is as many as there may be")]
    TooManyNames,
}

fn saved(names: &[String]) -> String {
    if names.is_empty() {
        "; there are no saved names".to_owned()
    } else {
        format!("; there are: {}", observe::shown(&names.join(", "), MOST_LISTED))
    }
}

/// The steps, where we are, and what has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    steps: Vec<Step>,
    position: usize,
    names: BTreeMap<String, StateId>,
    previous: Option<StateId>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { steps: vec![Step::Run], position: 0, names: BTreeMap::new(), previous: None }
    }
}

impl Timeline {
    /// The timeline of a fork of this state.
    pub fn beginning_at(target: Target) -> Self {
        let mut timeline = Self::default();
        if let Target::State(state) = target {
            timeline.steps.push(Step::State(state));
            timeline.position = 1;
        }
        timeline
    }

    /// What is current.
    pub fn current(&self) -> Target {
        self.steps.get(self.position).map_or(Target::Fresh, |step| target(*step))
    }

    /// All steps, oldest first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The index of the current step.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What was saved, and under which names.
    pub fn names(&self) -> &BTreeMap<String, StateId> {
        &self.names
    }

    /// The last state of the run before, which [`Move::Resume`] goes to.
    pub fn previous(&self) -> Option<StateId> {
        self.previous
    }

    /// Whether what is current goes on from the last state of the run before: then there is nothing left to resume.
    pub fn goes_on(&self) -> bool {
        let here = self.steps.get(..=self.position).unwrap_or_default();
        let since = here.iter().rev().take_while(|step| matches!(step, Step::State(_)));
        since.map(|step| step.state()).any(|state| state.is_some() && state == self.previous)
    }

    /// How many steps can be undone.
    pub fn undoable(&self) -> usize {
        self.position
    }

    /// How many steps can be redone.
    pub fn redoable(&self) -> usize {
        self.steps.len().saturating_sub(self.position + 1)
    }

    /// Every state that can be gone to from here.
    pub fn states(&self) -> BTreeSet<StateId> {
        let steps = self.steps.iter().filter_map(|step| step.state());
        steps.chain(self.names.values().copied()).chain(self.previous).collect()
    }

    /// A new state follows the current step, or takes its place: then a fresh run's first step is that state, and
    /// what could be redone stays.
    pub fn push(&mut self, state: StateId, amend: bool) {
        let step = match self.steps.get(self.position) {
            Some(Step::Run | Step::Reset | Step::Began(_)) if amend => Step::Began(state),
            _ => Step::State(state),
        };
        match self.steps.get_mut(self.position) {
            // What could be redone still can be: nothing new was begun.
            Some(current) if amend => *current = step,
            _ => self.push_step(step, false),
        }
    }

    /// Where a move leads.
    pub fn peek(&self, to: &Move) -> Result<Target, MoveError> {
        self.clone().go(to)
    }

    /// Makes a move.
    pub fn go(&mut self, to: &Move) -> Result<Target, MoveError> {
        match to {
            Move::Undo(wanted) => self.undo(*wanted)?,
            Move::Redo(wanted) => self.redo(*wanted)?,
            Move::Resume => self.jump(self.previous.ok_or(MoveError::NothingToResume)?),
            Move::Restore(name) => {
                let unknown =
                    || MoveError::NoSuchName { name: name.clone(), names: self.names.keys().cloned().collect() };
                let state = *self.names.get(name).ok_or_else(unknown)?;
                self.push_step(Step::State(state), false);
            }
            Move::At(state) if self.states().contains(state) => self.jump(*state),
            Move::At(state) => return Err(MoveError::NoSuchState(*state)),
            Move::Reset => self.push_step(Step::Reset, self.current() == Target::Fresh),
            Move::Fresh => self.begin_run(),
        }
        Ok(self.current())
    }

    /// Gives the current state a name, which may have had another state before.
    pub fn save(&mut self, name: &str) -> Result<(), MoveError> {
        let Target::State(state) = self.current() else { return Err(MoveError::NothingToSave) };
        if !is_name(name) {
            return Err(MoveError::BadName(name.chars().take(MAX_NAME_BYTES).collect()));
        }
        if self.names.len() >= MAX_NAMES && !self.names.contains_key(name) {
            return Err(MoveError::TooManyNames);
        }
        self.names.insert(name.to_owned(), state);
        Ok(())
    }

    /// Forgets a name.
    pub fn forget_name(&mut self, name: &str) -> Result<(), MoveError> {
        let names = || self.names.keys().cloned().collect();
        if self.names.contains_key(name) {
            self.names.remove(name);
            return Ok(());
        }
        Err(MoveError::NoSuchName { name: name.to_owned(), names: names() })
    }

    /// Forgets the oldest steps until at most `states` states can be undone.
    pub fn keep(&mut self, states: usize) {
        loop {
            let before = self.steps.iter().take(self.position).filter(|step| step.state().is_some());
            if before.count() <= states || !self.forget_oldest() {
                return;
            }
        }
    }

    /// Forgets the oldest state that can be undone to, then what could be redone, farthest first, then the
    /// state of the run before. The current step and what has a name stay. False if there was nothing left.
    pub fn forget_one(&mut self) -> bool {
        if self.forget_oldest() {
            return true;
        }
        if self.position + 1 < self.steps.len() {
            self.steps.pop();
            return true;
        }
        let previous = self.previous.take();
        previous.is_some_and(|state| self.current() != Target::State(state))
    }

    /// Forgets everything but the names; for a store whose states cannot be used any more, those too.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether this can be a timeline. One that was read has to be asked before it is used.
    pub fn is_sound(&self) -> bool {
        self.position < self.steps.len()
            && self.steps.len() <= MAX_ENTRIES
            && self.names.len() <= MAX_NAMES
            // Names of an earlier version may have more in them: they are shown with care, not refused.
            && self.names.keys().all(|name| (1..=MAX_NAME_BYTES).contains(&name.len()))
    }

    fn undo(&mut self, wanted: usize) -> Result<(), MoveError> {
        let possible = self.undoable();
        match self.position.checked_sub(wanted) {
            _ if possible == 0 && wanted > 0 => Err(MoveError::NothingToUndo),
            None => Err(MoveError::UndoTooFar { wanted, possible }),
            Some(position) => {
                self.position = position;
                Ok(())
            }
        }
    }

    fn redo(&mut self, wanted: usize) -> Result<(), MoveError> {
        let possible = self.redoable();
        match wanted {
            _ if possible == 0 && wanted > 0 => Err(MoveError::NothingToRedo),
            _ if wanted > possible => Err(MoveError::RedoTooFar { wanted, possible }),
            _ => {
                self.position += wanted;
                Ok(())
            }
        }
    }

    /// To the latest step with this state, or to a new one.
    fn jump(&mut self, state: StateId) {
        match self.steps.iter().rposition(|step| step.state() == Some(state)) {
            Some(position) => self.position = position,
            None => self.push_step(Step::State(state), false),
        }
    }

    /// What the last run left is what can be resumed; a run that left nothing changes nothing; a session that
    /// was reset is not to be resumed.
    fn begin_run(&mut self) {
        match self.steps.get(self.position) {
            Some(Step::State(state)) => self.previous = Some(*state),
            Some(Step::Reset) => self.previous = None,
            Some(Step::Run | Step::Began(_)) | None => {}
        }
        // Behind what could still be redone, so that it stays reachable for whoever resumes.
        self.position = self.steps.len().saturating_sub(1);
        let left_nothing = !matches!(self.steps.get(self.position), Some(Step::State(_)));
        self.push_step(Step::Run, left_nothing);
    }

    fn push_step(&mut self, step: Step, replaces: bool) {
        self.steps.truncate(self.position + usize::from(!replaces));
        self.steps.push(step);
        self.position = self.steps.len() - 1;
    }

    /// Forgets the oldest state that can be undone to. False if there is none.
    pub fn forget_oldest(&mut self) -> bool {
        let before = self.steps.iter().take(self.position);
        let Some(oldest) = before.clone().position(|step| step.state().is_some()) else { return false };
        self.steps.drain(..=oldest);
        self.position -= oldest + 1;
        true
    }
}

fn target(step: Step) -> Target {
    match step {
        Step::Run | Step::Reset => Target::Fresh,
        Step::Began(state) | Step::State(state) => Target::State(state),
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES && observe::is_name(name)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
