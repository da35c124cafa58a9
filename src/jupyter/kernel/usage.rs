//! What the kernel's process takes of its host, read from `/proc`. Where there is none, figures are
//! left out or zero; a request is answered all the same.

use std::fs::read_to_string;
use std::time::Instant;

use crate::jupyter::wire::contents::usage::{UsageReply, VirtualMemory};

/// Measures; percentages are of the time since the measurement before.
pub(super) struct UsageMeter {
    last_process: Option<(Instant, u64)>,
    last_host: Option<HostTicks>,
}

#[derive(Clone, Copy)]
struct HostTicks {
    busy: u64,
    total: u64,
}

impl UsageMeter {
    /// A meter whose first percentages are since now.
    pub(super) fn new() -> Self {
        Self { last_process: process_ticks().map(|ticks| (Instant::now(), ticks)), last_host: host_ticks() }
    }

    /// The figures of now.
    pub(super) fn measure(&mut self) -> UsageReply {
        UsageReply {
            hostname: read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned()),
            pid: std::process::id(),
            kernel_cpu: self.process_percent().unwrap_or(0.0),
            kernel_memory: process_memory().unwrap_or(0),
            host_cpu_percent: self.host_percent(),
            cpu_count: std::thread::available_parallelism().map_or(1, usize::from),
            host_virtual_memory: host_memory().unwrap_or_default(),
            ..UsageReply::default()
        }
    }

    fn process_percent(&mut self) -> Option<f64> {
        let ticks = process_ticks()?;
        let now = Instant::now();
        let (then, before) = self.last_process.replace((now, ticks))?;
        let seconds = (now - then).as_secs_f64();
        let used = ticks.saturating_sub(before) as f64 / rustix::param::clock_ticks_per_second() as f64;
        (seconds > 0.0).then(|| round(used / seconds * 100.0))
    }

    fn host_percent(&mut self) -> Option<f64> {
        let now = host_ticks()?;
        let before = self.last_host.replace(now)?;
        let total = now.total.saturating_sub(before.total);
        // Asked again within a tick, nothing can be told apart.
        Some(if total > 0 { round(now.busy.saturating_sub(before.busy) as f64 / total as f64 * 100.0) } else { 0.0 })
    }
}

/// To a tenth, as such displays show it.
fn round(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

/// User and system time of this process.
fn process_ticks() -> Option<u64> {
    let stat = read_to_string("/proc/self/stat").ok()?;
    // The second field, the name, may contain anything; what follows its last parenthesis may not.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    Some(number(times.next()?)? + number(times.next()?)?)
}

fn host_ticks() -> Option<HostTicks> {
    let stat = read_to_string("/proc/stat").ok()?;
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).filter_map(number).collect();
    let total = ticks.iter().sum();
    let resting: u64 = ticks.iter().skip(3).take(2).sum();
    Some(HostTicks { busy: u64::saturating_sub(total, resting), total })
}

/// Shared pages counted in proportion where the system tells, as ipykernel does.
fn process_memory() -> Option<u64> {
    let proportional = read_to_string("/proc/self/smaps_rollup").ok().and_then(|text| kilobytes(&text, "Pss"));
    proportional.or_else(|| kilobytes(&read_to_string("/proc/self/status").ok()?, "VmRSS"))
}

fn host_memory() -> Option<VirtualMemory> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let field = |name| kilobytes(&text, name).unwrap_or(0);
    let (total, available) = (field("MemTotal"), field("MemAvailable"));
    let used = total.saturating_sub(available);
    Some(VirtualMemory {
        total,
        available,
        percent: if total > 0 { round(used as f64 / total as f64 * 100.0) } else { 0.0 },
        used,
        free: field("MemFree"),
        active: field("Active"),
        inactive: field("Inactive"),
        buffers: field("Buffers"),
        cached: field("Cached"),
        shared: field("Shmem"),
        slab: field("Slab"),
    })
}

/// A line like `Name:   123 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(number(line.split_whitespace().next()?)?.saturating_mul(1024))
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_there_and_plausible() {
        let usage = UsageMeter::new().measure();
        assert_eq!(usage.pid, std::process::id());
        assert!(usage.kernel_memory > 100_000 && usage.host_virtual_memory.total > usage.kernel_memory);
        assert!(usage.cpu_count >= 1 && usage.kernel_cpu >= 0.0);
    }
}
