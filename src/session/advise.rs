//! What is said about a cell besides what it showed itself: the analysis of its fuel, and guidance when the
//! sandbox is why it failed. The words are the advice room's; here they get their facts.

use serde_json::{Map, Value};

use super::door::reply::Report;
use super::event::{Event, Outcome, State, TrapReason};
use super::limits::Limits;
use crate::advice::{self, Ended, ErrorFacts, Fate, FuelAnalysis, FuelFacts, FuelStatus, Mount};
use crate::policy::FuelAdvice;

/// What is displayed of it, unless the notebook asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// `advice.fuel`.
    pub fuel: FuelAdvice,
    /// `advice.errors`.
    pub errors: bool,
}

/// What a notebook asked for with `%fuel on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// Nothing.
    #[default]
    None,
    Always,
    Never,
}

/// Adds the analysis and the guidance to the outcome of a cell, and answers what is to be displayed.
pub fn advise(
    outcome: &mut Outcome,
    report: Report,
    code: &str,
    limits: &Limits,
    mounts: &[Mount],
    shown: Shown,
    wish: Wish,
) -> Vec<Event> {
    let Report { facts, imports, hot_lines, .. } = report;
    let consumed = outcome.usage.fuel_consumed;
    let analysis = advice::analyse(&FuelFacts { consumed, budget: Some(limits.fuel), imports, hot_lines });
    let failed = outcome.failure.is_some();
    let truncated = outcome.usage.stdout_truncated || outcome.usage.stderr_truncated;
    let guidance = if failed || truncated { guide(outcome, facts.as_ref(), code, limits, mounts) } else { None };
    let mut displays = Vec::new();
    if let Some(guidance) = guidance.as_ref().filter(|_| shown.errors) {
        displays.push(display(guidance.bundle()));
    }
    if is_shown(&analysis, shown.fuel, wish) {
        displays.push(display(analysis.bundle()));
    }
    outcome.usage.fuel_analysis = Some(analysis);
    outcome.usage.error_guidance = guidance;
    displays
}

fn is_shown(analysis: &FuelAnalysis, policy: FuelAdvice, wish: Wish) -> bool {
    let alarming = matches!(analysis.status, FuelStatus::Warning | FuelStatus::Critical | FuelStatus::Exhausted);
    match (wish, policy) {
        (Wish::Always, _) | (Wish::None, FuelAdvice::Always) => true,
        (Wish::Never, _) | (Wish::None, FuelAdvice::Never) => false,
        (Wish::None, FuelAdvice::Warnings) => alarming,
    }
}

fn display(data: Map<String, Value>) -> Event {
    Event::Display { data, metadata: Map::new(), transient: Map::new(), update: false }
}

fn guide(
    outcome: &Outcome,
    facts: Option<&Value>,
    code: &str,
    limits: &Limits,
    mounts: &[Mount],
) -> Option<advice::Guidance> {
    let usage = &outcome.usage;
    advice::guide(&ErrorFacts {
        facts: facts.unwrap_or(&Value::Null),
        ended: usage.trap_reason.map(ended),
        exit_code: usage.exit_code,
        fate: match usage.state {
            State::Kept => Fate::Kept,
            State::RolledBack => Fate::RolledBack,
            State::Lost => Fate::Lost,
        },
        truncated: (usage.stdout_truncated, usage.stderr_truncated),
        fuel_consumed: usage.fuel_consumed,
        duration_ms: usage.duration_ms,
        limits: advice::Limits {
            fuel: Some(limits.fuel),
            seconds: limits.time.map(|time| time.as_secs_f64()),
            memory: Some(limits.memory),
            stdout: Some(limits.stdout),
            stderr: Some(limits.stderr),
            display: Some(limits.display),
            message: Some(limits.message as u64),
            open_files: Some(limits.open_files as u64),
            recursion: Some(limits.recursion),
            workspace_bytes: Some(limits.workspace.bytes),
            workspace_files: Some(limits.workspace.files),
        },
        code,
        installed: &[],
        mounts,
    })
}

fn ended(reason: TrapReason) -> Ended {
    match reason {
        TrapReason::OutOfFuel => Ended::OutOfFuel,
        TrapReason::MemoryLimit => Ended::MemoryLimit,
        TrapReason::Timeout => Ended::Timeout,
        TrapReason::StackOverflow => Ended::StackOverflow,
        TrapReason::Interrupted => Ended::Interrupted,
        TrapReason::Trap => Ended::Trap,
        TrapReason::Exited => Ended::Exited,
        TrapReason::HostError => Ended::HostError,
    }
}
