//! `cellblock uninstall`.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::install::Place;
use super::{jupyter_dirs, kernelspec};
use crate::language;

#[derive(Debug, clap::Args)]
pub(super) struct Uninstall {
    /// The kernel's name
    #[arg(long, default_value = language::DEFAULT.kernelspec.name)]
    name: String,
    #[command(flatten)]
    place: Place,
}

impl Uninstall {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        kernelspec::check_name(&self.name)?;
        let found = match self.place.named()? {
            Some(dir) => kernelspec::read(&dir, &self.name).into_iter().collect(),
            None => kernelspec::find(&jupyter_dirs::env, &self.name),
        };
        if found.is_empty() {
            bail!("no kernel named {} that Cellblock installed was found; nothing was removed", self.name);
        }
        for installed in found {
            fs::remove_dir_all(&installed.dir).with_context(|| format!("cannot remove {}", installed.dir.display()))?;
            super::terminal::say(&format!("Removed {}", installed.dir.display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
