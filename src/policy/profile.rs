//! Profiles: named sets of defaults.

/// A set of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Profile {
    /// A person at a notebook.
    #[default]
    Notebook,
    /// Code that an agent wrote.
    Agent,
    /// Code that nobody trusts.
    Strict,
}

impl Profile {
    /// All of them, in the order of the defaults in the table.
    pub const ALL: [Self; 3] = [Self::Notebook, Self::Agent, Self::Strict];

    /// Its name in flags and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notebook => "notebook",
            Self::Agent => "agent",
            Self::Strict => "strict",
        }
    }
}
