//! `cellblock sessions delete`.

use std::process::ExitCode;

use serde_json::json;

use super::arguments::Place;
use super::table;
use crate::observe::SessionDeleted;
use crate::session::working_copy;
use crate::store::SessionId;

#[derive(Debug, clap::Args)]
pub(super) struct Delete {
    /// The session
    id: SessionId,
    #[command(flatten)]
    place: Place,
}

impl Delete {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (_, backend) = self.place.open()?;
        let id = &self.id;
        let bytes = working_copy::delete_session(&backend, id)?;
        SessionDeleted { session: id.as_str(), bytes }.log();
        self.place.answer(
            &json!({"session_id": id.as_str(), "deleted": true, "reclaimed_bytes": bytes}),
            &format!("The session {id} is deleted: {} are free again.", table::size(bytes)),
        );
        Ok(ExitCode::SUCCESS)
    }
}
