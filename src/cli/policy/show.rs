//! `cellblock policy show`.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::origin;
use super::{PolicyArguments, arguments::config_file};
use crate::cli::terminal;
use crate::policy::{Effective, Key, Setting, in_toml};

/// The column of the comments, for values that leave room.
const COMMENTS: usize = 48;

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    policy: PolicyArguments,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let effective = self.policy.search().effective()?;
        if self.json {
            terminal::say_json(&as_json(&effective));
        } else {
            terminal::say(as_text(&effective).trim_end());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A policy file that says the same, with comments on where each value came from.
fn as_text(effective: &Effective) -> String {
    let mut text = String::new();
    match effective.files.split_first() {
        None => text.push_str(&format!("# No policy file: {}.\n", why_none())),
        Some((first, extended)) => {
            text.push_str(&format!("# Read from {}", first.display()));
            extended.iter().for_each(|file| text.push_str(&format!(", which extends {}", file.display())));
            text.push('\n');
        }
    }
    for warning in &effective.warnings {
        text.push_str(&format!("# Warning: {warning}\n"));
    }
    let profile = format!("profile = \"{}\"", effective.policy.profile.as_str());
    let from = match effective.profile {
        crate::policy::Origin::Default(_) => "the default".to_owned(),
        ref other => origin::text(other),
    };
    line(&mut text, &profile, &from);
    for value in effective.values() {
        let name = value.key.name;
        match entries(value.setting) {
            Some(entries) if !entries.is_empty() => {
                for (inner, shown) in entries {
                    let from = effective.origin(value.key, Some(&inner));
                    let inner = in_toml(&Setting::Text(inner)).unwrap_or_default();
                    line(&mut text, &format!("{name}.{inner} = {shown}"), &origin::text(&from));
                }
            }
            _ => match in_toml(value.setting) {
                Some(shown) => line(&mut text, &format!("{name} = {shown}"), &origin::text(&value.origin)),
                None => line(&mut text, &format!("# {name} is not set"), &origin::text(&value.origin)),
            },
        }
    }
    text
}

fn why_none() -> String {
    let unnamed = "neither --policy nor CELLBLOCK_POLICY names one";
    match config_file() {
        Some(file) => format!("{unnamed}, and {} does not exist", file.display()),
        None => format!("{unnamed}, and there is no home directory to look in"),
    }
}

fn line(text: &mut String, value: &str, from: &str) {
    text.push_str(&format!("{value:<COMMENTS$} # {from}\n"));
}

/// The entries of a table of the user's own names, each as it stands in a file.
fn entries(setting: &Setting) -> Option<Vec<(String, String)>> {
    let shown = |setting| in_toml(&setting).unwrap_or_default();
    match setting {
        Setting::Texts(texts) => {
            Some(texts.iter().map(|(name, text)| (name.clone(), shown(Setting::Text(text.clone())))).collect())
        }
        Setting::Mounts(mounts) => {
            Some(mounts.iter().map(|(guest, host)| (guest.clone(), shown(Setting::Path(host.clone())))).collect())
        }
        _ => None,
    }
}

fn as_json(effective: &Effective) -> Value {
    let keys: Map<String, Value> = effective
        .values()
        .map(|value| {
            let (value_of, from) = (json_value(value.setting), origin::json(&value.origin));
            let about = match entries(value.setting) {
                Some(entries) => {
                    let entries = entries_from(effective, value.key, &entries);
                    json!({"value": value_of, "from": from, "entries": entries})
                }
                None => json!({"value": value_of, "from": from}),
            };
            (value.key.name.to_owned(), about)
        })
        .collect();
    json!({
        "profile": {"value": effective.policy.profile.as_str(), "from": origin::json(&effective.profile)},
        "files": effective.files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>(),
        "config_file": config_file().map(|file| file.to_string_lossy().into_owned()),
        "warnings": effective.warnings,
        "keys": keys,
    })
}

fn entries_from(effective: &Effective, key: &'static Key, entries: &[(String, String)]) -> Value {
    entries.iter().map(|(name, _)| (name.clone(), origin::json(&effective.origin(key, Some(name))))).collect()
}

fn json_value(setting: &Setting) -> Value {
    match setting {
        Setting::None => Value::Null,
        Setting::Count(count) => json!(count),
        Setting::Seconds(seconds) => json!(seconds),
        Setting::Flag(flag) => json!(flag),
        Setting::Word(word) => json!(word),
        Setting::Text(text) => json!(text),
        Setting::Path(path) => json!(path.to_string_lossy()),
        Setting::Paths(paths) => paths.iter().map(|path| json!(path.to_string_lossy())).collect(),
        Setting::Names(names) => json!(names),
        Setting::Texts(texts) => json!(texts),
        Setting::Mounts(mounts) => {
            mounts.iter().map(|(guest, host)| (guest.clone(), json!(host.to_string_lossy()))).collect()
        }
    }
}
