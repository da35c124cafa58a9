//! What is counted of the sessions of a process. Names that a guest chose are bounded in length and number.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::histogram::Histogram;

/// The `target` of the snapshot in the log, which is there at every level.
pub const TARGET: &str = "cellblock::metrics";

/// Names of exceptions that are counted apart; the rest are `other`.
const MOST_ERRORS: usize = 32;
/// Characters of one.
const MOST_NAME: usize = 64;
const OTHER: &str = "other";

/// What can happen to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Commit,
    Rollback,
    Undo,
    Redo,
    Resume,
    Save,
    Restore,
    Reset,
    Fork,
    Eviction,
}

const STEPS: [(Step, &str); 10] = [
    (Step::Commit, "commits"),
    (Step::Rollback, "rollbacks"),
    (Step::Undo, "undos"),
    (Step::Redo, "redos"),
    (Step::Resume, "resumes"),
    (Step::Save, "saves"),
    (Step::Restore, "restores"),
    (Step::Reset, "resets"),
    (Step::Fork, "forks"),
    (Step::Eviction, "evictions"),
];

/// How a cell ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct CellEnd<'a> {
    /// The exception's name, as the guest gave it; none for a cell that did not fail.
    pub error: Option<&'a str>,
    /// Why the host ended it, if it did.
    pub trap_reason: Option<&'static str>,
    /// Wall clock.
    pub duration: Duration,
    /// WebAssembly instructions.
    pub fuel: u64,
}

/// The counters of a process; shared by its sessions and whoever asks.
#[derive(Debug)]
pub struct Metrics {
    since: Instant,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    started: u64,
    ok: u64,
    failed: u64,
    errors: BTreeMap<String, u64>,
    stopped: BTreeMap<&'static str, u64>,
    /// Microseconds.
    duration: Histogram,
    fuel: Histogram,
    memory: u64,
    memory_peak: u64,
    steps: [u64; STEPS.len()],
    refused: BTreeMap<&'static str, u64>,
    removed: BTreeMap<&'static str, u64>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { since: Instant::now(), counts: Mutex::default() }
    }
}

impl Metrics {
    /// A cell begins to run.
    pub fn cell_started(&self) {
        self.counts.lock().started += 1;
    }

    /// It has ended.
    pub fn cell_ended(&self, end: &CellEnd<'_>) {
        let mut counts = self.counts.lock();
        match end.error {
            None => counts.ok += 1,
            Some(name) => {
                counts.failed += 1;
                counts.count_error(name);
            }
        }
        if let Some(reason) = end.trap_reason {
            *counts.stopped.entry(reason).or_default() += 1;
        }
        counts.duration.record(u64::try_from(end.duration.as_micros()).unwrap_or(u64::MAX));
        counts.fuel.record(end.fuel);
    }

    /// A session's memory has so many bytes now, and had so many before.
    pub fn memory_changed(&self, before: u64, now: u64) {
        let mut counts = self.counts.lock();
        counts.memory = counts.memory.saturating_sub(before).saturating_add(now);
        counts.memory_peak = counts.memory_peak.max(counts.memory);
    }

    /// Something happened to a session.
    pub fn step(&self, step: Step) {
        if let Some(count) = self.counts.lock().steps.get_mut(step as usize) {
            *count += 1;
        }
    }

    /// The sandbox refused something so often: a policy's key, a WASI call, or `frame`.
    pub fn refused(&self, what: &'static str, times: u64) {
        *self.counts.lock().refused.entry(what).or_default() += times;
    }

    /// The firewall removed these from a cell's outputs: names and numbers, as `firewall::Removals::counts` gives them.
    pub fn removed(&self, counts: impl IntoIterator<Item = (&'static str, u32)>) {
        for (kind, times) in counts {
            *self.counts.lock().removed.entry(kind).or_default() += u64::from(times);
        }
    }

    /// All of it, as it is now.
    pub fn snapshot(&self) -> Value {
        let counts = self.counts.lock();
        let steps: Map<_, _> =
            STEPS.iter().zip(counts.steps).map(|((_, name), count)| ((*name).to_owned(), count.into())).collect();
        json!({
            "uptime_seconds": round(self.since.elapsed().as_secs_f64()),
            "cells": {
                "started": counts.started,
                "running": counts.started.saturating_sub(counts.ok + counts.failed),
                "ok": counts.ok,
                "failed": counts.failed,
            },
            "errors": counts.errors,
            "stopped": counts.stopped,
            "duration_ms": percentiles(&counts.duration, |micros| round(micros as f64 / 1e3).into()),
            "fuel": percentiles(&counts.fuel, Value::from),
            "memory_bytes": {"now": counts.memory, "peak": counts.memory_peak},
            "session": steps,
            "refused": counts.refused,
            "removed": counts.removed,
        })
    }

    /// Logs the snapshot, at whatever level the log is.
    pub fn log(&self) {
        tracing::info!(target: TARGET, metrics = %self.snapshot(), "cellblock.metrics");
    }
}

impl Counts {
    fn count_error(&mut self, name: &str) {
        let name = exception_name(name);
        let has_room = self.errors.len() < MOST_ERRORS || self.errors.contains_key(name);
        let name = if has_room { name } else { OTHER };
        *self.errors.entry(name.to_owned()).or_default() += 1;
    }
}

/// An exception's name, or `other` for what a guest may have put there instead: it can hold anything.
pub fn exception_name(name: &str) -> &str {
    let is_name = !name.is_empty()
        && name.chars().nth(MOST_NAME).is_none()
        && name.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '.'));
    if is_name { name } else { OTHER }
}

fn percentiles(histogram: &Histogram, unit: impl Fn(u64) -> Value) -> Value {
    let of = |percent| unit(histogram.percentile(percent));
    json!({
        "p50": of(50), "p95": of(95), "p99": of(99), "max": unit(histogram.max()), "total": unit(histogram.total()),
    })
}

/// To a thousandth.
fn round(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_place() {
        for (place, (step, _)) in STEPS.iter().enumerate() {
            assert_eq!(*step as usize, place);
        }
    }

    #[test]
    fn names_of_errors_are_bounded_in_length_form_and_number() {
        let metrics = Metrics::default();
        let fail = |name: &str| metrics.cell_ended(&CellEnd { error: Some(name), ..CellEnd::default() });
        for number in 0..100 {
            fail(&format!("Error{number}"));
        }
        for odd in ["", "a\nb", "<b>", &"x".repeat(65)] {
            fail(odd);
        }
        fail("Error0");
        let snapshot = metrics.snapshot();
        let errors = snapshot["errors"].as_object().unwrap();
        assert_eq!(errors.len(), MOST_ERRORS + 1);
        assert_eq!((&errors["other"], &errors["Error0"]), (&json!(100 - MOST_ERRORS + 4), &json!(2)));
        assert_eq!(snapshot["cells"]["failed"], 105);
    }

    #[test]
    fn memory_is_that_of_all_sessions() {
        let metrics = Metrics::default();
        metrics.memory_changed(0, 100);
        metrics.memory_changed(0, 50);
        metrics.memory_changed(100, 20);
        assert_eq!(metrics.snapshot()["memory_bytes"], json!({"now": 70, "peak": 150}));
    }

    #[test]
    fn removals_are_added_up_by_kind() {
        let metrics = Metrics::default();
        metrics.removed([("script", 1), ("remote", 2)]);
        metrics.removed([("script", 3)]);
        assert_eq!(metrics.snapshot()["removed"], json!({"script": 4, "remote": 2}));
    }
}
