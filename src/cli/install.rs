//! `cellblock install`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::{jupyter_dirs, kernelspec, terminal};
use crate::language;
use crate::policy::Profile;

#[derive(Debug, clap::Args)]
pub(super) struct Install {
    #[command(flatten)]
    place: Place,
    /// The kernel's name, as in `jupyter console --kernel NAME`
    #[arg(long, default_value = language::DEFAULT.kernelspec.name)]
    name: String,
    /// The name that people see
    #[arg(long, default_value = language::DEFAULT.kernelspec.display_name)]
    display_name: String,
    /// The profile of limits that the kernel runs with
    #[arg(long, value_enum)]
    profile: Option<Profile>,
}

/// Where a kernelspec goes.
#[derive(Debug, Clone, clap::Args)]
#[group(multiple = false)]
pub(super) struct Place {
    /// For this user (the default)
    #[arg(long)]
    user: bool,
    /// Into the active Python environment
    #[arg(long)]
    sys_prefix: bool,
    /// Below DIR/share/jupyter
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
}

impl Place {
    /// The Jupyter data directory that is meant; `None` if no place was named.
    pub(super) fn named(&self) -> anyhow::Result<Option<PathBuf>> {
        let env = &jupyter_dirs::env;
        if let Some(prefix) = &self.prefix {
            let prefix = std::path::absolute(prefix).with_context(|| prefix.display().to_string())?;
            return Ok(Some(jupyter_dirs::of_prefix(prefix)));
        }
        if self.sys_prefix {
            let prefix = jupyter_dirs::sys_prefix(env);
            let prefix = prefix.context("no Python environment was found: activate one, or use --prefix")?;
            return Ok(Some(jupyter_dirs::of_prefix(prefix)));
        }
        if self.user { jupyter_dirs::user(env).map(Some) } else { Ok(None) }
    }
}

impl Install {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        kernelspec::check_name(&self.name)?;
        let data_dir = match self.place.named()? {
            Some(dir) => dir,
            None => jupyter_dirs::user(&jupyter_dirs::env)?,
        };
        let executable = std::env::current_exe().context("cannot find this program's own path")?;
        let kernel = kernelspec::kernel_json(&executable, &self.display_name, self.profile);
        let dir = kernelspec::write(&data_dir, &self.name, &kernel)?;
        terminal::say(&format!("Installed the kernel {} ({}) in {}", self.name, self.display_name, dir.display()));
        terminal::say("The first start sets up the sandbox; `cellblock setup` does it now.");
        Ok(ExitCode::SUCCESS)
    }
}
