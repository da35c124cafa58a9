//! What a request sends besides displays is held to the limits of displays: its reply and the texts of errors. What is
//! too long is cut, and it is said where, with the key of the limit.

use serde_json::{Map, Value, json};

use super::grouped;
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
pub fn error(
    (ename, evalue, traceback): (&mut String, &mut String, &mut Vec<String>),
    allowance: Allowance,
) -> (usize, bool) {
    shorten(ename, MOST_NAME);
    let lines: usize = traceback.iter().map(|line| weight_of_line(line)).sum();
    let whole = ename.len() + evalue.len() + lines;
    if whole <= allowance.bytes {
        return (whole, false);
    }
    // The notes come out of it, too.
    let mut left = allowance.bytes.saturating_sub(ename.len() + 2 * NOTE);
    if shorten(evalue, left / VALUE_SHARE) {
        evalue.push_str(" … ");
        evalue.push_str(&allowance.note("the rest of the message is left out"));
    }
    left = left.saturating_sub(evalue.len());
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
    (ename.len() + evalue.len() + traceback.iter().map(|line| weight_of_line(line)).sum::<usize>(), true)
}

/// Cuts the content of a reply, part by part. Answers whether something was cut.
pub fn reply(content: &mut Map<String, Value>, mut allowance: Allowance) -> bool {
    if content.values().map(value_weight).sum::<usize>() <= allowance.bytes {
        return false;
    }
    let mut cut = false;
    if content.contains_key("traceback") || content.contains_key("evalue") {
        let (bytes, was_cut) = error_in(content, allowance);
        allowance.bytes = allowance.bytes.saturating_sub(bytes);
        cut |= was_cut;
    }
    for (key, value) in content.iter_mut() {
        cut |= match (key.as_str(), value) {
            ("user_expressions", Value::Object(answers)) => expressions(answers, &mut allowance),
            ("payload", Value::Array(payloads)) => payload(payloads, &mut allowance),
            ("matches", Value::Array(matches)) => list(matches, &mut allowance),
            ("comms", Value::Object(comms)) => comms_of(comms, &mut allowance),
            ("indent", Value::String(text)) => shorten(text, allowance.bytes.min(MOST_NAME)),
            _ => false,
        };
    }
    cut | description(content, &mut allowance)
}

/// The three parts of an error, where a reply or an answer in it has them.
fn error_in(content: &mut Map<String, Value>, allowance: Allowance) -> (usize, bool) {
    let mut text = |key: &str| match content.get_mut(key) {
        Some(Value::String(text)) => std::mem::take(text),
        _ => String::new(),
    };
    let (mut ename, mut evalue) = (text("ename"), text("evalue"));
    let mut traceback: Vec<String> = match content.get_mut("traceback") {
        Some(Value::Array(lines)) => {
            lines.drain(..).filter_map(|line| if let Value::String(line) = line { Some(line) } else { None }).collect()
        }
        _ => Vec::new(),
    };
    let done = error((&mut ename, &mut evalue, &mut traceback), allowance);
    for (key, value) in [("ename", ename.into()), ("evalue", evalue.into()), ("traceback", traceback.into())] {
        if let Some(place) = content.get_mut(key) {
            *place = value;
        }
    }
    done
}

/// Answers to expressions that do not fit are errors.
fn expressions(answers: &mut Map<String, Value>, allowance: &mut Allowance) -> bool {
    let mut cut = false;
    answers.retain(|name, answer| {
        if take(allowance, name.len() + 4 + value_weight(answer)) {
            return true;
        }
        cut = true;
        let text = allowance.note("the value of this expression is left out");
        *answer = json!({"status": "error", "ename": "OutputLimit", "evalue": text, "traceback": []});
        take(allowance, name.len() + NOTE)
    });
    cut
}

/// A page that does not fit says so; other payloads are left out.
fn payload(payloads: &mut Vec<Value>, allowance: &mut Allowance) -> bool {
    let mut cut = false;
    payloads.retain_mut(|payload| {
        if take(allowance, value_weight(payload)) {
            return true;
        }
        cut = true;
        let is_page = payload.get("source").is_some_and(|source| source == "page");
        let text = allowance.note("the page is left out");
        *payload = json!({"source": "page", "data": {"text/plain": text}, "start": 0});
        is_page && take(allowance, NOTE)
    });
    cut
}

fn list(entries: &mut Vec<Value>, allowance: &mut Allowance) -> bool {
    let fit = entries.iter().take_while(|entry| take(allowance, value_weight(entry))).count();
    let cut = fit < entries.len();
    entries.truncate(fit);
    cut
}

fn comms_of(comms: &mut Map<String, Value>, allowance: &mut Allowance) -> bool {
    let before = comms.len();
    comms.retain(|id, comm| take(allowance, id.len() + 4 + value_weight(comm)));
    comms.len() < before
}

/// What an object is, for who inspects it; and what completions are.
fn description(content: &mut Map<String, Value>, allowance: &mut Allowance) -> bool {
    let weight = |key: &str| content.get(key).map_or(0, value_weight);
    if take(allowance, weight("data") + weight("metadata")) {
        return false;
    }
    if content.contains_key("data") {
        let text = allowance.note("the description is left out");
        content.insert("data".to_owned(), json!({"text/plain": text}));
    }
    content.insert("metadata".to_owned(), json!({}));
    true
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

    const ALLOWANCE: Allowance = Allowance { bytes: 10_000, limit: 10_000, key: "display_max_bytes" };

    fn cut(content: Value) -> (Map<String, Value>, bool) {
        let mut content = content.as_object().cloned().unwrap();
        let was_cut = reply(&mut content, ALLOWANCE);
        (content, was_cut)
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let content = json!({"status": "ok", "user_expressions": {"x": {"data": {"text/plain": "x".repeat(9_000)}}},
            "payload": [{"source": "set_next_input", "text": "y"}]});
        let (left, was_cut) = cut(content.clone());
        assert_eq!((Value::Object(left), was_cut), (content, false));
    }

    #[test]
    fn every_part_of_a_reply_is_held_to_the_limit_and_names_its_key() {
        let long = "ä".repeat(50_000);
        let list = vec![Value::from("a".repeat(1_000)); 100];
        for content in [
            json!({"status": "ok", "user_expressions": {"small": {"status": "ok"}, "x": {"data": {"text/plain": long}}}}),
            json!({"status": "ok", "payload": [{"source": "page", "data": {"text/plain": long}}]}),
            json!({"status": "ok", "found": true, "data": {"text/plain": long}, "metadata": {}}),
            json!({"status": "ok", "found": true, "data": {"text/plain": "x"}, "metadata": {"text/plain": long}}),
            json!({"status": "error", "ename": long, "evalue": long, "traceback": ["first", long, "last"]}),
            json!({"status": "error", "ename": "E", "evalue": "v", "traceback": list}),
        ] {
            let (left, was_cut) = cut(content);
            let text = serde_json::to_string(&left).unwrap();
            assert!(was_cut && text.len() < 12_000 && text.contains("display_max_bytes"), "{}", text.len());
        }
        for content in [
            json!({"status": "ok", "matches": list, "metadata": {"_jupyter_types_experimental": list}}),
            json!({"status": "ok", "payload": [{"source": "set_next_input", "text": long}]}),
            json!({"status": "incomplete", "indent": long}),
            json!({"status": "ok", "comms": {(long.clone()): {"target_name": "t"}, "c": {"target_name": "t"}}}),
        ] {
            let (left, was_cut) = cut(content);
            assert!(was_cut && serde_json::to_string(&left).unwrap().len() < 12_000);
        }
    }

    #[test]
    fn an_error_keeps_its_beginning() {
        let (mut ename, mut evalue) = ("Boom".to_owned(), "x".repeat(100_000));
        let mut traceback = vec!["frame one".to_owned(), format!("Boom: {evalue}")];
        let (bytes, was_cut) = error((&mut ename, &mut evalue, &mut traceback), ALLOWANCE);
        assert!(was_cut && bytes < 11_000, "{bytes}");
        assert!(evalue.starts_with("xxx") && evalue.ends_with("(`display_max_bytes` in the policy raises it)"));
        assert_eq!(traceback.len(), 3);
        assert_eq!(traceback[0], "frame one");
        assert!(traceback[1].starts_with("Boom: xxx") && traceback[2].contains("display_max_bytes"));
    }
}
