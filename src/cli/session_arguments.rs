//! Which session a command means.

use anyhow::Context;

use super::sessions::require_allowed;
use crate::policy::{Persist, Policy};
use crate::session::Which;
use crate::store::SessionId;

/// Which session is wanted.
#[derive(Debug, clap::Args)]
pub(super) struct SessionArguments {
    /// The session to go on with, or to begin under this name [default: the notebook's own]
    #[arg(long, value_name = "ID", env = "CELLBLOCK_SESSION")]
    session: Option<String>,
}

/// The variable in which Jupyter says which notebook a kernel is for.
const NOTEBOOK: &str = "JPY_SESSION_NAME";

impl SessionArguments {
    /// The session that is meant: the one that was named, or the notebook's if the policy keeps sessions.
    ///
    /// # Errors
    /// An id that is none, or that the policy does not allow.
    pub(super) fn which(&self, policy: &Policy) -> anyhow::Result<Which> {
        let notebook = std::env::var(NOTEBOOK).ok().filter(|name| !name.is_empty());
        Ok(match (&self.session, notebook) {
            (Some(id), _) => {
                let id = SessionId::parse(id).context("--session or CELLBLOCK_SESSION")?;
                require_allowed(policy, &id).context("--session or CELLBLOCK_SESSION")?;
                Which::Id(id)
            }
            (None, Some(name)) if policy.session.persist == Persist::Cells => Which::Notebook(name),
            _ => Which::Unkept,
        })
    }
}
