//! `cellblock policy`, and the arguments that name a policy.

mod arguments;
mod check;
mod explain;
mod origin;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) use arguments::PolicyArguments;

#[derive(Debug, clap::Args)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the policy that is in force, and where each value came from
    Show(show::Show),
    /// Check a policy file
    Check(check::Check),
    /// Say what a key does and takes, and what its value is
    Explain(explain::Explain),
}

impl PolicyCommand {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Show(command) => command.run(),
            Command::Check(command) => command.run(),
            Command::Explain(command) => command.run(),
        }
    }
}
