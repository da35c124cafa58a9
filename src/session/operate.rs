//! Operations on a live session: each is a method of [`LiveSession`] here or in `checkpoint/`, whoever asks for it.

use super::checkpoint::commit::{Files, Kind};
use super::event::Usage;
use super::live::LiveSession;
use super::operation::{FilesOperation, LogEntry, Operated, Operation, OperationError, Status};
use crate::store::SessionId;
use crate::workspace::{Entry, FilesError, Quota};

impl LiveSession {
    /// Does an operation, between two requests.
    ///
    /// # Errors
    /// As [`OperationError`] says; the session is as it was.
    pub fn operate(&mut self, operation: Operation) -> Result<Operated, OperationError> {
        self.save_background();
        match operation {
            Operation::Status => return self.status().map(|status| Operated::Status(Box::new(status))),
            Operation::Log => return Ok(Operated::Log(self.journal.with(|writer| LogEntry::all(writer.log()))?)),
            Operation::Evict => {
                self.evict();
                return Ok(Operated::Done);
            }
            Operation::Settle => {
                self.journal.with(|writer| writer.catch_up())?;
                return Ok(Operated::Done);
            }
            Operation::Files(operation) => return self.operate_on_files(operation),
            Operation::Go(_) | Operation::Save(_) | Operation::Fork(_) => {}
        }
        self.wake()?;
        self.mind_the_store();
        let done = match operation {
            Operation::Go(to) => self.go(to).map(|arrival| Operated::Arrived(Box::new(arrival)))?,
            Operation::Save(name) => self.save(&name).map(|()| Operated::Saved(name))?,
            Operation::Fork(ids) => {
                ids.iter().try_for_each(|id| self.fork(id))?;
                Operated::Forked(ids)
            }
            _ => Operated::Done,
        };
        if self.is_deterministic() {
            self.instance = None;
        }
        self.note_memory();
        Ok(done)
    }

    fn status(&self) -> Result<Status, OperationError> {
        let id = self.journal.id().clone();
        Ok(self.journal.with(move |writer| {
            writer.write_beginning();
            Status::of(&id, &writer.standing().lock(), writer.log())
        })?)
    }

    /// Makes another session that goes on from here.
    pub(super) fn fork(&mut self, id: &SessionId) -> Result<(), OperationError> {
        if self.spec.keeping.only_uuids && !id.is_uuid() {
            return Err(OperationError::NotAUuid(SessionId::random()));
        }
        if !self.kept {
            return Err(OperationError::NotKept);
        }
        let to = id.clone();
        self.journal.with(move |writer| writer.fork(to))??;
        self.telemetry.forked(id);
        Ok(())
    }

    /// Does something with the workspace's files. What is written or deleted so belongs to the state after the last cell, as
    /// if that had done it: undo takes it back.
    fn operate_on_files(&mut self, operation: FilesOperation) -> Result<Operated, OperationError> {
        self.wake()?;
        self.mind_the_store();
        self.instance()?;
        let files = self.workspace.files(APP).map_err(FilesError::Workspace)?;
        Ok(match operation {
            FilesOperation::List { pattern } => Operated::Files(files.list(pattern.as_deref())?),
            FilesOperation::Read { path, most } => {
                let mut content = Bounded { bytes: Vec::new(), most };
                match files.get(&path, &mut content) {
                    Ok(bytes) if bytes > most => return Err(OperationError::TooLarge { path, bytes, most }),
                    Ok(_) => Operated::Read(content.bytes),
                    Err(error) => return Err(error.into()),
                }
            }
            FilesOperation::Write { path, content, overwrite } => {
                files.check(&path)?;
                let quota = self.quota_left();
                let put = || files.put(&path, &mut &content[..], overwrite, quota);
                let written = self.workspace.on_behalf((APP, &path), put)?;
                self.commit_files()?;
                Operated::Written(written)
            }
            FilesOperation::Delete { path, recursive } => {
                files.check(&path)?;
                let deleted = self.workspace.on_behalf((APP, &path), || files.delete(&path, recursive))?;
                self.commit_files()?;
                Operated::Deleted(deleted)
            }
        })
    }

    /// What the workspace may hold besides what is in the other directories of the session.
    fn quota_left(&self) -> Quota {
        let Quota { bytes, files } = self.spec.keeping.quota;
        let recorded = self.workspace.manifest();
        let elsewhere = || recorded.0.iter().filter(|(path, _)| !path.starts_with("app/"));
        let size = |entry: &Entry| if let Entry::File { size, .. } = entry { *size } else { 0 };
        let taken = elsewhere().map(|(_, entry)| size(entry)).fold(0, u64::saturating_add);
        Quota { bytes: bytes.saturating_sub(taken), files: files.saturating_sub(elsewhere().count() as u64) }
    }

    fn commit_files(&mut self) -> Result<(), OperationError> {
        let kind = Kind::Aside { is_comm: false };
        let files = self.changed_files(&kind, &mut Usage::default());
        let committed = if matches!(files, Files::Same) { Ok(()) } else { self.commit(&kind, files) };
        // The guest's own count of its files does not know of these.
        self.instance = None;
        Ok(committed?)
    }
}

/// What manifests call the workspace.
const APP: &str = "app";

/// Takes the first `most` bytes, and counts none of the others.
struct Bounded {
    bytes: Vec<u8>,
    most: u64,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.most).unwrap_or(usize::MAX).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..left.min(bytes.len())).unwrap_or_default());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
