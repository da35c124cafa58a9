//! One holder at a time. A lease is an object named by its epoch: whoever creates the next one holds the
//! session, until the lease ends or its process does. A lease that cannot be read is an error, never a free
//! session.
//!
//! Leases keep honest processes apart. What keeps a process out that has lost its lease without noticing
//! (stopped for an hour, another clock) is the log: records are only created, and whoever takes a session
//! over begins with a record of its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::backend::{Backend, Created};
use super::checksummed;
use super::error::StoreError;
use super::holder::Holder;
use super::id::SessionId;
use super::layout;
use super::opening::Durability;

/// A lease ends so long after it was renewed.
const EXPIRY: TimeDelta = TimeDelta::seconds(30);
/// And is renewed when it is so old.
const RENEW_AFTER: TimeDelta = TimeDelta::seconds(10);
/// A lease that lasts longer was not written by us.
const LONGEST: TimeDelta = TimeDelta::minutes(10);
/// So often somebody else may be faster before we give up.
const ATTEMPTS: usize = 8;

/// The leases that this process has. Another one in its name was left by an attempt that failed, and holds nobody up.
static OWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    epoch: u64,
    /// Tells this lease from any other.
    token: String,
    holder: Holder,
    acquired_at: DateTime<Utc>,
    renewed_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    released: bool,
}

/// The right to write to a session; given back when it is dropped.
pub struct Lease {
    shared: Arc<Shared>,
}

/// What the renewing thread needs of a lease.
pub struct Shared {
    _own: Own,
    backend: Backend,
    id: SessionId,
    state: Mutex<State>,
}

/// A lease that this process has, or is about to.
struct Own(String);

impl Own {
    fn of(body: &Body) -> Self {
        OWN.lock().insert(body.token.clone());
        Self(body.token.clone())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        OWN.lock().remove(&self.0);
    }
}

struct State {
    body: Body,
    /// Who has taken the session over.
    lost_to: Option<String>,
}

impl Lease {
    /// Takes the session, if nobody holds it.
    pub fn acquire(backend: &Backend, id: &SessionId, holder: &Holder) -> Result<Self, StoreError> {
        for _ in 0..ATTEMPTS {
            let newest = newest(backend, id)?;
            if let Some(body) = &newest {
                require_free(backend, id, body)?;
            }
            let epoch = newest.map_or(0, |body| body.epoch).saturating_add(1);
            let now = backend.now();
            let token = uuid::Uuid::new_v4().to_string();
            let holder = holder.clone();
            let body = Body {
                epoch,
                token,
                holder,
                acquired_at: now,
                renewed_at: now,
                expires_at: now + EXPIRY,
                released: false,
            };
            let bytes = Bytes::from(seal(id, &body)?);
            let own = Own::of(&body);
            let name = layout::lease(id, epoch);
            // A request that was repeated may find its own object.
            let ours = match backend.create(&name, vec![bytes.clone()], Durability::Relaxed)? {
                Created::Yes => true,
                Created::Exists => backend.get(&name)?.is_some_and(|there| there == bytes),
            };
            if ours {
                remove_older(backend, id, epoch);
                let state = Mutex::new(State { body, lost_to: None });
                let shared = Arc::new(Shared { _own: own, backend: backend.clone(), id: id.clone(), state });
                backend.renewer().look_after(Arc::downgrade(&shared) as Weak<Shared>);
                return Ok(Self { shared });
            }
        }
        Err(StoreError::io("cannot take", layout::leases(id), "others are always faster"))
    }

    /// Whether anybody holds the session now.
    pub fn require_unheld(backend: &Backend, id: &SessionId) -> Result<(), StoreError> {
        newest(backend, id)?.map_or(Ok(()), |body| require_free(backend, id, &body))
    }

    /// Which lease of the session this is, counted.
    pub fn epoch(&self) -> u64 {
        self.shared.state.lock().body.epoch
    }

    /// That the session is still ours, as far as can be known without asking the store each time.
    pub fn confirm(&self) -> Result<(), StoreError> {
        self.shared.renew_if_due()
    }

    /// That it was not taken over meanwhile, where that is possible.
    pub fn confirm_after_writing(&self) -> Result<(), StoreError> {
        let ended = self.shared.state.lock().body.expires_at <= self.shared.backend.now();
        if ended { self.shared.renew_if_due() } else { Ok(()) }
    }

    /// The session was seen to be somebody else's.
    pub fn lost(&self) -> StoreError {
        self.shared.lost()
    }

    /// Gives the session back.
    pub fn release(self) -> Result<(), StoreError> {
        self.shared.release()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Err(error) = self.shared.release() {
            tracing::debug!(%error, "a lease was not given back; it ends by itself");
        }
    }
}

impl Shared {
    /// False when there is nothing left to renew.
    pub fn keep(&self) -> bool {
        match self.renew_if_due() {
            Ok(()) => !self.state.lock().body.released,
            Err(StoreError::Fenced { .. }) => false,
            Err(error) => {
                tracing::warn!(%error, session = %self.id, "the lease of a session could not be renewed; it is tried again");
                true
            }
        }
    }

    fn renew_if_due(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        if let Some(by) = &state.lost_to {
            return Err(StoreError::Fenced { session: self.id.to_string(), by: by.clone() });
        }
        let now = self.backend.now();
        if state.body.released || (now - state.body.renewed_at < RENEW_AFTER && now >= state.body.renewed_at) {
            return Ok(());
        }
        self.require_newest(&mut state)?;
        // A clock that was set back must not make it look as if it was renewed before it was taken.
        let acquired_at = state.body.acquired_at.min(now);
        let renewed = Body { acquired_at, renewed_at: now, expires_at: now + EXPIRY, ..state.body.clone() };
        let name = layout::lease(&self.id, renewed.epoch);
        // Where somebody has deleted or moved the session, nothing is made in its place.
        if self.backend.local_path(&layout::leases(&self.id)).is_some_and(|directory| !directory.exists()) {
            return Err(StoreError::io("cannot renew", name, "the session's directory is gone, or a part of it"));
        }
        self.backend.put(&name, seal(&self.id, &renewed)?, Durability::Relaxed)?;
        // If the lease had ended, somebody may have taken the session just before it was renewed.
        self.require_newest(&mut state)?;
        state.body = renewed;
        Ok(())
    }

    fn require_newest(&self, state: &mut State) -> Result<(), StoreError> {
        let Some(newest) = newest(&self.backend, &self.id)? else { return Ok(()) };
        if newest.token == state.body.token || newest.epoch < state.body.epoch {
            return Ok(());
        }
        let by = newest.holder.to_string();
        state.lost_to = Some(by.clone());
        Err(StoreError::Fenced { session: self.id.to_string(), by })
    }

    fn lost(&self) -> StoreError {
        let mut state = self.state.lock();
        match self.require_newest(&mut state) {
            Err(error @ StoreError::Fenced { .. }) => error,
            Ok(()) | Err(_) => {
                let by = state.lost_to.get_or_insert_with(|| "another process".to_owned()).clone();
                StoreError::Fenced { session: self.id.to_string(), by }
            }
        }
    }

    fn release(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        if state.body.released {
            return Ok(());
        }
        state.body.released = true;
        let name = layout::lease(&self.id, state.body.epoch);
        // A session that was deleted or taken over has no use for this lease any more.
        if self.backend.size(&name)?.is_none() {
            return Ok(());
        }
        self.backend.put(&name, seal(&self.id, &state.body)?, Durability::Relaxed)
    }
}

fn seal(id: &SessionId, body: &Body) -> Result<Vec<u8>, StoreError> {
    checksummed::seal(body).map_err(|error| StoreError::Refused(format!("the lease of {id}: {error}")))
}

/// The lease that counts.
fn newest(backend: &Backend, id: &SessionId) -> Result<Option<Body>, StoreError> {
    for _ in 0..ATTEMPTS {
        let listed = backend.list(&layout::leases(id))?;
        let Some(epoch) = listed.iter().filter_map(|object| layout::number(&object.name, ".json")).max() else {
            return Ok(None);
        };
        let name = layout::lease(id, epoch);
        // Gone already: a newer one has taken its place.
        let Some(bytes) = backend.get(&name)? else { continue };
        let damaged = |why: String| StoreError::LeaseDamaged { session: id.to_string(), object: name.clone(), why };
        let body: Body = checksummed::unseal(&bytes).map_err(damaged)?;
        if body.epoch != epoch {
            return Err(damaged("it has another number".to_owned()));
        }
        if body.renewed_at < body.acquired_at
            || body.expires_at < body.renewed_at
            || body.expires_at - body.renewed_at > LONGEST
        {
            return Err(damaged("its times cannot be".to_owned()));
        }
        return Ok(Some(body));
    }
    Err(StoreError::io("cannot read", layout::leases(id), "it changes all the time"))
}

fn require_free(backend: &Backend, id: &SessionId, body: &Body) -> Result<(), StoreError> {
    let is_left = body.holder.is_here() && !OWN.lock().contains(&body.token);
    if body.released || body.expires_at <= backend.now() || is_left || body.holder.is_gone() {
        return Ok(());
    }
    Err(StoreError::Held {
        session: id.to_string(),
        holder: body.holder.to_string(),
        since: body.acquired_at,
        until: body.expires_at,
    })
}

/// Only the newest lease counts; older ones are litter.
fn remove_older(backend: &Backend, id: &SessionId, epoch: u64) {
    let Ok(listed) = backend.list(&layout::leases(id)) else { return };
    let older =
        listed.iter().filter_map(|object| layout::number(&object.name, ".json")).filter(|number| *number < epoch);
    for number in older {
        // What stays is removed by the next holder.
        let _ = backend.delete(&layout::lease(id, number));
    }
}
