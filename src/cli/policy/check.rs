//! `cellblock policy check`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::arguments::{config_file, own_directories};
use crate::cli::terminal;
use crate::policy::{Origin, Search};

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The policy file
    file: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let search =
            Search { flag: Some(self.file), config: config_file(), own: own_directories(), ..Search::default() };
        let effective = search.effective()?;
        for file in &effective.files {
            let set =
                effective.values().filter(|value| matches!(&value.origin, Origin::File(path, _) if **path == **file));
            let names: Vec<&str> = set.map(|value| value.key.name).collect();
            let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            terminal::say(&format!("{} is a policy; it sets {names}.", file.display()));
        }
        terminal::say(&format!("The profile is {}.", effective.policy.profile.as_str()));
        for warning in &effective.warnings {
            terminal::say(&format!("warning: {warning}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
