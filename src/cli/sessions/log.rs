//! `cellblock sessions log`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::arguments::Place;
use super::damage::with_advice;
use super::states;
use super::table::{self, Side, table};
use crate::session::output::grouped;
use crate::store::{HistoryLine, SessionId, View};
use crate::timeline::{StateId, Step, Target};

#[derive(Debug, clap::Args)]
pub(super) struct Log {
    /// The session
    id: SessionId,
    #[command(flatten)]
    place: Place,
}

impl Log {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (_, backend) = self.place.open()?;
        let view = View::open(&backend, &self.id).map_err(|error| with_advice(&self.id, error))?;
        // A session that nobody has is where it goes on.
        let here = match view.timeline().current() {
            Target::State(state) => Some(state),
            Target::Fresh => view.resumable(),
        };
        let history = view.history();
        let steps: Vec<Value> = history.iter().map(|line| as_json(line, here)).collect();
        self.place.answer(&json!({"session_id": self.id.as_str(), "steps": steps}), &as_text(&history, here));
        Ok(ExitCode::SUCCESS)
    }
}

/// The word for a step.
fn kind(step: Step) -> &'static str {
    match step {
        Step::Run | Step::Began(_) => "start",
        Step::Reset => "reset",
        Step::State(_) => "cell",
    }
}

fn is_here(line: &HistoryLine, here: Option<StateId>) -> bool {
    match here {
        None => line.current,
        Some(here) => line.step.state() == Some(here),
    }
}

fn as_json(line: &HistoryLine, here: Option<StateId>) -> Value {
    let json = line.state.as_ref().map_or_else(|| json!({}), states::json);
    states::with(json, json!({"kind": kind(line.step), "names": line.names, "current": is_here(line, here)}))
}

fn as_text(history: &[HistoryLine], here: Option<StateId>) -> String {
    let columns = [
        ("", Side::Left),
        ("state", Side::Right),
        ("cell", Side::Right),
        ("when", Side::Left),
        ("ms", Side::Right),
        ("size", Side::Right),
        ("fuel", Side::Right),
        ("code", Side::Left),
    ];
    let rows = history.iter().map(|line| {
        let mark = if is_here(line, here) { "->" } else { "" }.to_owned();
        let named: String = line.names.iter().map(|name| format!("  [{}]", table::plain(name))).collect();
        match (&line.state, line.step) {
            (Some(info), Step::State(_)) => {
                let cell = &info.cell;
                let failed = if cell.ok { "" } else { " (failed)" };
                let with = info.with().map(|with| format!("  ({with})")).unwrap_or_default();
                vec![
                    mark,
                    info.id.to_string(),
                    format!("[{}]", cell.number),
                    table::time(cell.at),
                    grouped(cell.duration_ms),
                    table::size(info.stored_bytes),
                    grouped(cell.fuel),
                    format!("{}{failed}{named}{with}", table::plain(&cell.first_line)),
                ]
            }
            (info, step) => {
                let state = info.as_ref().map(|info| info.id.to_string()).unwrap_or_default();
                let what = if step == Step::Reset { "a reset" } else { "a fresh start" };
                let empty = String::new;
                vec![mark, state, empty(), empty(), empty(), empty(), empty(), format!("{what}{named}")]
            }
        }
    });
    table(&columns, &rows.collect::<Vec<_>>())
}
