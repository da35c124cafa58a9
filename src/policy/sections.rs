//! The tables of a policy below its top level, and the words that some of their keys take.

use std::path::PathBuf;
use std::time::Duration;

/// An enum whose variants are words in a policy file.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$about])* $variant),+ }

        impl $name {
            /// The words, in the order of the documentation.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// What a word means; none for any other.
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words!(
    /// `session.persist`: what of a session outlives its process.
    Persist {
        /// Nothing.
        Off = "off",
        /// Every cell.
        Cells = "cells",
    }
);

words!(
    /// `session.durability`: when a cell is answered.
    Durability {
        /// Before it is on disk.
        Relaxed = "relaxed",
        /// When it is on disk.
        Sync = "sync",
    }
);

words!(
    /// `session.resume`: what happens when there is a saved session for a notebook.
    Resume {
        /// It is offered.
        Ask = "ask",
        /// It is taken.
        Always = "always",
        /// It is left.
        Never = "never",
    }
);

words!(
    /// `session.heal`: what happens when a session does not answer any more.
    Heal {
        /// It is said how to go back.
        Offer = "offer",
        /// The last cell is undone.
        Undo = "undo",
    }
);

words!(
    /// `session.ids`: which names sessions may have.
    Ids {
        /// Any that is safe as a file name.
        Any = "any",
        /// UUIDs only.
        Uuid = "uuid",
    }
);

words!(
    /// `advice.fuel`: when the analysis of a cell's fuel is displayed.
    FuelAdvice {
        /// At the status `warning` or worse.
        Warnings = "warnings",
        /// After every cell.
        Always = "always",
        /// Never.
        Never = "never",
    }
);

words!(
    /// `log.format`: the form of a log line.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
);

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// A directory of this machine. It need not exist yet.
    Directory(PathBuf),
    /// An object store: `s3://bucket/prefix`.
    Url(String),
}

/// `[output]`: what leaves the kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Messages a second.
    pub messages_per_second: u64,
    /// Bytes of one display payload.
    pub max_display_bytes: u64,
    /// Whether scripts, event handlers, frames and forms pass.
    pub active_content: bool,
    /// Whether references to other hosts pass.
    pub remote_resources: bool,
    /// Whether terminal escapes other than colours and cursor basics pass.
    pub terminal: bool,
    /// Comm targets of front-end extensions that may be opened.
    pub comm_targets: Vec<String>,
}

/// `[session]`: what is kept of a session, where and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// What outlives the process.
    pub persist: Persist,
    /// When a cell is answered.
    pub durability: Durability,
    /// What happens when there is a saved session.
    pub resume: Resume,
    /// What happens when it does not answer.
    pub heal: Heal,
    /// How long a session may be idle before its memory is given back; none: for ever.
    pub idle_evict: Option<Duration>,
    /// Commits that can be gone back to.
    pub undo: u64,
    /// Bytes that those may take.
    pub undo_bytes: u64,
    /// Bytes of one stored session.
    pub max_bytes: u64,
    /// Where sessions are kept; none: with the user's data.
    pub store: Option<Store>,
    /// Which names sessions may have.
    pub ids: Ids,
}

/// `[packages]`: what may be installed into a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Packages {
    /// Whether anything may.
    pub install: bool,
    /// Normalised names of what may; none: everything.
    pub allowed: Option<Vec<String>>,
}

/// `[advice]`: what is said about cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// When the analysis of fuel is displayed.
    pub fuel: FuelAdvice,
    /// Whether guidance is displayed after an error.
    pub errors: bool,
}

/// `[log]`: what the log carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// Whether code itself is logged, and not its hash alone.
    pub code: bool,
    /// The form of a line.
    pub format: LogFormat,
}
