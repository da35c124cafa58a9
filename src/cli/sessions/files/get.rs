//! `cellblock sessions files ID get`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::source;
use crate::cli::sessions::arguments::Place;
use crate::cli::sessions::table;
use crate::observe::{self, FileRead};
use crate::session::factory;
use crate::store::SessionId;
use crate::timeline::StateId;

#[derive(Debug, clap::Args)]
pub(super) struct Get {
    /// The file, by its path in the workspace
    path: String,
    /// Where to write it, in place of what is there; - for the standard output, which is the default
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The state whose files are meant, by its number (`cellblock sessions log`); without it, the workspace as it is
    #[arg(long, value_name = "STATE")]
    state: Option<u64>,
    #[command(flatten)]
    place: Place,
}

impl Get {
    pub(super) fn run(self, id: &SessionId) -> anyhow::Result<ExitCode> {
        let mut files = factory::stored_files(&self.place.policy()?, id)?;
        files.state = self.state.map(StateId);
        let output = self.output.as_deref().filter(|output| output.as_os_str() != "-");
        let path = &self.path;
        let (size, json, text) = match output {
            Some(output) => {
                let cannot = || format!("cannot write {}", output.display());
                if output.is_dir() {
                    bail!("{} is a directory: name the file", output.display());
                }
                let dir = output.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
                // In full or not at all.
                let mut staged =
                    tempfile::Builder::new().permissions(readable()).tempfile_in(dir).with_context(cannot)?;
                let (size, seen) = files.get(path, &mut staged)?;
                staged.persist(output).map_err(|error| error.error).with_context(cannot)?;
                let json = json!({
                    "session_id": id.as_str(), "path": path, "size": size, "source": source(seen),
                    "file": output.to_string_lossy(),
                });
                let text = format!("{path} is in {} ({})", output.display(), table::size(size));
                (size, json, Some(text))
            }
            None if self.place.json => {
                let mut content = Vec::new();
                let (size, seen) = files.get(path, &mut content)?;
                let json = json!({
                    "session_id": id.as_str(), "path": path, "size": size, "source": source(seen),
                    "encoding": "base64", "content": STANDARD.encode(content),
                });
                (size, json, None)
            }
            None => {
                let mut out = std::io::stdout().lock();
                let (size, _) = files.get(path, &mut out)?;
                out.flush().context("cannot write to the standard output")?;
                (size, json!({}), None)
            }
        };
        FileRead { session: id.as_str(), path: observe::Path(path), size }.log();
        if self.place.json || text.is_some() {
            self.place.answer(&json, &text.unwrap_or_default());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// As any new file has them: the umask takes its part.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}
