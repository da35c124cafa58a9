//! How a turn is judged: what the reply says, what the user is told, and whether the session's memory
//! is kept. One place renders the errors of the host's own.

use serde_json::{Map, Value, json};

use super::desk::{Served, Task};
use super::event::{Event, State, TrapReason};
use super::limits::Limits;
use super::output::grouped;
use crate::observe::shown_lines;
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
    /// The reply's content.
    pub content: Map<String, Value>,
    /// An error to show, when the guest could not or did not.
    pub error: Option<Event>,
    /// Why the cell was ended, if it was.
    pub reason: Option<TrapReason>,
    /// Whether the instance is gone and the last commit must be taken up again.
    pub state: State,
    /// Whose doing the error was, if no request was served.
    pub task: Option<Task>,
}

/// Judges a turn. `refused` is how often growing the memory was refused in it.
pub fn judge(turn: &Turn, served: Served, limits: &Limits, refused: usize) -> Verdict {
    match &turn.end {
        End::Returned(status) if *status != -1 => finished(turn, served, limits, refused, *status),
        _ => broken(turn, limits, refused, served.task),
    }
}

fn finished(turn: &Turn, served: Served, limits: &Limits, refused: usize, status: i32) -> Verdict {
    let Some(content) = served.reply.map(|reply| reply.json) else {
        // What a cell did to the bridge that it cannot answer is not worth keeping.
        let text = format!("the guest gave no answer (status {status}). {UNDONE}");
        return Verdict {
            error: Some(error("SandboxError", &text)),
            content: failure("SandboxError", &text),
            reason: Some(TrapReason::HostError),
            state: State::RolledBack,
            task: None,
        };
    };
    let failed = content.get("status").and_then(Value::as_str) == Some("error");
    let reason = match turn.asked {
        // The verdict is the host's: over a limit is failed, whether or not the cell finished.
        _ if turn.fuel > limits.fuel => Some(TrapReason::OutOfFuel),
        Some(Reason::Time) => Some(TrapReason::Timeout),
        Some(Reason::Interrupt) if failed => Some(TrapReason::Interrupted),
        _ if failed && refused > 0 && name(&content) == "MemoryError" => Some(TrapReason::MemoryLimit),
        _ => None,
    };
    let unsaid = match reason.filter(|_| !failed) {
        Some(TrapReason::OutOfFuel) => ("FuelExhausted", fuel_message(limits.fuel)),
        Some(TrapReason::Timeout) => ("TimeLimitExceeded", time_message(limits.time.unwrap_or_default().as_secs_f64())),
        _ => return Verdict { content, error: None, reason, state: State::Kept, task: None },
    };
    let (ename, text) = unsaid;
    Verdict { error: Some(error(ename, &text)), content: failure(ename, &text), reason, state: State::Kept, task: None }
}

fn name(content: &Map<String, Value>) -> &str {
    content.get("ename").and_then(Value::as_str).unwrap_or_default()
}

fn broken(turn: &Turn, limits: &Limits, refused: usize, task: Option<Task>) -> Verdict {
    let grace = limits.grace.as_secs_f64();
    let who = task.as_ref().map_or_else(|| "the cell".to_owned(), described);
    let (reason, ename, text) = match &turn.end {
        End::Stopped(Reason::Interrupt | Reason::Sample) => (
            TrapReason::Interrupted,
            "KeyboardInterrupt",
            format!("{who} did not end within {grace} s of being interrupted, and was stopped"),
        ),
        End::Stopped(Reason::Fuel) => (TrapReason::OutOfFuel, "FuelExhausted", fuel_message(limits.fuel)),
        End::Stopped(Reason::Time) => {
            (TrapReason::Timeout, "TimeLimitExceeded", time_message(limits.time.unwrap_or_default().as_secs_f64()))
        }
        End::Exited(code) => (
            TrapReason::Exited,
            "GuestExited",
            format!("{who} ended the Python process itself, with status {code} (as os._exit does)"),
        ),
        End::StackOverflow => (
            TrapReason::StackOverflow,
            "StackOverflow",
            format!("native calls nested deeper than the sandbox's stack of {} MiB", WASM_STACK >> 20),
        ),
        _ if refused > 0 => (
            TrapReason::MemoryLimit,
            "MemoryExhausted",
            format!("native code could not go on without memory; {}", memory_message(limits)),
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
    Verdict {
        error: Some(error(ename, &text)),
        content: failure(ename, &text),
        reason: Some(reason),
        state: State::RolledBack,
        task: task.filter(|task| task.is_between),
    }
}

fn described(task: &Task) -> String {
    match task.cell {
        Some(cell) => format!("a task that cell {cell} had started"),
        None => "a task that an earlier cell had started".to_owned(),
    }
}

/// The text of a cell that used up its fuel.
pub fn fuel_message(limit: u64) -> String {
    format!(
        "the cell used more than its budget of {} units of fuel (wasm instructions); `fuel_budget` in the policy raises it",
        grouped(limit)
    )
}

/// The text of a cell that ran for too long.
pub fn time_message(seconds: f64) -> String {
    format!("the cell ran longer than {seconds} seconds; `timeout_seconds` in the policy raises the limit")
}

/// What to say of a memory limit that was met.
pub fn memory_message(limits: &Limits) -> String {
    format!(
        "the limit is {} bytes beyond the warm image (`memory_bytes` in the policy raises it)",
        grouped(limits.memory)
    )
}

/// An error of the host's own.
pub fn error(ename: &str, evalue: &str) -> Event {
    let evalue = &shown_lines(evalue);
    Event::Error { ename: ename.to_owned(), evalue: evalue.to_string(), traceback: traceback(ename, evalue) }
}

/// The content of a reply to a request that failed on the host's side.
pub fn failure(ename: &str, evalue: &str) -> Map<String, Value> {
    let evalue = &*shown_lines(evalue);
    let content = json!({
        "status": "error", "ename": ename, "evalue": evalue, "traceback": traceback(ename, evalue),
        "payload": [], "user_expressions": {},
    });
    match content {
        Value::Object(content) => content,
        _ => Map::new(),
    }
}

/// The content of a reply to a cell that the host has done itself.
pub fn success() -> Map<String, Value> {
    match json!({"status": "ok", "payload": [], "user_expressions": {}}) {
        Value::Object(content) => content,
        _ => Map::new(),
    }
}

/// Red, as IPython shows an exception's name.
fn traceback(ename: &str, evalue: &str) -> Vec<String> {
    vec![format!("\x1b[0;31m{ename}\x1b[0m: {evalue}")]
}
