//! Advice as what can be shown: plain text for terminals, HTML, and JSON, in one MIME bundle.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::engine::Guidance;
use super::fuel::{FuelAnalysis, FuelStatus};
use super::html::Panel;
use super::text::fuel;

/// A type of our own: JupyterLab prefers `application/json` to HTML and would show a tree.
const JSON_TYPE: &str = "application/vnd.cellblock.advice+json";

impl FuelAnalysis {
    /// For a terminal: no escapes, lines of their own.
    pub fn plain(&self) -> String {
        let mut text = format!("[fuel: {}] {}\n", self.status.as_str(), self.headline());
        let _ = writeln!(text, "  {}", self.recommendation);
        for cause in &self.likely_causes {
            let _ = writeln!(text, "  - {cause}");
        }
        text
    }

    /// For a page: folds, needs no script, suits light and dark.
    pub fn html(&self) -> String {
        let colour = match self.status {
            FuelStatus::Warning => ("--jp-warn-color1", "#f57c00"),
            FuelStatus::Critical | FuelStatus::Exhausted => ("--jp-error-color1", "#d32f2f"),
            _ => ("--jp-info-color1", "#0288d1"),
        };
        let headline = format!("Fuel: {} · {}", self.status.as_str(), self.headline());
        let mut panel = Panel::new(colour, self.status.is_alarming(), &headline);
        panel.line(&self.recommendation);
        panel.list(&self.likely_causes);
        panel.finish()
    }

    /// All of it: `text/plain`, `text/html`, `application/vnd.cellblock.advice+json`.
    pub fn bundle(&self) -> Map<String, Value> {
        bundle(self.plain(), self.html(), self)
    }

    fn headline(&self) -> String {
        let used = fuel(self.consumed);
        match (self.budget, self.utilization_percent) {
            (Some(budget), Some(percent)) => format!("{used} of {} ({percent:.2} %)", fuel(budget)),
            _ => format!("{used} used"),
        }
    }
}

impl Guidance {
    /// For a terminal: no escapes, lines of their own.
    pub fn plain(&self) -> String {
        let mut text = format!("[{}]", self.error_type.as_str());
        for (index, sentence) in self.actionable_guidance.iter().enumerate() {
            let _ = if index == 0 { writeln!(text, " {sentence}") } else { writeln!(text, "  - {sentence}") };
        }
        for example in &self.code_examples {
            let _ = write!(text, "  instead of\n{}  write\n{}", indented(&example.before), indented(&example.after));
            let _ = writeln!(text, "  ({})", example.explanation);
        }
        text
    }

    /// For a page: folds, needs no script, suits light and dark.
    pub fn html(&self) -> String {
        let (first, rest) =
            self.actionable_guidance.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let headline = format!("{} · {first}", self.error_type.as_str());
        let mut panel = Panel::new(("--jp-info-color1", "#0288d1"), true, &headline);
        panel.list(rest);
        for example in &self.code_examples {
            panel.code("instead of", &example.before);
            panel.code("write", &example.after);
            panel.line(&example.explanation);
        }
        panel.finish()
    }

    /// All of it: `text/plain`, `text/html`, `application/vnd.cellblock.advice+json`.
    pub fn bundle(&self) -> Map<String, Value> {
        bundle(self.plain(), self.html(), self)
    }
}

fn bundle(plain: String, html: String, value: &impl Serialize) -> Map<String, Value> {
    let mut bundle = Map::new();
    bundle.insert("text/plain".to_owned(), Value::String(plain));
    bundle.insert("text/html".to_owned(), Value::String(html));
    if let Ok(json) = serde_json::to_value(value) {
        bundle.insert(JSON_TYPE.to_owned(), json);
    }
    bundle
}

fn indented(code: &str) -> String {
    code.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "      {line}");
        text
    })
}
