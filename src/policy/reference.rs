//! Texts made from the table of keys: values as TOML, the commented file, the page of keys.

use std::fmt::Write as _;

use super::as_toml::in_toml;
use super::file::{EXTENDS, FILE_KEYS};
use super::keys::KEYS;
use super::kind::{Kind, Setting};
use super::{Key, Profile, size};

/// A value for people to read: sizes with their units, none for one that is not set.
fn for_people(key: &Key, setting: &Setting) -> Option<String> {
    match (key.kind, setting) {
        (Kind::Size(..), Setting::Count(bytes)) => Some(size::shown(*bytes)),
        (_, Setting::Paths(paths)) if paths.is_empty() => None,
        (kind, _) if kind.is_table() => None,
        _ => in_toml(setting),
    }
}

/// A commented policy file with the defaults of `notebook`: what `config/policy.toml` is.
pub fn sample_file() -> String {
    let mut text = String::from(
        "# A policy for Cellblock: what a session may use and see. Every key is optional; what is here are the\n\
         # defaults of the profile `notebook`. Give it with `--policy FILE`, name it in CELLBLOCK_POLICY, or put it where\n\
         # `cellblock policy show` says that it looks. Nothing in a notebook can change it. docs/policy.md says more.\n",
    );
    for (name, doc, value) in FILE_KEYS {
        let unset = if name == EXTENDS { "# " } else { "" };
        let _ = write!(text, "\n# {doc}\n{unset}{name} = {value}\n");
    }
    let mut table = None;
    for key in KEYS {
        let (place, name) = key.place();
        if place != table {
            table = place;
            let _ = write!(text, "\n[{}]\n", place.unwrap_or_default());
        }
        let _ = write!(text, "\n# {}\n# Takes {}.", key.doc, key.kind.allowed());
        let others = [Profile::Agent, Profile::Strict].map(|profile| for_people(key, &key.default(profile)));
        let notebook = for_people(key, &key.default(Profile::Notebook));
        if let [Some(agent), Some(strict)] = &others
            && others.iter().any(|other| *other != notebook)
        {
            let _ = write!(text, " agent: {agent}, strict: {strict}.");
        }
        let _ = match (notebook, in_toml(&key.default(Profile::Notebook))) {
            (Some(_), Some(value)) => writeln!(text, "\n{name} = {value}"),
            _ if key.kind.is_table() => writeln!(text, "\n[{name}]\n# {}", key.example),
            _ => writeln!(text, "\n# {name} = {}", key.example),
        };
    }
    text
}

/// The reference of all keys: what stands below the mark in `docs/policy.md`.
pub fn key_page() -> String {
    let mut text = String::new();
    let mut last = Some("");
    for key in KEYS {
        let (table, _) = key.place();
        if table != last {
            last = table;
            let _ = match table {
                Some(table) => write!(text, "\n### `[{table}]`\n"),
                None => write!(text, "\n### At the top\n"),
            };
        }
        let _ = write!(text, "\n#### `{}`\n\n{}\n\nTakes {}.", key.name, key.doc, key.kind.allowed());
        let _ = writeln!(text, " {}", defaults(key));
    }
    text
}

/// The defaults of the profiles, as a sentence.
pub fn defaults(key: &Key) -> String {
    let shown = Profile::ALL.map(|profile| for_people(key, &key.default(profile)));
    let [Some(notebook), Some(agent), Some(strict)] = shown else { return "Default: not set.".to_owned() };
    if notebook == agent && agent == strict {
        return format!("Default: `{notebook}`.");
    }
    format!("Defaults: notebook `{notebook}`, agent `{agent}`, strict `{strict}`.")
}
