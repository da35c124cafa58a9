//! A place where sessions are kept: a directory, a bucket or memory. It moves objects and knows nothing of
//! what is in them. Callers are plain threads; that the store below is asynchronous stays in here.

use std::fs::File;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart};

use super::blocking::Engine;
use super::error::StoreError;
use super::id::SessionId;
use super::layout;
use super::lease_renewer::LeaseRenewer;
use super::opening::Durability;

/// Bytes of a part of an upload; S3 takes 5 MiB or more, and 10,000 parts.
const PART: usize = 8 << 20;
/// Parts that are under way at a time.
const AT_A_TIME: usize = 2;

/// One such place; cheap to clone.
#[derive(Clone)]
pub struct Backend {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub relaxed: Arc<dyn ObjectStore>,
    pub sync: Arc<dyn ObjectStore>,
    pub engine: Engine,
    /// Before all names; empty or ending in '/'.
    pub prefix: String,
    pub local_root: Option<PathBuf>,
    pub clock: Clock,
    pub renewer: LeaseRenewer,
}

/// What time it is: a test's own clock, in tests.
pub(super) type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// An object in a listing.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    /// The last part of its name.
    pub name: String,
    pub bytes: u64,
    pub modified: DateTime<Utc>,
}

/// How an attempt to create an object ended.
pub(super) enum Created {
    Yes,
    /// There is one of this name.
    Exists,
}

impl Backend {
    pub(super) fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The directory, if it is one on this machine.
    pub fn local_root(&self) -> Option<&FilePath> {
        self.inner.local_root.as_deref()
    }

    /// Where a session's files' contents are, by hash, if that is a directory on this machine.
    pub fn blob_dir(&self, id: &SessionId) -> Option<PathBuf> {
        self.local_root().map(|root| root.join(layout::blobs(id)))
    }

    /// The file that an object is, if the place is a directory on this machine.
    pub(super) fn local_path(&self, name: &str) -> Option<PathBuf> {
        self.local_root().map(|root| root.join(name))
    }

    pub(super) fn is_remote(&self) -> bool {
        self.inner.engine.is_remote()
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.inner.clock)()
    }

    pub(super) fn renewer(&self) -> &LeaseRenewer {
        &self.inner.renewer
    }

    /// The object; none if there is none.
    pub(super) fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(name);
        self.ask("cannot read", name, |store| async move { store.get(&path).await?.bytes().await })
    }

    /// Parts of an object, which must be there.
    pub(super) fn get_ranges(&self, name: &str, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>, StoreError> {
        let path = self.path(name);
        let expected: Vec<u64> = ranges.iter().map(|range| range.end.saturating_sub(range.start)).collect();
        let parts = self.ask("cannot read", name, |store| async move { store.get_ranges(&path, &ranges).await })?;
        let parts = parts.ok_or_else(|| StoreError::io("cannot read", name, "it is not there"))?;
        let complete = parts.len() == expected.len()
            && parts.iter().zip(&expected).all(|(part, length)| part.len() as u64 == *length);
        if complete { Ok(parts) } else { Err(StoreError::io("cannot read", name, "it is shorter than it was")) }
    }

    /// The first so many bytes of an object, which must be there.
    pub(super) fn get_start(&self, name: &str, bytes: u64) -> Result<Bytes, StoreError> {
        let start = std::iter::once(0..bytes).collect();
        Ok(self.get_ranges(name, start)?.pop().unwrap_or_default())
    }

    /// Its size; none if there is none.
    pub(super) fn size(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let path = self.path(name);
        let meta = self.ask("cannot look at", name, |store| async move { store.head(&path).await })?;
        Ok(meta.map(|meta| meta.size))
    }

    /// Writes an object that must not be there yet.
    pub(super) fn create(&self, name: &str, parts: Vec<Bytes>, durability: Durability) -> Result<Created, StoreError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.put_parts(name, parts, options, durability) {
            Ok(()) => Ok(Created::Yes),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Created::Exists),
            Err(error) => Err(StoreError::of_store("cannot write", self.path(name), &error)),
        }
    }

    /// Writes an object of what a file has in it, a part at a time, over one of the same name.
    pub(super) fn put_file(&self, name: &str, mut file: File) -> Result<(), StoreError> {
        let (store, path) = (self.store(Durability::Sync), self.path(name));
        let sent = self.run(async move {
            if file.metadata().map_err(of_file)?.len() <= PART as u64 {
                // An upload in parts has to have one.
                let mut whole = Vec::new();
                file.read_to_end(&mut whole).map_err(of_file)?;
                return store.put(&path, whole.into()).await.map(drop);
            }
            let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(&path).await?, PART);
            match send(&mut file, &mut upload).await {
                Ok(()) => upload.finish().await.map(drop),
                Err(error) => {
                    // What was sent is nothing that anybody sees; the store's own rules remove it if this fails.
                    let _ = upload.abort().await;
                    Err(error)
                }
            }
        });
        sent.map_err(|error| StoreError::of_store("cannot write", self.path(name), &error))
    }

    /// Writes what an object has in it into a file, a part at a time; `false` if there is no such object.
    pub(super) fn get_file(&self, name: &str, mut to: File) -> Result<bool, StoreError> {
        let path = self.path(name);
        let got = self.ask("cannot read", name, |store| async move {
            let mut parts = store.get(&path).await?.into_stream();
            while let Some(part) = parts.next().await {
                to.write_all(&part?).map_err(of_file)?;
            }
            Ok(())
        });
        got.map(|found| found.is_some())
    }

    /// Writes an object, over one of the same name.
    pub(super) fn put(&self, name: &str, bytes: Vec<u8>, durability: Durability) -> Result<(), StoreError> {
        self.put_parts(name, vec![bytes.into()], PutOptions::default(), durability)
            .map_err(|error| StoreError::of_store("cannot write", self.path(name), &error))
    }

    /// Deletes an object, if it is there.
    pub(super) fn delete(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name);
        self.ask("cannot delete", name, |store| async move { store.delete(&path).await }).map(|_| ())
    }

    /// Copies an object over one of the same name: a hard link or the server's own copy.
    pub(super) fn copy(&self, from: &str, to: &str, durability: Durability) -> Result<(), StoreError> {
        let store = self.store(durability);
        let (source, target) = (self.path(from), self.path(to));
        self.run(async move { store.copy(&source, &target).await })
            .map_err(|error| StoreError::of_store("cannot copy", self.path(from), &error))
    }

    /// The objects right below a name.
    pub(super) fn list(&self, below: &str) -> Result<Vec<Listed>, StoreError> {
        let path = self.path(below);
        let listed =
            self.ask("cannot list", below, |store| async move { store.list_with_delimiter(Some(&path)).await })?;
        let objects = listed.map(|listed| listed.objects).unwrap_or_default();
        let listed = objects.into_iter().filter_map(|meta| {
            let name = meta.location.filename()?.to_owned();
            Some(Listed { name, bytes: meta.size, modified: meta.last_modified })
        });
        Ok(listed.collect())
    }

    /// The directories right below a name.
    pub(super) fn list_dirs(&self, below: &str) -> Result<Vec<String>, StoreError> {
        let path = self.path(below);
        let listed =
            self.ask("cannot list", below, |store| async move { store.list_with_delimiter(Some(&path)).await })?;
        let prefixes = listed.map(|listed| listed.common_prefixes).unwrap_or_default();
        Ok(prefixes.into_iter().filter_map(|prefix| prefix.filename().map(str::to_owned)).collect())
    }

    /// Deletes many objects; those that are not there are no error.
    pub(super) fn delete_all(&self, names: Vec<String>) -> Result<(), StoreError> {
        let store = Arc::clone(&self.inner.relaxed);
        let paths: Vec<_> = names.iter().map(|name| Ok(self.path(name))).collect();
        let outcome = self.run(async move {
            let mut results = store.delete_stream(futures::stream::iter(paths).boxed());
            while let Some(result) = results.next().await {
                match result {
                    Ok(_) | Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        outcome.map_err(|error| {
            StoreError::of_store("cannot delete objects of", names.first().map_or("", |name| name), &error)
        })
    }

    /// The name as the store knows it.
    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}{name}", self.inner.prefix))
    }

    fn store(&self, durability: Durability) -> Arc<dyn ObjectStore> {
        Arc::clone(match durability {
            Durability::Relaxed => &self.inner.relaxed,
            Durability::Sync => &self.inner.sync,
        })
    }

    fn put_parts(
        &self,
        name: &str,
        parts: Vec<Bytes>,
        options: PutOptions,
        durability: Durability,
    ) -> Result<(), Error> {
        let (store, path) = (self.store(durability), self.path(name));
        let payload: PutPayload = parts.into_iter().collect();
        self.run(async move { store.put_opts(&path, payload, options).await }).map(|_| ())
    }

    /// A request to which "there is none" is an answer.
    fn ask<T, F>(
        &self,
        doing: &'static str,
        name: &str,
        request: impl FnOnce(Arc<dyn ObjectStore>) -> F,
    ) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        match self.run(request(Arc::clone(&self.inner.relaxed))) {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(StoreError::of_store(doing, self.path(name), &error)),
        }
    }

    fn run<T: Send + 'static>(
        &self,
        request: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let died = || Error::Generic { store: "session store", source: "its thread has ended".into() };
        self.inner.engine.run(request).unwrap_or_else(|| Err(died()))
    }
}

async fn send(file: &mut File, upload: &mut WriteMultipart) -> Result<(), Error> {
    let mut buffer = vec![0; PART];
    loop {
        upload.wait_for_capacity(AT_A_TIME).await?;
        match file.read(&mut buffer).map_err(of_file)? {
            0 => return Ok(()),
            count => upload.write(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// What went wrong with a file of this machine.
fn of_file(error: std::io::Error) -> Error {
    Error::Generic { store: "local file", source: error.into() }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Backend({}{})", self.inner.relaxed, self.inner.prefix)
    }
}
