//! The command line: one file for each subcommand. The only room that writes for people to read on
//! stdout and stderr.

mod builder;
mod doctor;
mod foreign_arguments;
mod install;
mod jupyter_dirs;
mod metrics_signal;

mod kernel;
mod kernelspec;
mod log;
mod policy;
mod run;
mod session;
mod session_arguments;
mod sessions;
mod setup;
mod terminal;
mod uninstall;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use foreign_arguments::Parsed;

/// Notebook cells in a WebAssembly sandbox.
#[derive(Debug, Parser)]
#[command(name = "cellblock", version, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    log: log::LogArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the kernel known to Jupyter
    Install(install::Install),
    /// Remove the kernel from Jupyter
    Uninstall(uninstall::Uninstall),
    /// Run as a Jupyter kernel; Jupyter calls this
    Kernel(kernel::Kernel),
    /// Execute a notebook in the sandbox and write its outputs back
    Run(run::Run),
    /// Fetch, compile and warm up what cells run on, as far as it has not been done
    Setup(setup::Setup),
    /// Check the set-up and the kernelspec, and say what to do
    Doctor(doctor::Doctor),
    /// List, check and change stored sessions and their files
    Sessions(sessions::Sessions),
    /// Show, check and explain what sessions may use and see
    Policy(policy::PolicyCommand),
}

/// The exit code of a command line that makes no sense.
const MISUSED: u8 = 2;

/// What `main` does: parses the arguments, runs the command, tells the error.
pub fn main() -> ExitCode {
    let snapshots = metrics_signal::SnapshotRequests::heed();
    let Parsed { arguments, foreign } = match foreign_arguments::parse::<Arguments>(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        // It quotes what it does not know, such as the name of a file that a shell filled in.
        Err(error) if error.use_stderr() => {
            terminal::warn_part(&error.render().to_string());
            return ExitCode::from(MISUSED);
        }
        Err(help) => help.exit(),
    };
    let result = snapshots.context("cannot heed signals").and_then(|snapshots| {
        arguments.log.start()?;
        match arguments.command {
            Command::Install(command) => command.run(),
            Command::Uninstall(command) => command.run(),
            Command::Kernel(command) => command.run(snapshots, &foreign),
            Command::Run(command) => command.run(snapshots),
            Command::Setup(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Sessions(command) => command.run(),
            Command::Policy(command) => command.run(),
        }
    });
    result.unwrap_or_else(|error| {
        terminal::warn(&format!("cellblock: {error:#}"));
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
