//! What a language's exceptions mean to the host.

/// The exceptions that the host tells apart, by their names, and those that it speaks of in the guest's stead.
#[derive(Debug, Clone, Copy)]
pub struct Exceptions {
    /// What an interrupt raises in a cell.
    pub interrupted: &'static str,
    /// What a refusal of memory raises.
    pub out_of_memory: &'static str,
    /// What a magic that is misused raises.
    pub misused_magic: &'static str,
    /// What says, in code, how deep calls may nest.
    pub recursion_limit: &'static str,
    /// Which limits of the host's errors may come of. The first that fits counts, if the limit was met.
    pub limits: &'static [LimitError],
}

/// An error that may come of a limit.
#[derive(Debug, Clone, Copy)]
pub struct LimitError {
    /// The limit.
    pub limit: GuestLimit,
    /// The exception's name.
    pub name: NamePattern,
    /// How the texts of such errors begin; any text, if that says nothing.
    pub begins: Option<&'static str>,
}

/// Which names are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamePattern {
    /// This one.
    Is(&'static str),
    /// All that end so: those of libraries' own exceptions that are derived from it.
    EndsWith(&'static str),
}

/// A limit of the host's that code meets as an error of its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestLimit {
    /// Memory beyond the warm image.
    Memory,
    /// How deep calls may nest.
    Recursion,
    /// Open files.
    OpenFiles,
    /// The names of the workspace's files.
    WorkspaceNames,
}

impl Exceptions {
    /// The limits of which an error may come.
    pub fn limits_of(&self, name: &str, text: &str) -> impl Iterator<Item = GuestLimit> {
        let fits = move |error: &&LimitError| {
            let named = match error.name {
                NamePattern::Is(whole) => name == whole,
                NamePattern::EndsWith(end) => name.ends_with(end),
            };
            named && error.begins.is_none_or(|start| text.starts_with(start))
        };
        self.limits.iter().filter(fits).map(|error| error.limit)
    }
}
