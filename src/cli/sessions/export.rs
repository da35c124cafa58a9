//! `cellblock sessions export`.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;

use super::arguments::Place;
use super::damage::with_advice;
use super::table;
use crate::observe::SessionExported;
use crate::store::{Backend, SessionId, archive};

#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The session
    id: SessionId,
    /// The file to write, a tar archive; - for the standard output
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    place: Place,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (_, backend) = self.place.open()?;
        if self.file.as_os_str() == "-" {
            if self.place.json {
                bail!("--json and the archive cannot both go to the standard output: name a file");
            }
            let mut out = BufWriter::new(std::io::stdout().lock());
            archive::export(&backend, &self.id, &mut out).map_err(|error| with_advice(&self.id, error))?;
            out.flush().context("cannot write to the standard output")?;
            return Ok(ExitCode::SUCCESS);
        }
        let bytes = self.write(&backend, &self.file)?;
        let (id, file) = (&self.id, self.file.display());
        SessionExported { session: id.as_str(), bytes }.log();
        self.place.answer(
            &json!({"session_id": id.as_str(), "file": self.file.to_string_lossy(), "bytes": bytes}),
            &format!(
                "The session {id} is in {file} ({}). Whoever has the file has all that is in the session.",
                table::size(bytes)
            ),
        );
        Ok(ExitCode::SUCCESS)
    }

    /// The whole file or none; for the user's eyes alone.
    fn write(&self, backend: &Backend, path: &Path) -> anyhow::Result<u64> {
        let exists = || format!("{} exists already; --overwrite replaces it", path.display());
        if !self.overwrite && path.symlink_metadata().is_ok() {
            bail!(exists());
        }
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let cannot = || format!("cannot write {}", path.display());
        let staged = tempfile::NamedTempFile::new_in(dir).with_context(cannot)?;
        let mut out = BufWriter::new(staged);
        archive::export(backend, &self.id, &mut out).map_err(|error| with_advice(&self.id, error))?;
        let staged = out.into_inner().map_err(|error| error.into_error()).with_context(cannot)?;
        staged.as_file().sync_all().with_context(cannot)?;
        let bytes = staged.as_file().metadata().with_context(cannot)?.len();
        if self.overwrite {
            staged.persist(path).map_err(|error| error.error).with_context(cannot)?;
        } else {
            staged.persist_noclobber(path).map_err(|error| error.error).with_context(exists)?;
        }
        Ok(bytes)
    }
}
