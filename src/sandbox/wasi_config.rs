//! What a guest sees of a machine: its directories, environment and clock. Capabilities are values:
//! there is nothing here that was not put here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, HostMonotonicClock, WasiCtxBuilder};

use super::engine::Edition;
use super::wasi::fd_table::FIRST_MOUNT;
use super::watch::Watch;

/// A directory of the host that the guest sees at `guest`.
#[derive(Debug, Clone)]
pub struct Mount {
    pub host: PathBuf,
    pub guest: String,
    pub writable: bool,
}

/// The guest's world. Images remember the mounts: the same ones, in the same order, at the same guest
/// paths, for every instance (libc keeps them in memory).
#[derive(Debug, Clone)]
pub struct WasiConfig {
    pub mounts: Vec<Mount>,
    /// Directories that an image knows nothing of, so there may be any: read-only, whatever they say, at guest paths
    /// that lie below one of `mounts` to which the guest cannot write.
    pub inner: Vec<Mount>,
    /// What the guest is called: its only argument.
    pub program: &'static str,
    /// The whole environment; nothing of the host's is added. Read by the guest once, when its image is made.
    pub env: Vec<(String, String)>,
    /// Files that may be open at once.
    pub open_files: usize,
    /// For all mounts together that the guest may write to.
    pub quota: Quota,
    /// Bytes of one frame of the door, in either direction.
    pub max_frame: usize,
    pub clock: Arc<Clock>,
    /// A deterministic guest has a clock of its own.
    pub edition: Edition,
    /// Who is told what the guest does to files.
    pub watch: Option<Arc<dyn Watch>>,
}

/// How much a guest may keep in files. A write that would go past it is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of all files, by their lengths; past it the guest gets EDQUOT.
    pub bytes: u64,
    /// Files and directories; past it the guest gets ENOSPC.
    pub files: u64,
}

impl Default for Quota {
    /// No limit.
    fn default() -> Self {
        Self { bytes: u64::MAX, files: u64::MAX }
    }
}

/// The guest's monotonic clock: never runs backwards in a session, whatever becomes of its instance.
#[derive(Debug)]
pub struct Clock {
    origin: Duration,
    started: Instant,
}

impl Clock {
    /// A clock that is ahead of any image's made before now: it counts from the Unix epoch.
    pub fn new() -> Self {
        let origin = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { origin, started: Instant::now() }
    }

    /// A clock that goes on from `nanoseconds`, a time on an earlier clock of the same session, wherever that was.
    pub fn after(nanoseconds: u64) -> Self {
        let clock = Self::new();
        Self { origin: clock.origin.max(Duration::from_nanos(nanoseconds)), ..clock }
    }

    /// Nanoseconds on this clock.
    pub fn now(&self) -> u64 {
        u64::try_from((self.origin + self.started.elapsed()).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

struct Shared(Arc<Clock>);

impl HostMonotonicClock for Shared {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.0.now()
    }
}

impl WasiConfig {
    /// Bytes of the arguments and of the environment.
    pub(super) fn environment(&self) -> usize {
        self.program.len() + self.env.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>()
    }

    /// What the guest calls its mounts, by their order, if it may write to them.
    pub(super) fn watched(&self) -> Vec<Option<Arc<str>>> {
        self.mounts.iter().map(|mount| mount.writable.then(|| mount.guest.as_str().into())).collect()
    }

    /// The WASI side of this world, and the descriptors of the inner mounts in it. One of those that cannot be
    /// opened is not there: it may have gone since the session began.
    ///
    /// # Errors
    /// Another mount that cannot be opened, by its guest path.
    pub(super) fn open(&self) -> wasmtime::Result<(WasiP1Ctx, Vec<Option<i32>>)> {
        let mut builder = WasiCtxBuilder::new();
        builder
            // The guest has a thread of its own, so its file operations may block it.
            .allow_blocking_current_thread(true)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .arg(self.program)
            .envs(&self.env)
            .monotonic_clock(Shared(self.clock.clone()));
        for mount in &self.mounts {
            let perms = if mount.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            builder
                .preopened_dir(&mount.host, &mount.guest, perms)
                .map_err(|error| wasmtime::format_err!("cannot open the directory behind {}: {error}", mount.guest))?;
        }
        let mut next = FIRST_MOUNT + u32::try_from(self.mounts.len())?;
        let mut opened = Vec::with_capacity(self.inner.len());
        for mount in &self.inner {
            let fd = match builder.preopened_dir(&mount.host, &mount.guest, FsPerms::ReadOnly) {
                Ok(_) => Some(next.cast_signed()),
                Err(error) => {
                    tracing::warn!(%error, mount = mount.guest, "the directory of a mount cannot be opened");
                    None
                }
            };
            next += u32::from(fd.is_some());
            opened.push(fd);
        }
        Ok((builder.build_p1(), opened))
    }
}
