//! `cellblock sessions import`.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use super::arguments::{Place, require_allowed};
use crate::observe::SessionImported;
use crate::session::factory;
use crate::store::{SessionId, StoreError, archive};

#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The file that `export` wrote
    file: PathBuf,
    /// The session's new id [default: the one that it had]
    #[arg(long = "as", value_name = "ID")]
    id: Option<SessionId>,
    #[command(flatten)]
    place: Place,
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (policy, backend) = self.place.open()?;
        let cannot = || format!("cannot read {}", self.file.display());
        let mut file = BufReader::new(File::open(&self.file).with_context(cannot)?);
        let id = match self.id.clone() {
            Some(id) => id,
            None => archive::session_id(&mut file).with_context(cannot)?,
        };
        require_allowed(&policy, &id)?;
        file.rewind().with_context(cannot)?;
        let limit = factory::keep(&policy).total_bytes;
        let imported = archive::import(&backend, &mut file, Some(&id), limit).map_err(|error| match error {
            StoreError::Exists(_) if self.id.is_none() => {
                anyhow::anyhow!("there is a session {id} already: give this one another id with --as ID")
            }
            other => anyhow::Error::from(other).context(cannot()),
        })?;
        SessionImported { session: imported.as_str() }.log();
        self.place.answer(
            &json!({"session_id": imported.as_str(), "file": self.file.to_string_lossy()}),
            &format!(
                "The session {imported} is stored.\n\
                 `cellblock sessions resume {imported} --notebook PATH` gives it to a notebook; \
                 `CELLBLOCK_SESSION={imported} jupyter lab` gives it to a kernel."
            ),
        );
        Ok(ExitCode::SUCCESS)
    }
}
