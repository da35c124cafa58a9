//! `cellblock sessions files ID list`.

use std::process::ExitCode;

use chrono::DateTime;
use serde_json::{Value, json};

use super::source;
use crate::cli::sessions::arguments::Place;
use crate::cli::sessions::states::count;
use crate::cli::sessions::table::{self, Side, table};
use crate::observe::FileListed;
use crate::session::factory;
use crate::session::stored_files::Source;
use crate::store::SessionId;
use crate::timeline::StateId;
use crate::workspace::Listed;

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only files of these names: *.csv anywhere, data/*.csv, data/**
    pattern: Option<String>,
    /// The state whose files are meant, by its number (`cellblock sessions log`); without it, the workspace as it is
    #[arg(long, value_name = "STATE")]
    state: Option<u64>,
    #[command(flatten)]
    place: Place,
}

impl List {
    pub(super) fn run(self, id: &SessionId) -> anyhow::Result<ExitCode> {
        let mut files = factory::stored_files(&self.place.policy()?, id)?;
        files.state = self.state.map(StateId);
        let (listed, seen) = files.list(self.pattern.as_deref())?;
        FileListed { session: id.as_str(), files: listed.len() as u64 }.log();
        let json: Vec<Value> = listed.iter().map(as_json).collect();
        self.place.answer(
            &json!({"session_id": id.as_str(), "source": source(seen), "files": json}),
            &as_text(&listed, seen),
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(file: &Listed) -> Value {
    json!({"path": file.path, "size": file.size, "modified_at": DateTime::from_timestamp_nanos(file.mtime_ns)})
}

fn as_text(files: &[Listed], seen: Source) -> String {
    let rows = files.iter().map(|file| {
        let modified = table::time(DateTime::from_timestamp_nanos(file.mtime_ns));
        vec![table::size(file.size), modified, table::plain(&file.path)]
    });
    let columns = [("size", Side::Right), ("changed", Side::Left), ("path", Side::Left)];
    let mut lines = Vec::new();
    if !files.is_empty() {
        lines.push(table(&columns, &rows.collect::<Vec<_>>()));
    }
    let bytes = files.iter().map(|file| file.size).fold(0, u64::saturating_add);
    let place = match seen {
        Source::WorkingCopy => String::new(),
        Source::State(state) => format!(" in the stored state {state}"),
    };
    lines.push(format!("{}, {}{place}", count(files.len() as u64, "file"), table::size(bytes)));
    lines.join("\n")
}
