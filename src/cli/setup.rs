//! `cellblock setup`.

use std::io::IsTerminal;
use std::process::ExitCode;

use super::terminal;
use crate::sandbox::Edition;
use crate::setup::progress::{Lines, Progress};
use crate::setup::progress_bar::Bar;
use crate::setup::{Cache, Check, Prepared, ensure, prune, setup};

#[derive(Debug, clap::Args)]
pub(super) struct Setup {
    /// Also prepare what policies with `deterministic = true` need; done on first use otherwise
    #[arg(long)]
    deterministic: bool,
    /// Afterwards remove what older versions prepared, and the downloads
    #[arg(long)]
    prune: bool,
}

impl Setup {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let cache = Cache::of_user()?;
        let builder = super::builder::builder(Edition::Ordinary)?;
        let deterministic = super::builder::builder(Edition::Deterministic)?;
        let progress = progress();
        let prepared = setup(&cache, builder.as_ref(), Check::Contents, progress.as_ref())?;
        terminal::warn(&format!("The sandbox is ready: {}", cache.runtime_dir(prepared.id()).display()));
        if self.deterministic {
            let prepared = setup(&cache, deterministic.as_ref(), Check::Contents, progress.as_ref())?;
            let place = cache.runtime_dir(prepared.id());
            terminal::warn(&format!("That for deterministic sessions too: {}", place.display()));
        }
        if self.prune {
            let waiting = || terminal::warn("another set-up is running; waiting for it to end");
            for removed in prune(&cache, &[builder.as_ref(), deterministic.as_ref()], waiting)? {
                terminal::warn(&format!("removed {removed}"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Opens the prepared runtime, setting it up first where that is needed, with progress on stderr.
pub(super) fn prepared(edition: Edition) -> anyhow::Result<Prepared> {
    let cache = Cache::of_user()?;
    let builder = super::builder::builder(edition)?;
    Ok(ensure(&cache, builder.as_ref(), progress().as_ref())?)
}

/// A bar on a terminal, lines elsewhere.
fn progress() -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() { Box::new(Bar::default()) } else { Box::new(Lines::new(std::io::stderr())) }
}
