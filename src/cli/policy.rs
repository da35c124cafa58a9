//! `--policy` and `--profile`, shared by the commands that run code.

use std::path::PathBuf;

use crate::policy::{Policy, PolicyError, Profile};

#[derive(Debug, clap::Args)]
pub(super) struct PolicyArguments {
    /// A policy file: limits and grants for the sandbox
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The defaults that the policy file changes [default: notebook]
    #[arg(long, value_enum)]
    profile: Option<Profile>,
}

impl PolicyArguments {
    /// The policy that these ask for.
    pub(super) fn policy(&self) -> Result<Policy, PolicyError> {
        match &self.policy {
            Some(file) => Policy::load(file, self.profile),
            None => Ok(Policy::for_profile(self.profile.unwrap_or_default())),
        }
    }
}
