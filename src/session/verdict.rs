//! How a turn is judged: what the request is answered, whether the user has seen why it failed, and whether the session's
//! memory is kept.

use super::answer::{Answer, Failure};
use super::door::reply::{Reply, Report};
use super::door::served::{Served, Task};
use super::event::{State, TrapReason};
use super::limits::Limits;
use crate::language::Language;
use crate::sandbox::engine::WASM_STACK;
use crate::sandbox::{End, Reason, Turn};

/// What is said of a cell that had to be undone.
const UNDONE: &str = "The session was rolled back: it is as it was before this cell, its files included.";

/// What is said when that was a task's doing, between cells.
const TASK_UNDONE: &str = "What tasks did since the session was saved last (at the end of a cell, or some seconds ago) is \
     undone, in files too; all else is kept. The task is there still, and goes on with the next cell, unless that cancels \
     it first; `%session undo` goes back to before the cell that ran last.";

/// The judgement of one turn.
#[derive(Debug)]
pub struct Verdict {
    /// Why the request failed, if it did.
    pub failure: Option<Failure>,
    /// Whether that is the host's own finding, of which the guest has shown nothing.
    pub is_host_s: bool,
    pub answer: Answer,
    /// What the guest said of its work.
    pub report: Report,
    /// Why the cell was ended, if it was.
    pub reason: Option<TrapReason>,
    /// Whether the instance is gone and the last commit must be taken up again.
    pub state: State,
    /// Whose doing the error was, if no request was served.
    pub task: Option<Task>,
}

impl Verdict {
    /// A turn of which nothing is kept.
    fn rolled_back(name: &str, text: &str, reason: TrapReason) -> Self {
        Self {
            failure: Some(Failure::of_host(name, text)),
            is_host_s: true,
            answer: Answer::None,
            report: Report::default(),
            reason: Some(reason),
            state: State::RolledBack,
            task: None,
        }
    }
}

/// Judges a turn with the guest's reply. `refused` is how often growing the memory was refused in it.
pub fn judge(turn: &Turn, served: Served, language: &Language, limits: &Limits, refused: usize) -> Verdict {
    match (&turn.end, served.reply) {
        (End::Returned(status), Some(reply)) if *status != -1 => finished(turn, reply, language, limits, refused),
        // What a cell did to the bridge that it cannot answer is not worth keeping.
        (End::Returned(status), None) if *status != -1 => {
            let text = format!("the guest gave no answer (status {status}). {UNDONE}");
            Verdict::rolled_back("SandboxError", &text, TrapReason::HostError)
        }
        _ => broken(turn, language, limits, refused, served.task),
    }
}

fn finished(turn: &Turn, reply: Reply, language: &Language, limits: &Limits, refused: usize) -> Verdict {
    let Reply { failure, answer, report } = reply;
    let reason = match (turn.asked, &failure) {
        // The verdict is the host's: over a limit is failed, whether or not the cell finished.
        _ if turn.fuel > limits.fuel => Some(TrapReason::OutOfFuel),
        (Some(Reason::Time), _) => Some(TrapReason::Timeout),
        (Some(Reason::Interrupt), Some(_)) => Some(TrapReason::Interrupted),
        (_, Some(failure)) if refused > 0 && failure.name == language.exceptions.out_of_memory => {
            Some(TrapReason::MemoryLimit)
        }
        _ => None,
    };
    let unsaid = match reason.filter(|_| failure.is_none()) {
        Some(TrapReason::OutOfFuel) => Some(Failure::of_host("FuelExhausted", &limits.fuel_message())),
        Some(TrapReason::Timeout) => Some(Failure::of_host("TimeLimitExceeded", &limits.time_message())),
        _ => None,
    };
    let is_host_s = unsaid.is_some();
    let answer = if is_host_s { Answer::None } else { answer };
    Verdict { failure: unsaid.or(failure), is_host_s, answer, report, reason, state: State::Kept, task: None }
}

fn broken(turn: &Turn, language: &Language, limits: &Limits, refused: usize, task: Option<Task>) -> Verdict {
    let who = task.as_ref().map_or_else(|| "the cell".to_owned(), described);
    let (reason, name, text) = match &turn.end {
        End::Stopped(Reason::Interrupt | Reason::Sample) => (
            TrapReason::Interrupted,
            language.exceptions.interrupted,
            format!("{who} did not end within {} s of being interrupted, and was stopped", limits.grace.as_secs_f64()),
        ),
        End::Stopped(Reason::Fuel) => (TrapReason::OutOfFuel, "FuelExhausted", limits.fuel_message()),
        End::Stopped(Reason::Time) => (TrapReason::Timeout, "TimeLimitExceeded", limits.time_message()),
        End::Exited(code) => (
            TrapReason::Exited,
            "GuestExited",
            format!(
                "{who} ended the {} process itself, with status {code} (as {} does)",
                language.title, language.exit_call
            ),
        ),
        End::StackOverflow => (
            TrapReason::StackOverflow,
            "StackOverflow",
            format!("native calls nested deeper than the sandbox's stack of {} MiB", WASM_STACK >> 20),
        ),
        _ if refused > 0 => (
            TrapReason::MemoryLimit,
            "MemoryExhausted",
            format!("native code could not go on without memory; {}", limits.memory_message()),
        ),
        End::Trapped(trap) => (TrapReason::Trap, "GuestTrap", format!("native code in the sandbox failed: {trap}")),
        End::Returned(_) => (TrapReason::Trap, "GuestTrap", "the interpreter is unusable".to_owned()),
    };
    let text = match &task {
        Some(task) => {
            let whose = if text.starts_with(&who) { String::new() } else { format!(", in {who}") };
            let (when, undone) = if task.is_between { ("no", TASK_UNDONE) } else { ("this", UNDONE) };
            format!("{text}. That was while {when} cell ran{whose}. {undone}")
        }
        None => format!("{text}. {UNDONE}"),
    };
    Verdict { task: task.filter(|task| task.is_between), ..Verdict::rolled_back(name, &text, reason) }
}

fn described(task: &Task) -> String {
    match task.cell {
        Some(cell) => format!("a task that cell {cell} had started"),
        None => "a task that an earlier cell had started".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn judged(end: End, fuel: u64, asked: Option<Reason>, failure: Option<&str>, refused: usize) -> Verdict {
        let failure = failure.map(|name| Failure { name: name.to_owned(), ..Failure::default() });
        let reply = matches!(end, End::Returned(0)).then(|| Reply { failure, ..Reply::default() });
        let limits = Limits { fuel: 100, ..Limits::default() };
        let served = Served { reply, ..Served::default() };
        judge(&Turn { end, fuel, time: Duration::ZERO, asked }, served, crate::language::DEFAULT, &limits, refused)
    }

    #[test]
    fn a_cell_that_ended_is_kept_and_over_a_limit_is_failed_all_the_same() {
        let fine = judged(End::Returned(0), 1, None, None, 0);
        assert_eq!((fine.failure, fine.reason, fine.state), (None, None, State::Kept));
        let over = judged(End::Returned(0), 101, None, None, 0);
        assert!(over.is_host_s && over.failure.is_some_and(|failure| failure.name == "FuelExhausted"));
        assert_eq!((over.reason, over.state), (Some(TrapReason::OutOfFuel), State::Kept));
        let own = judged(End::Returned(0), 101, None, Some("E"), 0);
        assert!(!own.is_host_s && own.failure.is_some_and(|failure| failure.name == "E"));
        let memory = judged(End::Returned(0), 1, None, Some("MemoryError"), 1);
        assert_eq!(memory.reason, Some(TrapReason::MemoryLimit));
        assert_eq!(judged(End::Returned(0), 1, None, Some("MemoryError"), 0).reason, None);
    }

    #[test]
    fn what_was_stopped_is_rolled_back_and_says_so() {
        for (end, name) in [
            (End::Stopped(Reason::Interrupt), "KeyboardInterrupt"),
            (End::Stopped(Reason::Fuel), "FuelExhausted"),
            (End::Exited(3), "GuestExited"),
            (End::StackOverflow, "StackOverflow"),
            (End::Trapped("x".into()), "GuestTrap"),
            (End::Returned(1), "SandboxError"),
            (End::Returned(-1), "GuestTrap"),
        ] {
            let verdict = judged(end, 0, None, None, 0);
            let failure = verdict.failure.unwrap();
            assert_eq!((&*failure.name, verdict.state), (name, State::RolledBack));
            assert!(failure.text.ends_with(UNDONE) && verdict.is_host_s);
        }
        let failure = judged(End::Trapped("x".into()), 0, None, None, 1).failure.unwrap();
        assert_eq!(failure.name, "MemoryExhausted");
    }
}
