//! `cellblock sessions files ID delete`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::sessions::arguments::Place;
use crate::cli::sessions::table;
use crate::observe::{self, FileDeleted};
use crate::session::factory;
use crate::store::SessionId;

#[derive(Debug, clap::Args)]
pub(super) struct Delete {
    /// The file, by its path in the workspace
    path: String,
    /// Delete a directory with all that is in it
    #[arg(long)]
    recursive: bool,
    #[command(flatten)]
    place: Place,
}

impl Delete {
    pub(super) fn run(self, id: &SessionId) -> anyhow::Result<ExitCode> {
        let files = factory::stored_files(&self.place.policy()?, id)?;
        let path = &self.path;
        let deleted = files.delete(path, self.recursive)?;
        FileDeleted { session: id.as_str(), path: observe::Path(path), files: deleted.files, bytes: deleted.bytes }
            .log();
        self.place.answer(
            &json!({"session_id": id.as_str(), "path": path, "deleted": {"files": deleted.files, "bytes": deleted.bytes}}),
            &format!("{} is deleted from the session {id} ({}).", table::plain(path), table::size(deleted.bytes)),
        );
        Ok(ExitCode::SUCCESS)
    }
}
