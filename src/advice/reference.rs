//! `docs/errors.md` and `docs/fuel.md`, made from the catalogue and the scale of fuel, so that they agree.

use std::fmt::Write as _;

use super::catalogue::{Condition, Entry, Example, entries};
use super::fuel::SCALE;
use super::kinds::ErrorType;
use super::packages::{Nature, PACKAGES};

/// What `docs/errors.md` is.
pub fn errors_page() -> String {
    let mut text = String::from(
        "# Errors that the sandbox causes, and what to do\n\n\
         Made from the catalogue in `src/advice/catalogue/`; do not edit (`CELLBLOCK_BLESS=1 cargo test advice`).\n\n\
         After a cell that failed because of the sandbox, guidance is shown after the traceback, and is in the reply's\n\
         metadata: `metadata[\"cellblock\"][\"error_guidance\"]` is\n\
         `{error_type, actionable_guidance[], related_docs[], code_examples[{before, after, explanation}]}`, or null for errors that are\n\
         not the sandbox's. Errors are told apart by what the host saw and by the exception's types and attributes, never by the words\n\
         of a message. `…` below stands for the module, path, limit or line at fault.\n",
    );
    for kind in ErrorType::ALL {
        let _ = write!(text, "\n## {}\n", kind.as_str());
        for entry in entries().filter(|entry| entry.kind == *kind) {
            write_entry(&mut text, entry);
        }
    }
    packages(&mut text);
    text
}

fn write_entry(text: &mut String, entry: &Entry) {
    let rows: Vec<String> =
        entry.when.iter().map(|row| row.iter().map(condition).collect::<Vec<_>>().join(", ")).collect();
    let _ = write!(text, "\nWhen: {}.\n\n", rows.join("; or "));
    for sentence in entry.says {
        let _ = writeln!(text, "- {}", shown(sentence));
    }
    let whole = |example: &&Example| !example.before.contains('{') && !example.after.contains('{');
    if let Some(example) = entry.examples.iter().find(whole) {
        let _ = write!(text, "\n```\n# instead of\n{}\n# write\n{}\n```\n", example.before, example.after);
    }
}

/// With the blanks as dots.
fn shown(sentence: &str) -> String {
    let mut text = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        text.push('…');
        rest = after.split_once('}').map_or("", |(_, tail)| tail);
    }
    text.push_str(rest);
    text
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Ended(ended) => format!("the host ended the cell ({ended:?})"),
        Condition::Lost => "the session was lost".to_owned(),
        Condition::Type(name) => format!("`{name}` or a type derived from it"),
        Condition::Happened(name) => format!("`{name}` or a type derived from it, not raised by the cell itself"),
        Condition::Class(name) => format!("exactly `{name}`"),
        Condition::Reason(reason) => format!("reason `{reason}`"),
        Condition::Errno(numbers) => {
            format!("errno {}", numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" or "))
        }
        Condition::Leads(places) => format!("a path that leads to: {places:?}").replace(['[', ']'], ""),
        Condition::Package(Nature::Pure) => "a module whose package is known to be pure Python".to_owned(),
        Condition::Package(Nature::Native) => "a module whose package is known to be native code".to_owned(),
        Condition::Package(Nature::Dropped) => "a module that Python has dropped".to_owned(),
        Condition::Package(Nature::Renamed) => "the name of a package for that of its module".to_owned(),
        Condition::Stranger => "a module that nobody knows".to_owned(),
        Condition::Source(word) => format!("the cell has the word `{word}`"),
        Condition::Function => "a function that the bridge named".to_owned(),
        Condition::Cut => "text was cut".to_owned(),
    }
}

fn packages(text: &mut String) {
    text.push_str("\n## Packages that are known\n\n| import | package | | instead |\n|---|---|---|---|\n");
    for package in PACKAGES {
        let nature = match package.nature {
            Nature::Pure => "pure Python: can be added",
            Nature::Native => "cannot run",
            Nature::Dropped => "no longer in Python",
            Nature::Renamed => "the module has another name",
        };
        let _ = writeln!(text, "| {} | {} | {nature} | {} |", package.module, package.package, package.instead);
    }
}

/// What `docs/fuel.md` is.
pub fn fuel_page() -> String {
    let mut text = String::from(
        "# Fuel\n\n\
         Made from the scale in `src/advice/fuel.rs`; do not edit (`CELLBLOCK_BLESS=1 cargo test advice`).\n\n\
         Fuel counts the WebAssembly instructions that a cell runs; 10 billion are about a second of computing. What the host does for the\n\
         cell (files, randomness, messages) costs as if it were computed: `docs/host-calls.md`. Waiting costs none. A\n\
         cell that uses more than `fuel_budget` (policy) is stopped with `FuelExhausted`, a `KeyboardInterrupt` with a traceback.\n\n\
         Every reply's metadata has `metadata[\"cellblock\"][\"fuel_analysis\"]`:\n\
         `{consumed, budget, utilization_percent, status, recommendation, suggested_budget, likely_causes[]}`. It is displayed from\n\
         `warning` on, or when asked for.\n\n\
         | status | from | suggested budget | recommendation |\n|---|---|---|---|\n",
    );
    for step in SCALE {
        let factor = step.factor.map_or("none".to_owned(), |(numerator, denominator)| {
            let whole = numerator / denominator;
            let half = if numerator % denominator == 0 { "" } else { ".5" };
            format!("consumed x {whole}{half}")
        });
        let _ = writeln!(text, "| `{}` | {} % | {factor} | {} |", step.status.as_str(), step.from, step.recommendation);
    }
    text.push_str(
        "| `unknown` | | none | Fuel is not metered. |\n\n\
         Suggested budgets are rounded up to whole billions, and at least 1,000,000,000. Likely causes are the packages that the cell\n\
         imported for the first time (what `sys.modules` gained, with the fuel that each import took), from 10 % of the cell's fuel on, and\n\
         the lines on which most samples of the running cell fell; a large computation if there is neither.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with a page of the documentation, or writes it.
    fn agrees(page: &str, written: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
        if std::env::var_os("CELLBLOCK_BLESS").is_some() {
            std::fs::write(&path, written).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), written, "write it anew with CELLBLOCK_BLESS=1");
    }

    #[test]
    fn the_documentation_is_the_catalogue() {
        agrees("errors.md", &errors_page());
        agrees("fuel.md", &fuel_page());
    }
}
