//! `cellblock sessions fork`.

use std::process::ExitCode;

use serde_json::json;

use super::arguments::{Place, require_allowed};
use super::damage::with_advice;
use super::states;
use crate::observe::SessionForked;
use crate::session::factory;
use crate::session::offline::OfflineAccess;
use crate::store::{SessionId, StoreError};
use crate::timeline::{MoveError, StateId};

#[derive(Debug, clap::Args)]
pub(super) struct Fork {
    /// The session
    id: SessionId,
    /// The new session
    name: SessionId,
    /// Begin at this state, one of those that `log` shows [default: where the session would go on]
    #[arg(long, value_name = "STATE")]
    at: Option<u64>,
    #[command(flatten)]
    place: Place,
}

impl Fork {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (policy, backend) = self.place.open()?;
        let (id, name) = (&self.id, &self.name);
        require_allowed(&policy, name)?;
        let keep = factory::keep(&policy);
        let access = OfflineAccess { backend: &backend, id, holder: "cellblock sessions fork", keep };
        let mut log = access.open().map_err(|error| with_advice(id, error))?;
        let at = self.at.map(StateId).or(log.timeline().previous());
        let at = at.ok_or(StoreError::Move(MoveError::NothingToResume))?;
        log.fork(name, Some(at))?;
        let info = log.state(at).cloned();
        log.close()?;
        SessionForked { session: id.as_str(), fork: name.as_str() }.log();
        let words = info.as_ref().map(states::words).unwrap_or_default();
        self.place.answer(
            &json!({"session_id": name.as_str(), "forked_from": id.as_str(), "state": at.0}),
            &format!(
                "{name} is a session that begins at {words}.\n\
                 `cellblock sessions resume {name} --notebook PATH` gives it to a notebook; \
                 `CELLBLOCK_SESSION={name} jupyter lab` gives it to a kernel."
            ),
        );
        Ok(ExitCode::SUCCESS)
    }
}
