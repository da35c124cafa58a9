//! Opens the places that sessions can be kept in: by directory or by URL.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{ClientConfigKey, ObjectStore, RetryConfig};

use super::backend::{Backend, Inner};
use super::blocking::Engine;
use super::error::StoreError;
use super::lease_renewer::LeaseRenewer;

/// After this the server has not answered.
const CONNECT: Duration = Duration::from_secs(5);
/// No request may take longer: a large state has to go through a slow line.
const REQUEST: Duration = Duration::from_secs(300);
/// Requests are repeated for so long.
const RETRY: Duration = Duration::from_secs(20);

impl Backend {
    /// A directory, which is made if it is not there, for nobody else's eyes.
    pub fn local(root: &Path) -> Result<Self, StoreError> {
        let io = |error: std::io::Error| StoreError::io("cannot keep sessions in", root.display(), error);
        if !root.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(io)?;
            // Whatever the umask says.
            fs::set_permissions(root, fs::Permissions::from_mode(0o700)).map_err(io)?;
        }
        let root = root.canonicalize().map_err(io)?;
        let store = LocalFileSystem::new_with_prefix(&root)
            .map_err(|error| StoreError::io("cannot keep sessions in", root.display(), error))?;
        let sync = Arc::new(store.clone().with_fsync(true));
        Ok(Self::of(inner(Arc::new(store), sync, Engine::Inline, String::new(), Some(root))))
    }

    /// `file:///DIRECTORY`, `s3://BUCKET/PREFIX` (with the host's `AWS_*` settings) or `memory:///`, which
    /// is gone with the backend.
    pub fn at(url: &str) -> Result<Self, StoreError> {
        let bad = |why: &str| StoreError::BadPlace { url: url.to_owned(), why: why.to_owned() };
        match url.split_once("://") {
            Some(("file", path)) if path.starts_with('/') => Self::local(Path::new(path)),
            Some(("file", _)) => Err(bad("the directory must be absolute")),
            Some(("memory", "" | "/")) => Ok(Self::over(Arc::new(InMemory::new()))),
            Some(("s3", place)) => Self::s3(url, place),
            Some(_) => Err(bad("there is no such kind of place")),
            None => Err(bad("it is not a URL")),
        }
    }

    /// Any store that answers without a runtime.
    pub(super) fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self::of(inner(Arc::clone(&store), store, Engine::Inline, String::new(), None))
    }

    fn s3(url: &str, place: &str) -> Result<Self, StoreError> {
        let bad = |why: String| StoreError::BadPlace { url: url.to_owned(), why };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(bad("it names no bucket".to_owned()));
        }
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let retry = RetryConfig { max_retries: 6, retry_timeout: RETRY, ..RetryConfig::default() };
        let setting =
            |key, seconds: Duration| (AmazonS3ConfigKey::Client(key), format!("{} seconds", seconds.as_secs()));
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
        for (key, value) in
            [setting(ClientConfigKey::ConnectTimeout, CONNECT), setting(ClientConfigKey::Timeout, REQUEST)]
        {
            builder = builder.with_config(key, value);
        }
        let store = builder.build().map_err(|error| bad(error.to_string()))?;
        let store: Arc<dyn ObjectStore> = Arc::new(store);
        Ok(Self::of(inner(Arc::clone(&store), store, Engine::network()?, prefix, None)))
    }
}

fn inner(
    relaxed: Arc<dyn ObjectStore>,
    sync: Arc<dyn ObjectStore>,
    engine: Engine,
    prefix: String,
    local_root: Option<std::path::PathBuf>,
) -> Inner {
    Inner {
        relaxed,
        sync,
        engine,
        prefix,
        local_root,
        clock: Arc::new(chrono::Utc::now),
        renewer: LeaseRenewer::new(true),
    }
}

#[cfg(test)]
impl Backend {
    /// With a clock that only the test moves; leases are not renewed on their own.
    pub(super) fn with_clock(store: Arc<dyn ObjectStore>, clock: super::backend::Clock) -> Self {
        let made = inner(Arc::clone(&store), store, Engine::Inline, String::new(), None);
        Self::of(Inner { clock, renewer: LeaseRenewer::new(false), ..made })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_local_directories_buckets_or_memory() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a b%20c#d/sessions");
        let backend = Backend::at(&format!("file://{}", root.display())).unwrap();
        assert_eq!(backend.local_root(), Some(root.canonicalize().unwrap().as_path()));
        assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(Backend::at("memory:///").unwrap().local_root().is_none());
        for bad in ["/tmp/x", "file://relative", "s3://", "s3:///x", "gopher://x", "memory:///x"] {
            let error = Backend::at(bad).unwrap_err().to_string();
            assert!(error.contains(bad), "{error}");
        }
    }
}
