//! `%session`: what a notebook may ask of its own session, and of no other.

use serde_json::{Map, Value};

use crate::store::SessionId;
use crate::timeline::Move;

/// Commits that one command may go back or forward at most.
const MOST_STEPS: u64 = 100_000;

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
