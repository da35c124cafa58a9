//! Finds the catalogue's entry for a failed cell and fills in its blanks.

use serde::Serialize;

use super::case::Case;
use super::catalogue::{Condition, Entry, entries};
use super::facts::{ErrorFacts, Fate};
use super::kinds::ErrorType;
use super::packages::Nature;

/// What to do about a failure that the sandbox caused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guidance {
    /// What kind of failure it is.
    pub error_type: ErrorType,
    /// Sentences that name the thing at fault and say what to do. `Words` between backticks are code.
    pub actionable_guidance: Vec<String>,
    /// Places in Cellblock's documentation.
    pub related_docs: Vec<String>,
    /// Code that fails and code that does not; at most one.
    pub code_examples: Vec<CodeExample>,
}

/// Code before and after a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodeExample {
    pub before: String,
    pub after: String,
    pub explanation: String,
}

/// Guidance for a cell that failed, or whose output was cut; none if the sandbox is not the cause.
pub fn guide(error: &ErrorFacts<'_>) -> Option<Guidance> {
    let case = Case::new(error);
    let entry =
        entries().find(|entry| entry.when.iter().any(|all| all.iter().all(|condition| holds(&case, condition))))?;
    Some(written(&case, entry))
}

fn written(case: &Case<'_>, entry: &Entry) -> Guidance {
    let values = case.values();
    let mut says: Vec<String> = entry.says.iter().filter_map(|sentence| values.fill(sentence)).collect();
    if case.error.fate == Fate::RolledBack && !says.iter().any(|sentence| sentence.contains("rolled back")) {
        says.push("The session was rolled back: variables and files are as they were before this cell.".to_owned());
    }
    let example = entry.examples.iter().find_map(|example| {
        let [before, after] = [example.before, example.after].map(|code| values.fill(code));
        Some(CodeExample { before: before?, after: after?, explanation: values.fill(example.explanation)? })
    });
    let mut related_docs = vec![format!("docs/errors.md#{}", entry.kind.as_str().to_lowercase())];
    related_docs.extend(entry.docs.iter().map(|place| (*place).to_owned()));
    Guidance {
        error_type: entry.kind,
        actionable_guidance: says,
        related_docs,
        code_examples: example.into_iter().collect(),
    }
}

fn holds(case: &Case<'_>, condition: &Condition) -> bool {
    match condition {
        Condition::Ended(ended) => case.error.ended == Some(*ended),
        Condition::Lost => case.error.fate == Fate::Lost,
        Condition::Type(name) => case.types.contains(name),
        Condition::Happened(name) => case.types.contains(name) && !case.is_own(),
        Condition::Class(name) => case.types.first() == Some(name),
        Condition::Reason(reason) => case.reason == Some(reason),
        Condition::Errno(numbers) => case.errno.is_some_and(|errno| numbers.contains(&errno)),
        Condition::Leads(places) => case.path.as_ref().is_some_and(|(_, place)| places.contains(place)),
        Condition::Package(nature) => {
            case.package().is_some_and(|package| package.nature == *nature) && !installed_whole(case)
        }
        Condition::Stranger => case.module().is_some() && case.package().is_none() && !installed_whole(case),
        Condition::Source(word) => case.source.has(word),
        Condition::Function => case.function().is_some(),
        Condition::Cut => case.error.truncated.0 || case.error.truncated.1,
    }
}

/// Whether the module's top level is there: then it is a part of it that is missing, which is no matter of the
/// sandbox's. (A distribution's name is never there; its module is.)
fn installed_whole(case: &Case<'_>) -> bool {
    let renamed = case.package().is_some_and(|package| package.nature == Nature::Renamed);
    let part =
        case.package().is_some_and(|package| package.module.contains('.') && case.missing() == Some(package.module));
    !renamed && !part && case.reason.is_none() && case.module().is_some_and(|module| case.is_installed(module))
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
