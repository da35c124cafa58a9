//! What kinds of value keys take.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::size;

/// The value of a key, once it has been found to be of the right kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// Not set; only for keys that may be.
    None,
    /// A count, or bytes.
    Count(u64),
    /// Seconds.
    Seconds(f64),
    /// Yes or no.
    Flag(bool),
    /// One of the words that the key takes.
    Word(&'static str),
    /// A text, such as a URL.
    Text(String),
    /// An absolute path of the host.
    Path(PathBuf),
    /// Absolute paths of the host.
    Paths(Vec<PathBuf>),
    /// Names.
    Names(Vec<String>),
    /// Names and texts.
    Texts(BTreeMap<String, String>),
    /// Guest paths and absolute paths of the host.
    Mounts(BTreeMap<String, PathBuf>),
}

/// What kind of value a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number between these.
    Count(u64, u64),
    /// Bytes, between these: a number, or a text with a unit.
    Size(u64, u64),
    /// Seconds, between these.
    Seconds(f64, f64),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The path of a directory, which need not exist yet.
    NewDirectory,
    /// The path of a directory that exists.
    Directory,
    /// The URL of an object store, or the path of a directory, which need not exist yet.
    Store,
    /// Paths of files: regular ones, no two of the same name.
    Files,
    /// Names of Python packages.
    Packages,
    /// Names of comm targets.
    Targets,
    /// A table of variable names and texts.
    Env,
    /// A table of guest paths and directories that exist.
    Mounts,
}

impl Kind {
    /// What is allowed, for messages.
    pub fn allowed(self) -> String {
        match self {
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Size(least, most) => format!(
                "bytes from {} to {}, as a whole number or a text such as \"512 MiB\"",
                size::shown(least),
                size::shown(most)
            ),
            Self::Seconds(least, most) => format!("seconds from {least} to {most}"),
            Self::Flag => "true or false".to_owned(),
            Self::Choice(words) => one_of(words),
            Self::NewDirectory => "the path of a directory".to_owned(),
            Self::Directory => "the path of a directory that exists".to_owned(),
            Self::Store => "the path of a directory, or a URL such as \"s3://bucket/prefix\"".to_owned(),
            Self::Files => "a list of paths of files (no directories, no symbolic links, no name twice)".to_owned(),
            Self::Packages => "a list of names of Python packages".to_owned(),
            Self::Targets => "a list of names".to_owned(),
            Self::Env => "a table of variable names and texts".to_owned(),
            Self::Mounts => "a table of guest paths below /data or /mnt and directories that exist".to_owned(),
        }
    }

    /// Whether it is a table in the file, whose entries are merged one by one.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Env | Self::Mounts)
    }
}

/// `"a", "b" or "c"`.
pub fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        all => all.concat(),
    }
}
