//! What one key of the policy file is; `keys` is the table of all.

use std::collections::BTreeMap;

use super::as_toml::in_toml;
use super::kind::{Kind, Setting};
use super::{Policy, Profile};

/// A default, in a form that a table can hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Default {
    None,
    Count(u64),
    Seconds(f64),
    Flag(bool),
    Word(&'static str),
    NoPaths,
    NoNames,
    NoTexts,
    NoMounts,
}

impl Default {
    fn setting(self) -> Setting {
        match self {
            Self::None => Setting::None,
            Self::Count(count) => Setting::Count(count),
            Self::Seconds(seconds) => Setting::Seconds(seconds),
            Self::Flag(flag) => Setting::Flag(flag),
            Self::Word(word) => Setting::Word(word),
            Self::NoPaths => Setting::Paths(Vec::new()),
            Self::NoNames => Setting::Names(Vec::new()),
            Self::NoTexts => Setting::Texts(BTreeMap::new()),
            Self::NoMounts => Setting::Mounts(BTreeMap::new()),
        }
    }
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its whole name: `fuel_budget`, or `session.persist` for `persist` in the table `session`.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// For `notebook`, `agent` and `strict`.
    pub(super) defaults: [Default; 3],
    /// A value as it stands in a file, where a default does not show one.
    pub(super) example: &'static str,
    pub(super) set: fn(&mut Policy, Setting),
}

impl Key {
    /// Puts a value of this key's kind into a policy.
    pub(super) fn set(&self, policy: &mut Policy, setting: Setting) {
        (self.set)(policy, setting);
    }

    /// Its value where no file sets it.
    pub fn default(&self, profile: Profile) -> Setting {
        let [notebook, agent, strict] = self.defaults;
        match profile {
            Profile::Notebook => notebook.setting(),
            Profile::Agent => agent.setting(),
            Profile::Strict => strict.setting(),
        }
    }

    /// The table of the file that it stands in, and its name there.
    pub fn place(&self) -> (Option<&'static str>, &'static str) {
        match self.name.split_once('.') {
            Some((table, name)) => (Some(table), name),
            None => (None, self.name),
        }
    }

    /// How it stands in a file, with an example of a value.
    pub fn in_file(&self) -> String {
        let (table, name) = self.place();
        let table = table.map(|table| format!("[{table}]\n")).unwrap_or_default();
        match (self.kind.is_table(), in_toml(&self.default(Profile::Notebook))) {
            (true, _) => format!("{table}[{name}]\n{}", self.example),
            (_, Some(value)) if self.example.is_empty() => format!("{table}{name} = {value}"),
            _ => format!("{table}{name} = {}", self.example),
        }
    }
}
