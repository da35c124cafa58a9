//! What a cell's fuel means: how much of the budget it was, what took it, and what budget would do.

use serde::{Serialize, Serializer};

use super::text::{LINE_MAX, clean, clean_name, fuel, grouped};

/// Suggested budgets are whole multiples of this.
const BILLION: u64 = 1_000_000_000;
/// A package is a cause if importing it took this part of the cell's fuel.
const HEAVY_SHARE: f64 = 0.1;
/// A line is a cause if this part of the samples fell on it.
const HOT_SHARE: f64 = 0.15;
/// Causes that are named.
const CAUSES_MAX: usize = 5;
/// Entries of hostile lists that are looked at.
const LIST_MAX: usize = 4096;

/// What is known of a cell's fuel.
#[derive(Debug, Clone, Default)]
pub struct FuelFacts {
    /// Wasm instructions that the cell used.
    pub consumed: u64,
    /// What it was allowed; none if fuel is not metered.
    pub budget: Option<u64>,
    /// Modules that the cell brought in, by the difference of `sys.modules`. Names are the guest's: hostile.
    pub imports: Vec<Import>,
    /// Lines of the cell on which samples fell. The source is hostile.
    pub hot_lines: Vec<HotLine>,
}

/// A module that was imported for the first time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// Its name; of `a.b` and `a`, the one that took more stands for the package.
    pub name: String,
    /// The fuel that it took with all that it imported itself; none if that was not measured.
    pub fuel: Option<u64>,
}

/// How often a line was found running.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HotLine {
    /// Its number in the cell, from 1.
    pub line: u32,
    /// How many samples fell on it.
    pub samples: u32,
    /// Its text.
    pub source: String,
}

/// How much of the budget was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FuelStatus {
    /// Fuel is not metered.
    Unknown,
    /// Below 50 %.
    Efficient,
    /// From 50 %.
    Moderate,
    /// From 75 %.
    Warning,
    /// From 90 %.
    Critical,
    /// From 100 %.
    Exhausted,
}

impl FuelStatus {
    /// The name in the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Efficient => "efficient",
            Self::Moderate => "moderate",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Exhausted => "exhausted",
        }
    }

    /// Whether it is worth being shown without being asked for.
    pub fn is_alarming(self) -> bool {
        self >= Self::Warning
    }
}

/// One step of the scale.
#[derive(Debug)]
pub struct Step {
    /// The per cent of the budget from which it counts.
    pub from: u32,
    pub status: FuelStatus,
    pub recommendation: &'static str,
    /// The suggested budget, as a fraction of what was consumed.
    pub factor: Option<(u64, u64)>,
}

const fn step(from: u32, status: FuelStatus, recommendation: &'static str, factor: Option<(u64, u64)>) -> Step {
    Step { from, status, recommendation, factor }
}

/// The scale, upwards: the last step that is reached counts.
pub const SCALE: &[Step] = &[
    step(0, FuelStatus::Efficient, "The budget is ample for this cell.", None),
    step(50, FuelStatus::Moderate, "The budget is enough for this cell, though not for twice as much.", None),
    step(75, FuelStatus::Warning, "The cell is near its budget: a little more data will exceed it.", Some((3, 2))),
    step(90, FuelStatus::Critical, "The cell hardly fits its budget.", Some((2, 1))),
    step(100, FuelStatus::Exhausted, "The cell used up its budget.", Some((2, 1))),
];

/// What a cell's fuel means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FuelAnalysis {
    pub consumed: u64,
    pub budget: Option<u64>,
    /// Per cent of the budget, with two decimals; none if fuel is not metered.
    #[serde(serialize_with = "two_decimals")]
    pub utilization_percent: Option<f64>,
    pub status: FuelStatus,
    pub recommendation: String,
    /// A budget that would do, in whole billions.
    pub suggested_budget: Option<u64>,
    /// What took the fuel, the most likely first; none for a cell that is far from its budget.
    pub likely_causes: Vec<String>,
}

fn two_decimals<S: Serializer>(percent: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    percent.map(|percent| (percent * 100.0).round() / 100.0).serialize(serializer)
}

/// Analyses a cell's fuel.
pub fn analyse(facts: &FuelFacts) -> FuelAnalysis {
    let Some(budget) = facts.budget else { return unmetered(facts.consumed) };
    let reached = |percent: u32| u128::from(facts.consumed) * 100 >= u128::from(budget) * u128::from(percent);
    let step = SCALE.iter().rev().find(|step| reached(step.from));
    let (status, words, factor) =
        step.map_or((FuelStatus::Efficient, "", None), |step| (step.status, step.recommendation, step.factor));
    let suggested_budget = factor.map(|(numerator, denominator)| suggested(facts.consumed, numerator, denominator));
    let likely_causes = if status >= FuelStatus::Moderate { causes(facts) } else { Vec::new() };
    FuelAnalysis {
        consumed: facts.consumed,
        budget: Some(budget),
        utilization_percent: Some(percent(facts.consumed, budget)),
        status,
        recommendation: recommendation(words, suggested_budget),
        suggested_budget,
        likely_causes,
    }
}

/// Fuel times a fraction, rounded up to whole billions, at least one.
pub fn suggested(consumed: u64, numerator: u64, denominator: u64) -> u64 {
    let product = (u128::from(consumed) * u128::from(numerator)).div_ceil(u128::from(denominator.max(1)));
    let billions = product.div_ceil(u128::from(BILLION)).max(1);
    u64::try_from(billions * u128::from(BILLION)).unwrap_or(u64::MAX / BILLION * BILLION)
}

fn unmetered(consumed: u64) -> FuelAnalysis {
    FuelAnalysis {
        consumed,
        budget: None,
        utilization_percent: None,
        status: FuelStatus::Unknown,
        recommendation: "Fuel is not metered here, so there is no budget to compare with.".to_owned(),
        suggested_budget: None,
        likely_causes: Vec::new(),
    }
}

fn recommendation(words: &str, budget: Option<u64>) -> String {
    match budget {
        Some(budget) => {
            let setting = grouped(budget).replace(',', "_");
            format!("{words} Make it do less (see the causes), or set `fuel_budget = {setting}` in the policy file.")
        }
        None => words.to_owned(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
fn percent(part: u64, whole: u64) -> f64 {
    // A budget of nothing is used up, however little is used.
    let ratio = if whole == 0 { 100.0 } else { part as f64 / whole as f64 * 100.0 };
    (ratio * 100.0).round() / 100.0
}

/// Heavy imports first, then lines on which much time fell; a large computation if neither explains it.
fn causes(facts: &FuelFacts) -> Vec<String> {
    let mut found = imports(facts);
    found.extend(lines(facts));
    if found.is_empty() {
        found.push("a large computation: long loops over many items, or many operations on large data".to_owned());
    }
    found.truncate(CAUSES_MAX);
    found
}

fn imports(facts: &FuelFacts) -> Vec<String> {
    let mut packages: Vec<(String, u64)> = Vec::new();
    for import in facts.imports.iter().take(LIST_MAX) {
        let name = clean_name(import.name.split('.').next().unwrap_or_default());
        let Some(used) = import.fuel.map(|used| used.min(facts.consumed)) else { continue };
        match packages.iter_mut().find(|(known, _)| *known == name) {
            Some((_, most)) => *most = used.max(*most),
            None => packages.push((name, used)),
        }
    }
    packages.retain(|(_, used)| percent(*used, facts.consumed.max(1)) >= HEAVY_SHARE * 100.0);
    packages.sort_by_key(|(_, used)| std::cmp::Reverse(*used));
    let cause = |(name, used): (String, u64)| {
        let share = percent(used, facts.consumed.max(1));
        format!("importing `{name}` took {} fuel, {share:.0} % of the cell's", fuel(used))
    };
    packages.into_iter().map(cause).collect()
}

fn lines(facts: &FuelFacts) -> Vec<String> {
    let all: u64 = facts.hot_lines.iter().take(LIST_MAX).map(|line| u64::from(line.samples)).sum();
    let mut hot: Vec<_> = facts.hot_lines.iter().take(LIST_MAX).collect();
    hot.retain(|line| percent(u64::from(line.samples), all.max(1)) >= HOT_SHARE * 100.0);
    hot.sort_by_key(|line| (std::cmp::Reverse(line.samples), line.line));
    let cause = |line: &HotLine| {
        let share = percent(u64::from(line.samples), all.max(1));
        let source = clean(&line.source, LINE_MAX).replace('`', "'");
        let shown = if source.is_empty() { String::new() } else { format!(": `{source}`") };
        format!("line {} took about {share:.0} % of the computing{shown}", line.line)
    };
    hot.into_iter().take(3).map(cause).collect()
}

#[cfg(test)]
#[path = "fuel_tests.rs"]
mod tests;
