//! `--policy` and `--profile`, shared by the commands that run code, and where else a policy is looked for.

use std::path::PathBuf;

use crate::cli::jupyter_dirs::env;
use crate::cli::log;
use crate::policy::{Effective, Policy, PolicyError, Profile, Search, Store};
use crate::setup::Cache;

/// Names the policy file, unless a flag does.
const ENVIRONMENT: &str = "CELLBLOCK_POLICY";
/// The policy in the user's configuration directory.
const FILE: &str = "policy.toml";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PolicyArguments {
    /// A policy file: limits and grants for the sandbox [default: $CELLBLOCK_POLICY, or policy.toml in the user's
    /// configuration directory]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The defaults that the policy file changes [default: notebook]
    #[arg(long, value_enum)]
    profile: Option<Profile>,
}

impl PolicyArguments {
    /// The policy that these ask for. The log has its form from here on; what speaks against the policy's files goes
    /// there.
    pub(in crate::cli) fn policy(&self) -> Result<Policy, PolicyError> {
        let Effective { mut policy, warnings, .. } = self.search().effective()?;
        // Sessions are the user's own affair where the policy names no place for them.
        let own = data_directory().map(Store::Directory);
        policy.session.store = policy.session.store.take().or(own);
        log::use_format(policy.log.format);
        for warning in warnings {
            tracing::warn!("a policy file should not be trusted: {warning}");
        }
        Ok(policy)
    }

    /// Where the policy is looked for.
    pub(in crate::cli) fn search(&self) -> Search {
        Search {
            flag: self.policy.clone(),
            environment: env(ENVIRONMENT).map(PathBuf::from),
            config: config_file(),
            profile: self.profile,
            own: own_directories(),
        }
    }
}

/// Where this program keeps the user's data.
fn data_directory() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "cellblock")?.data_dir().to_owned())
}

/// Where this program keeps what it relies on: no place for cells to write to.
pub(in crate::cli) fn own_directories() -> Vec<PathBuf> {
    let data = data_directory();
    // Running sessions' scratch is in the temporary directory.
    Cache::default_root().ok().into_iter().chain(data).chain([std::env::temp_dir()]).collect()
}

/// Where the user's own policy is, if there is one. Nowhere without a home.
pub(in crate::cli) fn config_file() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "cellblock")?.config_dir().join(FILE))
}
