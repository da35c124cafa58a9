//! `%session`: what a notebook may ask of its own session, and of no other.

use serde_json::{Map, Value};

use crate::observe::shown;
use crate::session::journal::saving::Standing;
use crate::session::opening::Saved;
use crate::session::output::grouped;
use crate::store::{Cell, Log, SessionId};
use crate::timeline::{Move, Target};

/// Commits that one command may go back or forward at most.
const MOST_STEPS: u64 = 100_000;

/// Characters of a cell's first line, and of names, that are shown.
const LONGEST_LINE: usize = 80;
const LONGEST_LIST: usize = 1_000;

/// A command of `%session`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Answered at once, from what was committed.
    Tell(Tell),
    /// Done once the cell has ended and was committed.
    After(After),
    /// Done in place of the cell, of whose effects nothing stays.
    Go(Move),
}

/// What can be told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    Status,
    Log,
}

/// What needs the cell's own state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    Save(String),
    Fork(SessionId),
}

impl Command {
    /// Reads the door's `session` op.
    ///
    /// # Errors
    /// What is wrong with it, for the user.
    pub fn parse(json: &Map<String, Value>) -> Result<Self, String> {
        let word = json.get("command").and_then(Value::as_str).unwrap_or_default();
        let steps = || match json.get("n") {
            None | Some(Value::Null) => Ok(1),
            Some(n) => n
                .as_u64()
                .filter(|n| (1..=MOST_STEPS).contains(n))
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| format!("{n} is not a number of cells to go; it takes 1 or more")),
        };
        let name = || match json.get("name").and_then(Value::as_str) {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => Err(format!("`%session {word}` takes a name")),
        };
        Ok(match word {
            "status" => Self::Tell(Tell::Status),
            "log" => Self::Tell(Tell::Log),
            "undo" => Self::Go(Move::Undo(steps()?)),
            "redo" => Self::Go(Move::Redo(steps()?)),
            "resume" => Self::Go(Move::Resume),
            "reset" => Self::Go(Move::Reset),
            "restore" => Self::Go(Move::Restore(name()?)),
            "save" => Self::After(After::Save(name()?)),
            "fork" => Self::After(After::Fork(SessionId::parse(&name()?).map_err(|error| error.to_string())?)),
            _ => return Err(format!("there is no command `{}`", word.escape_debug())),
        })
    }
}

/// What is said after a move.
pub fn arrived(to: &Move, log: &Log) -> String {
    let timeline = log.timeline();
    let place = match here(log) {
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
    format!("{done} {place} (undo {}, redo {} more)", timeline.undoable(), timeline.redoable())
}

/// Names, one after another.
fn listed(names: &[String]) -> String {
    shown(&names.join(", "), LONGEST_LIST)
}

/// The cell after which the session is what it is.
pub fn here(log: &Log) -> Option<Cell> {
    match log.timeline().current() {
        Target::State(state) => log.state(state).map(|info| info.cell.clone()),
        Target::Fresh => None,
    }
}

/// `%session`.
pub fn status(id: &SessionId, standing: &Standing, log: Option<&Log>) -> String {
    let mut lines = vec![match (standing.kept, standing.problem()) {
        (true, None) => format!("session {id}, saved after each cell"),
        (true, Some(problem)) => format!("session {id}\n{problem}"),
        (false, None) => match &standing.reason {
            Some(why) => format!("this session is not saved: it goes with the kernel, since {why}"),
            None => "this session is not saved: it goes with the kernel".to_owned(),
        },
        (false, Some(problem)) => format!("this session goes with the kernel\n{problem}"),
    }];
    let Some(log) = log else {
        lines.push("nothing has been committed yet".to_owned());
        return lines.join("\n");
    };
    let (timeline, summary) = (log.timeline(), log.summary());
    lines.push(format!(
        "{} cells back and {} forward (%session undo, %session redo, %session log)",
        timeline.undoable(),
        timeline.redoable()
    ));
    lines.push(format!("{} bytes stored in {} states", grouped(summary.bytes), summary.states));
    if !summary.names.is_empty() {
        lines.push(format!("saved as {} (%session restore NAME)", listed(&summary.names)));
    }
    if let Some(saved) = Saved::of(&summary) {
        lines.push(format!("a session {saved} was there before (%session resume)"));
    }
    lines.join("\n")
}

/// `%session log`.
pub fn log(standing: &Standing, log: Option<&Log>) -> String {
    let problem = standing.problem();
    let Some(log) = log else { return problem.unwrap_or_else(|| "nothing has been committed yet".to_owned()) };
    let mut lines = vec![format!("{:>2} {:>6}  {:<19} {:>12} {:>16}  {}", "", "cell", "when", "bytes", "fuel", "code")];
    for line in log.history() {
        let here = if line.current { "->" } else { "" };
        let named = if line.names.is_empty() { String::new() } else { format!("  [{}]", listed(&line.names)) };
        lines.push(match line.state {
            Some(info) if info.cell.number > 0 => {
                let cell = &info.cell;
                let at = cell.at.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M:%S");
                let failed = if cell.ok { "" } else { " (failed)" };
                let (bytes, fuel) = (grouped(info.stored_bytes), grouped(cell.fuel));
                let number = format!("[{}]", cell.number);
                let code = shown(&cell.first_line, LONGEST_LINE);
                let with = info.with().map(|with| format!("  ({with})")).unwrap_or_default();
                format!("{here:>2} {number:>6}  {at} {bytes:>12} {fuel:>16}  {code}{failed}{named}{with}")
            }
            _ => format!("{here:>2} {:>6}  a fresh start", ""),
        });
    }
    // What is missing in it.
    lines.extend(problem);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(json: serde_json::Value) -> Result<Command, String> {
        Command::parse(json.as_object().unwrap())
    }

    #[test]
    fn commands_are_read() {
        assert_eq!(parse(json!({"command": "undo"})), Ok(Command::Go(Move::Undo(1))));
        assert_eq!(parse(json!({"command": "redo", "n": 3})), Ok(Command::Go(Move::Redo(3))));
        assert_eq!(parse(json!({"command": "save", "name": "x"})), Ok(Command::After(After::Save("x".into()))));
        assert_eq!(parse(json!({"command": "log"})), Ok(Command::Tell(Tell::Log)));
    }

    #[test]
    fn what_is_not_a_command_is_refused() {
        for bad in [
            json!({}),
            json!({"command": "format"}),
            json!({"command": "undo", "n": 0}),
            json!({"command": "undo", "n": -1}),
            json!({"command": "undo", "n": 1e99}),
            json!({"command": "save"}),
            json!({"command": "fork", "name": "../other"}),
        ] {
            assert!(parse(bad.clone()).is_err(), "{bad}");
        }
    }
}
