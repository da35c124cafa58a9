//! `session.json`: what is known of a session before its log is read. It is written last when a session is
//! made, so where it is missing there is no session.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::backend::{Backend, Created};
use super::checksummed;
use super::error::StoreError;
use super::id::SessionId;
use super::identity::Identity;
use super::layout;
use super::opening::Durability;

/// The only version there is.
pub const VERSION: u32 = 1;

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The session.
    pub session_id: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; of this file: commits do not touch it.
    pub updated_at: String,
    /// Of the format.
    pub version: u32,
    /// Whose session it is.
    pub notebook: Option<String>,
    /// Shared by a session and its forks.
    pub lineage: String,
    /// What it was recorded on.
    pub identity: Identity,
    /// The session that it is a fork of.
    pub forked_from: Option<String>,
}

/// What is the matter with a `session.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// There is none.
    Missing,
    /// It cannot be read.
    Corrupted(String),
    /// Its times cannot be read.
    Timestamp(String),
}

impl Metadata {
    pub fn new(
        id: &SessionId,
        identity: Identity,
        notebook: Option<String>,
        lineage: String,
        now: DateTime<Utc>,
    ) -> Self {
        let now = now.to_rfc3339();
        Self {
            session_id: id.to_string(),
            created_at: now.clone(),
            updated_at: now,
            version: VERSION,
            notebook,
            lineage,
            identity,
            forked_from: None,
        }
    }

    /// When it was made and changed.
    pub fn times(&self) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
        let read = |text: &str| {
            let time = DateTime::parse_from_rfc3339(text);
            time.map(|time| time.to_utc()).map_err(|_| Problem::Timestamp(format!("{text:?} is no time")))
        };
        let (created, updated) = (read(&self.created_at)?, read(&self.updated_at)?);
        if created > updated {
            return Err(Problem::Timestamp("it was changed before it was made".to_owned()));
        }
        Ok((created, updated))
    }

    /// What the bytes of a session's file say.
    pub fn parse(bytes: &[u8], id: &SessionId) -> Result<Self, Problem> {
        let metadata: Self = checksummed::unseal(bytes).map_err(Problem::Corrupted)?;
        if metadata.version != VERSION {
            let version = metadata.version;
            return Err(Problem::Corrupted(format!(
                "it has the format {version}, which this version of Cellblock cannot read"
            )));
        }
        if metadata.session_id != id.as_str() {
            return Err(Problem::Corrupted(format!("it belongs to the session {:?}", metadata.session_id)));
        }
        metadata.times()?;
        Ok(metadata)
    }

    /// A session's, with what may be the matter with it.
    pub fn look(backend: &Backend, id: &SessionId) -> Result<Result<Self, Problem>, StoreError> {
        let name = layout::metadata(id);
        if backend.size(&name)?.is_some_and(|bytes| bytes > checksummed::MAX_BYTES) {
            return Ok(Err(Problem::Corrupted("it is too long".to_owned())));
        }
        Ok(backend.get(&name)?.map_or(Err(Problem::Missing), |bytes| Self::parse(&bytes, id)))
    }

    /// A session's; any problem is an error.
    pub fn read(backend: &Backend, id: &SessionId) -> Result<Self, StoreError> {
        match Self::look(backend, id)? {
            Ok(metadata) => Ok(metadata),
            Err(Problem::Missing) if super::reading::is_stillborn(backend, id)? => {
                Err(StoreError::NotFound(id.to_string()))
            }
            Err(problem) => Err(problem.damage(id)),
        }
    }

    /// Writes it where there is none.
    pub fn create(&self, backend: &Backend, id: &SessionId, durability: Durability) -> Result<(), StoreError> {
        let (name, bytes) = (layout::metadata(id), self.bytes()?);
        match backend.create(&name, vec![bytes.clone().into()], durability)? {
            Created::Yes => Ok(()),
            // A request that was repeated may find its own object.
            Created::Exists if backend.get(&name)?.is_some_and(|there| there == bytes) => Ok(()),
            Created::Exists => Err(StoreError::Exists(id.to_string())),
        }
    }

    /// Writes it over the one that is there.
    pub fn replace(&mut self, backend: &Backend, id: &SessionId, durability: Durability) -> Result<(), StoreError> {
        let (created, _) = self.times().map_err(|problem| problem.damage(id))?;
        self.updated_at = backend.now().max(created).to_rfc3339();
        backend.put(&layout::metadata(id), self.bytes()?, durability)
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        checksummed::seal(self).map_err(|error| StoreError::Refused(error.to_string()))
    }
}

impl Problem {
    pub fn damage(&self, id: &SessionId) -> StoreError {
        let why = match self {
            Self::Missing => "it is missing".to_owned(),
            Self::Corrupted(why) | Self::Timestamp(why) => why.clone(),
        };
        StoreError::Damaged { session: id.to_string(), object: layout::metadata(id), why, last_good: None }
    }
}
