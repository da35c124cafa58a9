//! `cellblock sessions`: the stored sessions and their files, without a kernel.

mod age;
mod arguments;
mod damage;
mod delete;
mod export;
mod files;
mod fork;
mod import;
mod list;
mod log;
mod prune;
mod resume;
mod show;
mod states;
mod table;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) use arguments::require_allowed;

#[derive(Debug, clap::Args)]
pub(super) struct Sessions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the stored sessions
    List(list::List),
    /// Check a session and say what is in it
    Show(show::Show),
    /// Show the cells of a session that can be gone back to
    Log(log::Log),
    /// Have the next kernel of a session's notebook go on with it
    Resume(resume::Resume),
    /// Make another session that begins where this one is
    Fork(fork::Fork),
    /// Write a session to a file
    Export(export::Export),
    /// Make a session of an exported file
    Import(import::Import),
    /// Delete a session and its files
    Delete(delete::Delete),
    /// Delete the sessions that nothing has happened in for a while
    Prune(prune::Prune),
    /// List, read and change the files of a session
    Files(files::Files),
}

impl Sessions {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List(command) => command.run(),
            Command::Show(command) => command.run(),
            Command::Log(command) => command.run(),
            Command::Resume(command) => command.run(),
            Command::Fork(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Import(command) => command.run(),
            Command::Delete(command) => command.run(),
            Command::Prune(command) => command.run(),
            Command::Files(command) => command.run(),
        }
    }
}
