//! A session that is idle gives its memory back, and reads it from the log when it is wanted again. And its end.

use std::time::Duration;

use super::portable::{AT_LEISURE, IN_HASTE};
use crate::session::journal::writer::JournalWriter;
use crate::session::live::{LiveSession, SessionError};
use crate::timeline::Move;

impl LiveSession {
    /// How long the session may be idle before it is evicted.
    pub fn idle_evict(&self) -> Option<Duration> {
        self.spec.keeping.idle_evict
    }

    /// Gives back the memory of a session that is idle: it is in the log.
    pub fn evict(&mut self) {
        self.save_background();
        self.mind_the_store();
        if self.kept && self.journal.is_deleted() {
            // What is in memory is all that there is.
            return;
        }
        let is_whole = |writer: &mut JournalWriter| {
            writer.catch_up();
            writer.is_whole()
        };
        if self.overlay.is_none() || !self.journal.with(is_whole).unwrap_or_default() {
            return;
        }
        if self.kept {
            self.save_portable(AT_LEISURE);
        }
        self.instance = None;
        self.overlay = None;
        // What saving took is done with, too.
        let _ = self.journal.with(|_| ());
        crate::sandbox::memory::mapping::give_back();
        self.telemetry.evicted();
    }

    /// Comes back from eviction.
    pub(in crate::session) fn wake(&mut self) -> Result<(), SessionError> {
        if self.overlay.is_some() {
            return Ok(());
        }
        let current = self.journal.with(|writer| writer.current())?;
        match current {
            None => self.begin(),
            Some(state) => {
                let (overlay, loaded) = self.load(state)?;
                self.settle_in(overlay, &loaded)
            }
        }
    }

    /// Ends the session's part in the store. After a restart that the user asked for, the next one begins afresh.
    pub(in crate::session) fn close(&mut self, restart: bool) {
        if self.kept && self.overlay.is_some() {
            self.save_portable(IN_HASTE);
        }
        let closed = self.journal.with(move |writer| {
            if restart && writer.log().is_some() {
                let _ = writer.move_to(Move::Fresh);
            }
            writer.close();
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the session was not closed");
        }
    }
}
