//! What ends or interrupts the kernel from outside: signals, and the death of the process that started it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Exit;
use super::startup::Gate;

/// How often the parent is looked for; well below the second within which the kernel is to be gone.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The process that started the kernel, with whose death the kernel ends.
#[derive(Debug)]
pub struct Parent {
    /// Usually who started the kernel is its parent, and an orphan gets another.
    direct: Option<Pid>,
    /// With a wrapper in between, the named process itself is watched. One that cannot be watched (it may be in
    /// another namespace) is not taken for dead.
    named: Option<OwnedFd>,
}

impl Parent {
    /// The process that Jupyter names in `JPY_PARENT_PID`. To be asked for first thing: later it may be gone
    /// already, and nobody would notice.
    pub fn from_env() -> Option<Self> {
        let pid = std::env::var("JPY_PARENT_PID").ok()?.parse().ok().filter(|pid| *pid > 0)?;
        let named = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok();
        Some(Self { direct: getppid(), named })
    }

    fn is_gone(&self) -> bool {
        getppid() != self.direct || self.named.as_ref().is_some_and(has_exited)
    }
}

/// The signals that the kernel heeds.
pub(super) struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they are heeded.
    pub(super) fn heed() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Passes interrupts on; ends when the kernel is to end.
    pub(super) async fn watch(&mut self, gate: &Gate) -> Exit {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Exit::Terminated,
                _ = self.hang_up.recv() => return Exit::Terminated,
                _ = self.interrupt.recv() => gate.interrupt(),
            }
        }
    }
}

/// Ends when the parent is gone; never without a parent.
pub(super) async fn parent_gone(parent: Option<&Parent>) -> Exit {
    let Some(parent) = parent else {
        return std::future::pending().await;
    };
    while !parent.is_gone() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Exit::ParentGone
}

/// A process's descriptor is readable once it has ended, reaped or not.
fn has_exited(process: &OwnedFd) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&at_once)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_ended_is_seen_before_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        assert!(!has_exited(&process));
        child.kill().unwrap();
        let seen = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(2));
            has_exited(&process)
        });
        child.wait().unwrap();
        assert!(seen);
    }
}
