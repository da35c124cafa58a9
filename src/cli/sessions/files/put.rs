//! `cellblock sessions files ID put`.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;

use crate::cli::sessions::arguments::Place;
use crate::cli::sessions::table;
use crate::observe::{FileWritten, Path};
use crate::session::factory;
use crate::store::SessionId;

#[derive(Debug, clap::Args)]
pub(super) struct Put {
    /// The file to put there; - for the standard input
    file: PathBuf,
    /// Its path in the workspace
    path: String,
    /// Replace the file if it is there
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    place: Place,
}

impl Put {
    pub(super) fn run(self, id: &SessionId) -> anyhow::Result<ExitCode> {
        let files = factory::stored_files(&self.place.policy()?, id)?;
        let path = &self.path;
        let size = if self.file.as_os_str() == "-" {
            files.put(path, &mut std::io::stdin().lock(), self.overwrite)?
        } else {
            let cannot = || format!("cannot read {}", self.file.display());
            let mut file = File::open(&self.file).with_context(cannot)?;
            if file.metadata().with_context(cannot)?.is_dir() {
                bail!("{} is a directory: files are put one by one", self.file.display());
            }
            files.put(path, &mut file, self.overwrite)?
        };
        FileWritten { session: id.as_str(), path: Path(path), size }.log();
        self.place.answer(
            &json!({"session_id": id.as_str(), "path": path, "size": size}),
            &format!("{} is in the session {id} ({}).", table::plain(path), table::size(size)),
        );
        Ok(ExitCode::SUCCESS)
    }
}
