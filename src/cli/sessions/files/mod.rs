//! `cellblock sessions files`.

mod delete;
mod get;
mod list;
mod put;

use std::process::ExitCode;

use clap::Subcommand;

use crate::session::stored_files::Source;
use crate::store::SessionId;

#[derive(Debug, clap::Args)]
pub(super) struct Files {
    /// The session
    id: SessionId,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the files in the workspace
    List(list::List),
    /// Write out a file
    Get(get::Get),
    /// Put a file into the workspace
    Put(put::Put),
    /// Delete a file or a directory
    Delete(delete::Delete),
}

impl Files {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List(command) => command.run(&self.id),
            Command::Get(command) => command.run(&self.id),
            Command::Put(command) => command.run(&self.id),
            Command::Delete(command) => command.run(&self.id),
        }
    }
}

/// Where files were seen, in JSON.
fn source(source: Source) -> serde_json::Value {
    match source {
        Source::WorkingCopy => serde_json::json!("workspace"),
        Source::State(state) => serde_json::json!({"state": state.0}),
    }
}
