//! What all these commands take: where sessions are kept, and how to answer.

use anyhow::bail;

use crate::cli::policy::PolicyArguments;
use crate::cli::terminal;
use crate::policy::{Ids, Policy};
use crate::session::factory;
use crate::store::{Backend, SessionId};

/// Where sessions are kept, which the policy says, and how to answer.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    #[command(flatten)]
    policy: PolicyArguments,
    /// Answer with one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl Place {
    /// The policy, and the place that it names.
    pub(super) fn open(&self) -> anyhow::Result<(Policy, Backend)> {
        let policy = self.policy.policy()?;
        let backend = factory::backend(&policy)?;
        Ok((policy, backend))
    }

    /// The policy.
    pub(super) fn policy(&self) -> anyhow::Result<Policy> {
        Ok(self.policy.policy()?)
    }

    /// Prints the answer: the JSON, or the text.
    pub(super) fn answer(&self, json: &serde_json::Value, text: &str) {
        if self.json {
            terminal::say_json(json);
        } else {
            terminal::say(text);
        }
    }
}

/// That a new session may have this id.
///
/// # Errors
/// An id of the user's own where the policy wants UUIDs.
pub(in crate::cli) fn require_allowed(policy: &Policy, id: &SessionId) -> anyhow::Result<()> {
    if policy.session.ids == Ids::Uuid && !id.is_uuid() {
        bail!(
            "the policy allows only UUIDs as sessions' ids (`session.ids = \"uuid\"`), and {id} is none; \
             {} would be one",
            SessionId::random()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_ones_own_only_where_the_policy_allows_them() {
        let any = Policy::default();
        let uuid = Policy { session: crate::policy::Session { ids: Ids::Uuid, ..any.session.clone() }, ..any.clone() };
        let own = SessionId::parse("mine").unwrap();
        assert!(require_allowed(&any, &own).is_ok());
        assert!(require_allowed(&uuid, &SessionId::random()).is_ok());
        assert!(require_allowed(&uuid, &own).unwrap_err().to_string().contains("session.ids"));
    }
}
