//! What can go wrong with a stored session. Each error says what happened, to what, and what to do.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::identity::Identity;
use crate::timeline::{MoveError, StateId};

/// Why a session could not be stored, opened or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Not something that can be a session's id.
    #[error(
        "{0:?} cannot be a session's id: use 1 to 128 of the characters A-Z a-z 0-9 . _ -, not beginning with a dot and without \"..\""
    )]
    BadId(String),
    /// Not a place that sessions can be kept in.
    #[error("sessions cannot be kept in {url:?}: {why}. Use file:///DIRECTORY, s3://BUCKET/PREFIX or memory:///.")]
    BadPlace {
        /// As it was given.
        url: String,
        /// What is the matter with it.
        why: String,
    },
    /// The disk or the server refused.
    #[error("{doing} {object}: {cause}")]
    Io {
        /// What was tried, like "cannot read".
        doing: &'static str,
        /// The object or file.
        object: String,
        /// The answer.
        cause: String,
    },
    /// There is no such session.
    #[error("there is no session {0}")]
    NotFound(String),
    /// Its id is taken.
    #[error("there is a session {0} already: choose another id, or delete it first")]
    Exists(String),
    /// Something stored is not what was written.
    #[error("the session {session} is damaged: {object}: {why}. {}. No file was changed.", last_good_text(.last_good.as_ref()))]
    Damaged {
        /// The session's id.
        session: String,
        /// Which object.
        object: String,
        /// What is wrong with it.
        why: String,
        /// The newest state from before the damage, if any can be made out.
        last_good: Option<LastGood>,
    },
    /// It was recorded on another runtime or warm image.
    #[error(
        "the session was recorded on another base: runtime {} with image {}; this is runtime {} with image {}{}",
        recorded.runtime, short(&recorded.image), here.runtime, short(&here.image), other_edition(recorded, here)
    )]
    OtherBase {
        /// What it was recorded on.
        recorded: Box<Identity>,
        /// What was to take it.
        here: Box<Identity>,
    },
    /// Somebody else has it open.
    #[error(
        "the session {session} is held by {holder} since {since}: close it there first (a holder that is gone is forgotten at {until} at the latest)"
    )]
    Held {
        /// The session's id.
        session: String,
        /// Who, in words.
        holder: String,
        /// Since when.
        since: DateTime<Utc>,
        /// When its lease ends, if it is not renewed.
        until: DateTime<Utc>,
    },
    /// A lease cannot be read, so nobody knows whether the session is held.
    #[error(
        "nobody can say whether the session {session} is in use: its lease {object} is damaged: {why}. If no kernel uses the session, delete that file."
    )]
    LeaseDamaged {
        /// The session's id.
        session: String,
        /// Which object.
        object: String,
        /// What is wrong with it.
        why: String,
    },
    /// This process had the session, and another one has taken it over.
    #[error("the session {session} was taken over by {by}: nothing more can be saved from here")]
    Fenced {
        /// The session's id.
        session: String,
        /// Who, in words.
        by: String,
    },
    /// It does not fit, even with everything dropped that may be dropped.
    #[error(
        "the session {session} needs {needed} bytes in the store, of which it may have {limit}: raise the limit, or delete saved names and large variables"
    )]
    Full {
        /// The session's id.
        session: String,
        /// How many bytes there would be.
        needed: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A file's contents should have been there before the state that needs them.
    #[error("the contents of {path} ({sha256}) are not in the store of session {session}")]
    BlobMissing {
        /// The session's id.
        session: String,
        /// Which file of the workspace.
        path: String,
        /// Its hash.
        sha256: String,
    },
    /// What was to be recorded cannot be.
    #[error("this cannot be recorded: {0}")]
    Refused(String),
    /// The move is not possible.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The pages of a state could not be put where they belong.
    #[error("cannot write the pages of a state into memory: {0}")]
    Memory(std::io::Error),
    /// An archive is not one of ours, or damaged.
    #[error("this is not an archive of a session: {0}")]
    BadArchive(String),
}

/// The newest state that can be relied upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastGood {
    /// Which one; none if only the warm image is left.
    pub state: Option<StateId>,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// The number of its cell.
    pub cell: Option<u32>,
}

fn last_good_text(good: Option<&LastGood>) -> String {
    match good {
        Some(LastGood { state: Some(state), at, cell }) => {
            let cell = cell.map(|number| format!(" after cell [{number}]")).unwrap_or_default();
            format!("The last good state is {state}{cell}, from {}", at.format("%Y-%m-%d %H:%M:%S UTC"))
        }
        Some(LastGood { state: None, .. }) => "No state before it holds cells".to_owned(),
        None => "No good state could be made out".to_owned(),
    }
}

/// What to add where only one of the two is for deterministic sessions.
fn other_edition(recorded: &Identity, here: &Identity) -> &'static str {
    let is_deterministic = |identity: &Identity| identity.runtime.contains("-deterministic-");
    match (is_deterministic(recorded), is_deterministic(here)) {
        (true, false) => ". It is deterministic: only a policy with `deterministic = true` takes it up",
        (false, true) => ". It is not deterministic: only a policy without `deterministic = true` takes it up",
        _ => "",
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

impl StoreError {
    /// The cause alone, where there is one: what it was about is said elsewhere.
    pub fn in_short(&self) -> String {
        match self {
            Self::Io { cause, .. } => cause.clone(),
            other => other.to_string(),
        }
    }

    /// The same with an object store's error, of which the system's own words count if there are any.
    pub(super) fn of_store(doing: &'static str, object: impl std::fmt::Display, error: &object_store::Error) -> Self {
        let mut cause: &(dyn std::error::Error + 'static) = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        match cause.downcast_ref::<std::io::Error>() {
            Some(system) => Self::io(doing, object, system),
            None => Self::io(doing, object, error),
        }
    }

    pub(super) fn io(doing: &'static str, object: impl std::fmt::Display, cause: impl std::fmt::Display) -> Self {
        Self::Io { doing, object: object.to_string(), cause: cause.to_string() }
    }
}
