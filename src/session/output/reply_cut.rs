//! What a request sends besides displays is held to the limits of displays: its reply and the texts of errors. What is
//! too long is cut, and it is said where, with the key of the limit.

use std::collections::BTreeMap;

use serde_json::Map;

use super::grouped;
use crate::session::answer::{Answer, Bundle, Completeness, Completion, Completions, Failure, Payload, Variable};
use crate::session::door::event::value_weight;

/// The longest name of an exception.
const MOST_NAME: usize = 1_000;
/// What the part of an error that is not its traceback may have of the whole.
const VALUE_SHARE: usize = 4;
/// What a note takes, at most.
const NOTE: usize = 512;

/// How many bytes something may have, and which limit says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// What there may be.
    pub bytes: usize,
    /// The limit, as the policy has it.
    pub limit: u64,
    /// Its key.
    pub key: &'static str,
}

impl Allowance {
    /// What is said in place of what was cut.
    fn note(&self, what: &str) -> String {
        format!(
            "[cellblock] {what}: over the limit of {} bytes (`{}` in the policy raises it)",
            grouped(self.limit),
            self.key
        )
    }
}

/// Cuts the texts of an error, the last lines of its traceback first. Answers what they are now, in bytes, and whether
/// something was cut.
pub fn error(failure: &mut Failure, allowance: Allowance) -> (usize, bool) {
    let Failure { name, text, traceback } = failure;
    shorten(name, MOST_NAME);
    let lines: usize = traceback.iter().map(|line| weight_of_line(line)).sum();
    let whole = name.len() + text.len() + lines;
    if whole <= allowance.bytes {
        return (whole, false);
    }
    // The notes come out of it, too.
    let mut left = allowance.bytes.saturating_sub(name.len() + 2 * NOTE);
    if shorten(text, left / VALUE_SHARE) {
        text.push_str(" … ");
        text.push_str(&allowance.note("the rest of the message is left out"));
    }
    left = left.saturating_sub(text.len());
    let mut kept = Vec::new();
    for mut line in std::mem::take(traceback) {
        if left == 0 {
            break;
        }
        shorten(&mut line, left);
        left = left.saturating_sub(weight_of_line(&line));
        kept.push(line);
    }
    kept.push(allowance.note("the rest of the traceback is left out"));
    kept.shrink_to_fit();
    *traceback = kept;
    (name.len() + text.len() + traceback.iter().map(|line| weight_of_line(line)).sum::<usize>(), true)
}

/// Cuts what a request is answered, part by part. Answers whether something was cut.
pub fn answer(failure: &mut Option<Failure>, answer: &mut Answer, mut allowance: Allowance) -> bool {
    let failed = failure.as_ref().map_or(0, weight_of_failure);
    if failed + weight_of_answer(answer) <= allowance.bytes {
        return false;
    }
    let mut cut = false;
    if let Some(failure) = failure {
        let (bytes, was_cut) = error(failure, allowance);
        allowance.bytes = allowance.bytes.saturating_sub(bytes);
        cut = was_cut;
    }
    let allowance = &mut allowance;
    cut | match answer {
        Answer::None | Answer::Inspection(None) => false,
        Answer::Cell(cell) => {
            let (payloads, expressions) = (payloads(&mut cell.payloads, allowance), &mut cell.expressions);
            expressions_of(expressions, allowance) | payloads
        }
        Answer::Completions(Completions { matches, .. }) => list(matches, allowance),
        Answer::Inspection(Some(bundle)) => {
            let fits = take(allowance, weight_of_bundle(bundle));
            if !fits {
                *bundle = plain(allowance.note("the description is left out"));
            }
            !fits
        }
        Answer::Completeness(Completeness::Incomplete { indent }) => shorten(indent, allowance.bytes.min(MOST_NAME)),
        Answer::Completeness(_) => false,
        Answer::Variables(variables) => {
            let fit = variables.iter().take_while(|variable| take(allowance, weight_of_variable(variable))).count();
            let cut = fit < variables.len();
            variables.truncate(fit);
            cut
        }
        Answer::Comms(comms) => {
            let before = comms.len();
            comms.retain(|id, target| take(allowance, id.len() + target.len() + 24));
            comms.len() < before
        }
    }
}

/// Answers to expressions that do not fit are errors.
fn expressions_of(answers: &mut BTreeMap<String, Result<Bundle, Failure>>, allowance: &mut Allowance) -> bool {
    let mut cut = false;
    answers.retain(|name, answer| {
        if take(allowance, name.len() + 4 + weight_of_expression(answer)) {
            return true;
        }
        cut = true;
        let text = allowance.note("the value of this expression is left out");
        *answer = Err(Failure { name: "OutputLimit".to_owned(), text, traceback: Vec::new() });
        take(allowance, name.len() + NOTE)
    });
    cut
}

/// A page that does not fit says so; other payloads are left out.
fn payloads(payloads: &mut Vec<Payload>, allowance: &mut Allowance) -> bool {
    let mut cut = false;
    payloads.retain_mut(|payload| {
        if take(allowance, weight_of_payload(payload)) {
            return true;
        }
        cut = true;
        let Payload::Page { bundle, start } = payload else { return false };
        (*bundle, *start) = (plain(allowance.note("the page is left out")), Some(0));
        take(allowance, NOTE)
    });
    cut
}

fn list(entries: &mut Vec<Completion>, allowance: &mut Allowance) -> bool {
    let fit = entries.iter().take_while(|entry| take(allowance, weight_of_completion(entry))).count();
    let cut = fit < entries.len();
    entries.truncate(fit);
    cut
}

fn plain(text: String) -> Bundle {
    Bundle { data: Map::from_iter([("text/plain".to_owned(), text.into())]), metadata: Map::new() }
}

fn weight_of_answer(answer: &Answer) -> usize {
    match answer {
        Answer::None | Answer::Inspection(None) => 0,
        Answer::Cell(cell) => {
            let expressions = cell.expressions.iter();
            cell.payloads.iter().map(weight_of_payload).sum::<usize>()
                + expressions.map(|(name, answer)| name.len() + 4 + weight_of_expression(answer)).sum::<usize>()
        }
        Answer::Completions(Completions { matches, .. }) => matches.iter().map(weight_of_completion).sum(),
        Answer::Inspection(Some(bundle)) => weight_of_bundle(bundle),
        Answer::Completeness(Completeness::Incomplete { indent }) => indent.len(),
        Answer::Completeness(_) => 0,
        Answer::Variables(variables) => variables.iter().map(weight_of_variable).sum(),
        Answer::Comms(comms) => comms.iter().map(|(id, target)| id.len() + target.len() + 24).sum(),
    }
}

fn weight_of_failure(failure: &Failure) -> usize {
    let lines: usize = failure.traceback.iter().map(|line| weight_of_line(line)).sum();
    failure.name.len() + failure.text.len() + lines
}

fn weight_of_expression(answer: &Result<Bundle, Failure>) -> usize {
    match answer {
        Ok(bundle) => weight_of_bundle(bundle),
        Err(failure) => weight_of_failure(failure),
    }
}

fn weight_of_payload(payload: &Payload) -> usize {
    match payload {
        Payload::Page { bundle, .. } => weight_of_bundle(bundle) + 48,
        Payload::NextInput { text, .. } => text.len() + 40,
        Payload::Unknown => 0,
    }
}

fn weight_of_completion(completion: &Completion) -> usize {
    // In a reply of Jupyter's the text is there twice.
    let known = completion.kind.iter().chain(&completion.signature).map(String::len).sum::<usize>();
    2 * completion.text.len() + known + 80
}

fn weight_of_variable(Variable { name, kind, shape, text }: &Variable) -> usize {
    name.len() + kind.len() + shape.iter().chain(text).map(String::len).sum::<usize>() + 60
}

fn weight_of_bundle(bundle: &Bundle) -> usize {
    let values = bundle.data.iter().chain(&bundle.metadata);
    values.map(|(key, value)| key.len() + 4 + value_weight(value)).sum()
}

fn take(allowance: &mut Allowance, bytes: usize) -> bool {
    let left = allowance.bytes.checked_sub(bytes);
    allowance.bytes = left.unwrap_or(allowance.bytes);
    left.is_some()
}

fn weight_of_line(line: &str) -> usize {
    line.len() + 4
}

/// Cuts a text to so many bytes, between characters; whether it was longer. What it no longer needs is given back.
fn shorten(text: &mut String, most: usize) -> bool {
    if text.len() <= most {
        return false;
    }
    text.truncate(text.floor_char_boundary(most));
    text.shrink_to_fit();
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::answer::CellAnswer;

    const ALLOWANCE: Allowance = Allowance { bytes: 10_000, limit: 10_000, key: "display_max_bytes" };

    /// All that is left, as text.
    fn cut(mut failure: Option<Failure>, mut what: Answer) -> (String, bool) {
        let was_cut = answer(&mut failure, &mut what, ALLOWANCE);
        (format!("{failure:?} {what:?}"), was_cut)
    }

    fn cell(payloads: Vec<Payload>, expressions: Vec<(&str, String)>) -> Answer {
        let named = |(name, text): (&str, String)| (name.to_owned(), Ok(plain(text)));
        Answer::Cell(CellAnswer { payloads, expressions: expressions.into_iter().map(named).collect(), leaves: None })
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let next = Payload::NextInput { text: "y".to_owned(), replace: None };
        let mut what = cell(vec![next], vec![("x", "x".repeat(9_000))]);
        let before = what.clone();
        assert!(!answer(&mut None, &mut what, ALLOWANCE));
        assert_eq!(what, before);
    }

    #[test]
    fn every_part_of_an_answer_is_held_to_the_limit_and_names_its_key() {
        let long = "ä".repeat(50_000);
        let page = Payload::Page { bundle: plain(long.clone()), start: None };
        let metadata = Bundle { metadata: plain(long.clone()).data, ..plain("x".to_owned()) };
        let failure = |traceback: Vec<String>| Some(Failure { name: long.clone(), text: long.clone(), traceback });
        let lines = vec!["a".repeat(1_000); 100];
        for (failure, what) in [
            (None, cell(Vec::new(), vec![("small", "1".to_owned()), ("x", long.clone())])),
            (None, cell(vec![page], Vec::new())),
            (None, Answer::Inspection(Some(plain(long.clone())))),
            (None, Answer::Inspection(Some(metadata))),
            (failure(vec!["first".to_owned(), long.clone(), "last".to_owned()]), Answer::None),
            (Some(Failure { traceback: lines.clone(), ..Failure::default() }), Answer::None),
        ] {
            let (left, was_cut) = cut(failure, what);
            assert!(was_cut && left.len() < 12_000 && left.contains("display_max_bytes"), "{}", left.len());
        }
        let matches = lines.into_iter().map(|text| Completion { text, ..Completion::default() }).collect();
        for what in [
            Answer::Completions(Completions { matches, start: 0, end: 1 }),
            cell(vec![Payload::NextInput { text: long.clone(), replace: None }], Vec::new()),
            Answer::Completeness(Completeness::Incomplete { indent: long.clone() }),
            Answer::Comms([(long.clone(), "t".to_owned()), ("c".to_owned(), "t".to_owned())].into()),
        ] {
            let (left, was_cut) = cut(None, what);
            assert!(was_cut && left.len() < 12_000, "{}", left.len());
        }
    }

    #[test]
    fn an_error_keeps_its_beginning() {
        let text = "x".repeat(100_000);
        let traceback = vec!["frame one".to_owned(), format!("Boom: {text}")];
        let mut failure = Failure { name: "Boom".to_owned(), text, traceback };
        let (bytes, was_cut) = error(&mut failure, ALLOWANCE);
        assert!(was_cut && bytes < 11_000, "{bytes}");
        assert!(
            failure.text.starts_with("xxx") && failure.text.ends_with("(`display_max_bytes` in the policy raises it)")
        );
        let traceback = failure.traceback;
        assert_eq!(traceback.len(), 3);
        assert_eq!(traceback[0], "frame one");
        assert!(traceback[1].starts_with("Boom: xxx") && traceback[2].contains("display_max_bytes"));
    }
}
