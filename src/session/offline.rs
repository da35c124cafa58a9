//! Taking a stored session for a moment, without a kernel: to fork it, to change its files, to repair it.

use crate::store::{
    Backend, Durability, Holder, Identity, Keep, Log, Opening, SessionId, StoreError, recorded_identity,
};

/// Who wants what of which session.
#[derive(Debug, Clone)]
pub struct OfflineAccess<'a> {
    pub backend: &'a Backend,
    pub id: &'a SessionId,
    /// In words, for whoever wants the session meanwhile.
    pub holder: &'a str,
    pub keep: Keep,
}

impl OfflineAccess<'_> {
    /// Takes the session, if nobody has it, and checks all of it.
    ///
    /// # Errors
    /// [`Log::open`]'s.
    pub fn open(&self) -> Result<Log, StoreError> {
        self.with(Log::open)
    }

    /// Takes what is whole of a damaged session, and drops the rest.
    ///
    /// # Errors
    /// [`Log::salvage`]'s.
    pub fn salvage(&self) -> Result<Log, StoreError> {
        let mut log = self.with(Log::salvage)?;
        log.drop_damaged_portable()?;
        Ok(log)
    }

    fn with(&self, open: impl FnOnce(&Backend, Opening<'_>) -> Result<Log, StoreError>) -> Result<Log, StoreError> {
        // Whatever it was recorded on: nothing is run.
        let identity: Identity = recorded_identity(self.backend, self.id)?;
        let holder = Holder::here(self.holder);
        open(
            self.backend,
            Opening {
                id: self.id.clone(),
                identity,
                notebook: None,
                holder: &holder,
                keep: self.keep,
                durability: Durability::Sync,
            },
        )
    }
}
