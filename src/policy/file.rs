//! Reads one policy file, without the files that it extends.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, find_key};
use super::kind::{Setting, one_of};
use super::nearest::nearest;
use super::trust::doubt;
use super::value::{self, Mistake, mistake, wrong};
use super::{Key, PolicyError, Profile};

/// Far more than a policy needs.
const MAX_FILE: u64 = 1 << 20;
/// The key that names a profile.
const PROFILE: &str = "profile";
/// The key that names the file to begin with.
pub const EXTENDS: &str = "extends";
/// The two keys that set nothing themselves: name, what it does, a value.
pub const FILE_KEYS: [(&str, &str, &str); 2] = [
    (
        PROFILE,
        "The defaults that the other keys change: notebook, agent or strict. `--profile` goes before it.",
        "\"notebook\"",
    ),
    (
        EXTENDS,
        "Another policy file, relative to this one. The keys here go over its keys; `env` and `mounts` are merged name by name.",
        "\"base.toml\"",
    ),
];

/// What one file says.
pub struct PolicyFile {
    /// The file.
    pub path: Arc<Path>,
    /// Device and inode: the same for two paths of one file.
    pub identity: (u64, u64),
    /// What speaks against trusting it.
    pub doubt: Option<String>,
    /// The profile that it names, and the line.
    pub profile: Option<(Profile, usize)>,
    /// The file that it extends, and the line.
    pub extends: Option<(PathBuf, usize)>,
    /// What it sets.
    pub entries: Vec<Entry>,
}

/// One key in a file.
pub struct Entry {
    pub key: &'static Key,
    pub setting: Setting,
    pub line: usize,
    /// For a table of the user's own names: the line of each.
    pub lines: Vec<(String, usize)>,
}

impl PolicyFile {
    /// Reads `path`.
    ///
    /// # Errors
    /// A file that cannot be read, or any mistake in it.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let unreadable = |cause| PolicyError::Unreadable { path: path.to_owned(), cause };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let found = file.metadata().map_err(unreadable)?;
        if found.is_dir() {
            return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
        }
        let mut text = String::new();
        file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_FILE {
            return Err(unreadable(std::io::Error::other("it is larger than 1 MiB")));
        }
        let mut read = Self {
            path: path.into(),
            identity: (found.dev(), found.ino()),
            doubt: doubt(path, &found),
            profile: None,
            extends: None,
            entries: Vec::new(),
        };
        let line = |at| line_of(&text, at);
        match read.parse(&text, path.parent().unwrap_or(Path::new("")), &line) {
            Ok(()) => Ok(read),
            Err(Mistake { at, problem }) => Err(read.mistake(line(at), problem)),
        }
    }

    /// A mistake in this file.
    pub fn mistake(&self, line: usize, problem: String) -> PolicyError {
        PolicyError::Mistake { path: self.path.to_path_buf(), line, problem }
    }

    fn parse(&mut self, text: &str, base: &Path, line: &dyn Fn(usize) -> usize) -> Result<(), Mistake> {
        let table = DeTable::parse(text).map_err(|error| Mistake {
            at: error.span().map_or(0, |span| span.start),
            problem: error.message().to_owned(),
        })?;
        for (name, value) in table.get_ref() {
            match (&**name.get_ref(), value.get_ref()) {
                (PROFILE, _) => self.profile = Some((profile(value)?, line(value.span().start))),
                (EXTENDS, _) => self.extends = Some((extended(value, base)?, line(value.span().start))),
                (section, DeValue::Table(inner)) if is_section(section) => {
                    for (name, value) in inner {
                        self.entry(&format!("{section}.{}", name.get_ref()), name.span().start, value, base, line)?;
                    }
                }
                (section, _) if is_section(section) => return Err(wrong(section, value, "a table of keys")),
                (name_here, _) => self.entry(name_here, name.span().start, value, base, line)?,
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        name: &str,
        at: usize,
        value: &Spanned<DeValue<'_>>,
        base: &Path,
        line: &dyn Fn(usize) -> usize,
    ) -> Result<(), Mistake> {
        let key = find_key(name).ok_or_else(|| mistake(&(at..at), unknown(name)))?;
        let setting = value::setting(key, value, base)?;
        let lines = match value.get_ref() {
            DeValue::Table(table) => {
                table.iter().map(|(name, _)| (name.get_ref().to_string(), line(name.span().start))).collect()
            }
            _ => Vec::new(),
        };
        self.entries.push(Entry { key, setting, line: line(at), lines });
        Ok(())
    }
}

/// The line of a byte, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The tables that hold keys.
fn sections() -> impl Iterator<Item = &'static str> + Clone {
    KEYS.iter().filter_map(|key| key.place().0)
}

fn is_section(name: &str) -> bool {
    sections().any(|section| section == name)
}

/// There is no such key; which one was meant?
pub fn unknown(name: &str) -> String {
    let meant = nearest_name(name);
    match (meant, name.split_once('.')) {
        (Some(known), _) => format!("there is no key `{name}`; did you mean `{known}`?"),
        (None, Some((section, _))) if is_section(section) => {
            let names = KEYS.iter().filter(|key| key.place().0 == Some(section)).map(|key| key.place().1);
            format!("there is no key `{name}`; the keys of `{section}` are {}", names.collect::<Vec<_>>().join(", "))
        }
        (None, _) => format!("there is no key `{name}`; `cellblock policy explain` lists all"),
    }
}

/// The key that was probably meant, which may lie in a table that was forgotten.
fn nearest_name(name: &str) -> Option<&'static str> {
    let all = || KEYS.iter().map(|key| key.name);
    let last = |name: &'static str| name.rsplit('.').next();
    let near = match name.split_once('.') {
        Some((section, inner)) if is_section(section) => {
            let inside = all().filter(|known| known.split_once('.').is_some_and(|(known, _)| known == section));
            let meant = nearest(inner, inside.clone().filter_map(last));
            inside.clone().find(|known| last(known) == meant)
        }
        _ => nearest(name, all().chain([PROFILE, EXTENDS]).chain(sections())),
    };
    near.or_else(|| all().find(|known| last(known) == name.rsplit('.').next()))
}

fn profile(value: &Spanned<DeValue<'_>>) -> Result<Profile, Mistake> {
    let known = match value.get_ref() {
        DeValue::String(name) => Profile::ALL.into_iter().find(|profile| profile.as_str() == name),
        _ => None,
    };
    known.ok_or_else(|| wrong(PROFILE, value, &one_of(&Profile::ALL.map(Profile::as_str))))
}

fn extended(value: &Spanned<DeValue<'_>>, base: &Path) -> Result<PathBuf, Mistake> {
    let path = match value.get_ref() {
        DeValue::String(text) => super::place::absolute(text, base),
        _ => return Err(wrong(EXTENDS, value, "the path of a policy file")),
    };
    path.map_err(|why| {
        mistake(&value.span(), format!("`{EXTENDS}` names a file {why}; it takes the path of a policy file"))
    })
}
