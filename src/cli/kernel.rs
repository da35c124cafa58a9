//! `cellblock kernel`: what Jupyter starts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::policy::PolicyArguments;
use crate::policy::Policy;

#[derive(Debug, clap::Args)]
pub(super) struct Kernel {
    /// The file in which Jupyter says where it listens
    #[arg(long, short = 'f', value_name = "FILE")]
    connection_file: PathBuf,
    #[command(flatten)]
    policy: PolicyArguments,
}

impl Kernel {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let policy = self.policy.policy()?;
        serve_kernel(&self.connection_file, policy)
    }
}

/// PLUG POINT: serves a kernel until it is shut down. A set-up that is needed runs while `kernel_info` and
/// the heartbeat are answered already: `runtime::ensure(&cache, builder, &progress::to_channel(sender))`.
fn serve_kernel(connection_file: &Path, policy: Policy) -> anyhow::Result<ExitCode> {
    anyhow::bail!("no kernel in this build yet ({}, {})", connection_file.display(), policy.profile.as_str())
}
