//! Who has a session open, precisely enough to see from another process of this machine that it is gone.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::observe::is_visible;

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// For people: "the kernel of nb.ipynb".
    pub words: String,
    /// The machine's name.
    pub host: String,
    /// This start of the machine; empty if unknown.
    pub boot: String,
    /// Which numbering of processes the pid belongs to: containers have their own. Empty if unknown.
    pub pid_space: String,
    /// The process.
    pub pid: u32,
    /// When it began, in the machine's ticks since its start: pids are used again.
    pub started: u64,
}

/// Words longer than this are cut, in characters.
const MAX_WORDS: usize = 200;

impl Holder {
    /// This process.
    pub fn here(words: &str) -> Self {
        let line = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let pid_space = fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned());
        let pid = std::process::id();
        Self {
            words: words.chars().filter(|char| is_visible(*char)).take(MAX_WORDS).collect(),
            host: line("/proc/sys/kernel/hostname"),
            boot: line("/proc/sys/kernel/random/boot_id"),
            pid_space: pid_space.unwrap_or_default(),
            pid,
            started: match process(pid) {
                Process::Alive { started } => started,
                Process::Gone | Process::Unknown => 0,
            },
        }
    }

    /// Whether this is the process that asks.
    pub fn is_here(&self) -> bool {
        let here = Self::here("");
        let is_known = !here.boot.is_empty() && !here.pid_space.is_empty() && here.started > 0;
        is_known && Self { words: String::new(), ..self.clone() } == here
    }

    /// Whether that process surely is no more. Only for processes of this start of this machine can that be said.
    pub fn is_gone(&self) -> bool {
        let here = Self::here("");
        let same = !self.boot.is_empty() && !self.pid_space.is_empty();
        if !same || self.boot != here.boot || self.pid_space != here.pid_space {
            return false;
        }
        match process(self.pid) {
            Process::Gone => true,
            Process::Alive { started } => started != self.started,
            Process::Unknown => false,
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (process {} on {})", self.words, self.pid, self.host)
    }
}

enum Process {
    Alive { started: u64 },
    Gone,
    Unknown,
}

fn process(pid: u32) -> Process {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Process::Gone,
        Err(_) => return Process::Unknown,
    };
    // The second field is the program's name in parentheses, which may contain anything.
    let Some((_, rest)) = stat.rsplit_once(") ") else { return Process::Unknown };
    let mut fields = rest.split(' ');
    match (fields.next(), fields.nth(18).and_then(|ticks| ticks.parse().ok())) {
        // Killed, and its parent has not asked yet.
        (Some("Z" | "X"), _) => Process::Gone,
        (Some(_), Some(started)) => Process::Alive { started },
        _ => Process::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_gone_and_one_with_another_start_is() {
        let here = Holder::here("a test\n");
        assert_eq!(here.words, "a test");
        assert!(here.started > 0 && !here.is_gone());
        assert!(Holder { started: here.started + 1, ..here.clone() }.is_gone(), "the pid was used again");
        assert!(Holder { pid: u32::MAX, ..here.clone() }.is_gone());
        assert!(!Holder { pid: u32::MAX, boot: "another".to_owned(), ..here.clone() }.is_gone(), "who knows");
        assert!(!Holder { pid: u32::MAX, pid_space: "pid:[1]".to_owned(), ..here }.is_gone(), "another container");
    }

    #[test]
    fn a_killed_process_that_nobody_has_waited_for_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let Process::Alive { started } = process(child.id()) else { panic!("it runs") };
        let holder = Holder { pid: child.id(), started, ..Holder::here("a child") };
        assert!(!holder.is_gone());
        child.kill().unwrap();
        while !holder.is_gone() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
