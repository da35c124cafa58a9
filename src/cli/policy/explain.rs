//! `cellblock policy explain`.

use std::process::ExitCode;

use anyhow::bail;

use super::PolicyArguments;
use super::origin;
use crate::cli::terminal;
use crate::policy::{FILE_KEYS, KEYS, Key, defaults, find_key, in_toml, unknown};

#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// A key such as session.persist, or a table such as session [default: all keys]
    key: Option<String>,
    #[command(flatten)]
    policy: PolicyArguments,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Some(name) = &self.key else {
            for (name, doc, _) in FILE_KEYS {
                terminal::say(&format!("{name}\n    {doc}"));
            }
            KEYS.iter().for_each(brief);
            return Ok(ExitCode::SUCCESS);
        };
        if let Some(key) = find_key(name) {
            self.whole(key);
        } else if let Some((name, doc, value)) = FILE_KEYS.iter().find(|(known, _, _)| known == name) {
            terminal::say(&format!("{name}\n\n{doc}\n\nIn a file:\n\n    {name} = {value}"));
        } else if KEYS.iter().any(|key| key.place().0 == Some(name)) {
            KEYS.iter().filter(|key| key.place().0 == Some(name)).for_each(brief);
        } else {
            bail!("{}", unknown(name));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn whole(&self, key: &'static Key) {
        let (takes, defaults) = (key.kind.allowed(), defaults(key).replace('`', ""));
        terminal::say(&format!("{}\n\n{}\n\nTakes {takes}.\n{defaults}", key.name, key.doc));
        match self.policy.search().effective() {
            Ok(effective) => {
                if let Some(value) = effective.value(key) {
                    let shown = in_toml(value.setting).unwrap_or_else(|| "not set".to_owned());
                    terminal::say(&format!("Now: {shown} ({}).", origin::text(&value.origin)));
                }
            }
            // What a key means can be said of a broken policy too.
            Err(error) => terminal::say(&format!("Now: not known. {error}")),
        }
        terminal::say(&format!("\nIn a file:\n\n{}", indented(&key.in_file())));
    }
}

fn brief(key: &Key) {
    terminal::say(&format!("{}\n    {}", key.name, key.doc));
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
