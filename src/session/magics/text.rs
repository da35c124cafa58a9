//! The words in which a notebook is told what came of `%session`.

use crate::observe::shown;
use crate::session::checkpoint::commit::named;
use crate::session::operation::{Arrival, LogEntry, Portable, Status};
use crate::session::output::grouped;
use crate::store::SessionId;
use crate::timeline::Move;

/// Characters of a cell's first line, and of names, that are shown.
const LONGEST_LINE: usize = 80;
const LONGEST_LIST: usize = 1_000;
/// Letters of a file's name in a sentence.
const LONGEST_NAME: usize = 200;

/// What is said after a move of the session `id`, which is `kept` or not.
pub fn arrival(to: &Move, arrival: &Arrival, id: &SessionId, kept: bool) -> String {
    if let Some(portable) = &arrival.portable {
        return taken_up(portable);
    }
    if arrival.cell.is_none() && arrival.undoable == 0 && arrival.redoable == 0 {
        return "the session is fresh".to_owned();
    }
    let place = match &arrival.cell {
        Some(cell) if cell.number > 0 => {
            format!("the state after cell [{}]: {}", cell.number, shown(&cell.first_line, LONGEST_LINE))
        }
        Some(_) => "the state before the first cell".to_owned(),
        None => "a fresh session".to_owned(),
    };
    let done = match to {
        Move::Undo(_) => "went back to",
        Move::Redo(_) => "went forward to",
        Move::Resume => "resumed",
        _ => "went to",
    };
    let text = format!("{done} {place} (undo {}, redo {} more)", arrival.undoable, arrival.redoable);
    if arrival.left_alone.is_empty() {
        return text;
    }
    let left = format!("somebody else has changed {} since: left as it is now", named(&arrival.left_alone));
    let file = arrival.recorded.as_ref().and_then(|(path, state)| Some((path.strip_prefix("app/")?, state)));
    match file {
        Some((file, state)) if kept => format!(
            "{text}; {left} (`cellblock sessions files {id} get {} --state {state}` has what would have been put there)",
            quoted(&shown(file, LONGEST_NAME))
        ),
        _ => format!("{text}; {left}"),
    }
}

fn taken_up(portable: &Portable) -> String {
    let Portable::TakenUp { loaded, lost } = portable else {
        return "nothing of the saved session is portable: it was never closed, or saved by hand".to_owned();
    };
    let lost = if lost.is_empty() { "nothing was lost".to_owned() } else { format!("lost: {}", lost.join(", ")) };
    format!(
        "took up {loaded} variables of a session of another version of Cellblock, or with another `deterministic`; {lost}"
    )
}

/// What is said of a state that has a name now.
pub fn saved(name: &str) -> String {
    format!("saved as {name}: %session restore {name} comes back to it")
}

/// What is said of a fork.
pub fn forked(id: &SessionId) -> String {
    format!("forked as {id}: start a kernel with `--session {id}` or CELLBLOCK_SESSION={id} to go on there")
}

/// Names, one after another.
fn listed(names: &[String]) -> String {
    shown(&names.join(", "), LONGEST_LIST)
}

/// `%session`.
pub fn status(status: &Status) -> String {
    let id = &status.id;
    let mut lines = vec![match (status.kept, &status.problem) {
        (true, None) => format!("session {id}, saved after each cell"),
        (true, Some(problem)) => format!("session {id}\n{problem}"),
        (false, None) => match &status.reason {
            Some(why) => format!("this session is not saved: it goes with the kernel, since {why}"),
            None => "this session is not saved: it goes with the kernel".to_owned(),
        },
        (false, Some(problem)) => format!("this session goes with the kernel\n{problem}"),
    }];
    let Some(stored) = &status.stored else {
        lines.push("nothing has been committed yet".to_owned());
        return lines.join("\n");
    };
    lines.push(format!(
        "{} cells back and {} forward (%session undo, %session redo, %session log)",
        stored.undoable, stored.redoable
    ));
    lines.push(format!("{} bytes stored in {} states", grouped(stored.bytes), stored.states));
    if !stored.names.is_empty() {
        lines.push(format!("saved as {} (%session restore NAME)", listed(&stored.names)));
    }
    if let Some(before) = &stored.before {
        lines.push(format!("a session {before} was there before (%session resume)"));
    }
    lines.join("\n")
}

/// `%session log`. `problem` is what is missing in it.
pub fn log(entries: &[LogEntry], problem: Option<String>) -> String {
    if entries.is_empty() {
        return problem.unwrap_or_else(|| "nothing has been committed yet".to_owned());
    }
    let mut lines = vec![format!("{:>2} {:>6}  {:<19} {:>12} {:>16}  {}", "", "cell", "when", "bytes", "fuel", "code")];
    for entry in entries {
        let here = if entry.current { "->" } else { "" };
        let named = if entry.names.is_empty() { String::new() } else { format!("  [{}]", listed(&entry.names)) };
        lines.push(match &entry.state {
            Some(state) if state.cell.number > 0 => {
                let cell = &state.cell;
                let at = cell.at.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M:%S");
                let failed = if cell.ok { "" } else { " (failed)" };
                let (bytes, fuel) = (grouped(state.stored_bytes), grouped(cell.fuel));
                let number = format!("[{}]", cell.number);
                let code = shown(&cell.first_line, LONGEST_LINE);
                let with = state.with.as_ref().map(|with| format!("  ({with})")).unwrap_or_default();
                format!("{here:>2} {number:>6}  {at} {bytes:>12} {fuel:>16}  {code}{failed}{named}{with}")
            }
            _ => format!("{here:>2} {:>6}  a fresh start", ""),
        });
    }
    lines.extend(problem);
    lines.join("\n")
}

/// As a shell takes it for one word.
fn quoted(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "._-/+@%".contains(letter);
    if name.chars().all(is_plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', "'\\''")) }
}
