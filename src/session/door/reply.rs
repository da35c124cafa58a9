//! The guest's reply to a request, read once. All of it is the guest's word: what is not as it should be is left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::event::{object, text};
use crate::advice::{HotLine, Import};
use crate::observe::shown;
use crate::session::answer::{
    Answer, Bundle, CellAnswer, Completeness, Completion, Completions, Failure, Leave, Payload, Variable,
};

/// Entries of the guest's lists that are read: completions, payloads, expressions …
const MOST: usize = 10_000;
/// Entries of its lists of imports and lines.
const MOST_NOTED: usize = 1_000;
/// Names of what was put back that are told, and characters of one.
const MOST_NAMES: usize = 10;
const MOST_NAME: usize = 60;

/// What kind of reply a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Cell,
    Completions,
    Inspection,
    Completeness,
    Comms,
    Variables,
    /// Of no interest but for whether it failed.
    Nothing,
}

impl Expected {
    /// That of a request with this op.
    pub fn of(op: &str) -> Self {
        match op {
            "execute" => Self::Cell,
            "complete" => Self::Completions,
            "inspect" => Self::Inspection,
            "is_complete" => Self::Completeness,
            "comm_info" => Self::Comms,
            "variables" => Self::Variables,
            _ => Self::Nothing,
        }
    }
}

/// A reply that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// Why the guest says that the request failed, if it did.
    pub failure: Option<Failure>,
    pub answer: Answer,
    pub report: Report,
}

/// What the guest says of its work, for the host alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Of a cell that failed: the exception's types and attributes, by which errors are classified (`docs/door.md`).
    pub facts: Option<Value>,
    /// What the cell imported, and the fuel that this took.
    pub imports: Vec<Import>,
    /// The lines where samples were taken.
    pub hot_lines: Vec<HotLine>,
    /// In how many seconds the event loop has something to do, if at all.
    pub due_in: Option<f64>,
    /// That the cell could not be run because of what cells did to the interpreter; what was put back.
    pub stuck: Option<Vec<String>>,
}

impl Reply {
    /// Reads the content of a reply.
    pub fn read(mut content: Map<String, Value>, expected: Expected) -> Self {
        let status = text(&mut content, "status");
        let failure = (status == "error").then(|| failure(&mut content));
        let report = Report::read(&mut content);
        let answer = match expected {
            Expected::Cell => Answer::Cell(cell(&mut content)),
            _ if failure.is_some() => Answer::None,
            Expected::Completions => Answer::Completions(completions(&mut content)),
            Expected::Inspection => {
                let found = content.get("found").and_then(Value::as_bool) == Some(true);
                Answer::Inspection(found.then(|| bundle(&mut content)))
            }
            Expected::Completeness => Answer::Completeness(match &*status {
                "complete" => Completeness::Complete,
                "incomplete" => Completeness::Incomplete { indent: text(&mut content, "indent") },
                "invalid" => Completeness::Invalid,
                _ => Completeness::Unknown,
            }),
            Expected::Comms => Answer::Comms(comms(object(&mut content, "comms"))),
            Expected::Variables => {
                Answer::Variables(list(&mut content, "variables").into_iter().take(MOST).filter_map(variable).collect())
            }
            Expected::Nothing => Answer::None,
        };
        Self { failure, answer, report }
    }
}

impl Report {
    fn read(content: &mut Map<String, Value>) -> Self {
        let said = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_u64);
        let small =
            |entry: &Value, key: &str| number(entry, key).and_then(|n| u32::try_from(n).ok()).unwrap_or_default();
        let imports = noted(content, "imports")
            .map(|entry| Import { name: said(&entry, "name"), fuel: number(&entry, "fuel") })
            .collect();
        let hot_lines = noted(content, "hot_lines")
            .map(|entry| HotLine {
                line: small(&entry, "line"),
                samples: small(&entry, "samples"),
                source: said(&entry, "source"),
            })
            .collect();
        let due_in = content.get("background").and_then(|pending| pending.get("after")?.as_f64());
        Self { facts: content.remove("facts"), imports, hot_lines, due_in, stuck: content.remove("stuck").map(names) }
    }
}

fn noted(content: &mut Map<String, Value>, key: &str) -> impl Iterator<Item = Value> {
    list(content, key).into_iter().take(MOST_NOTED)
}

fn names(names: Value) -> Vec<String> {
    let Value::Array(names) = names else { return Vec::new() };
    names.iter().filter_map(Value::as_str).take(MOST_NAMES).map(|name| shown(name, MOST_NAME)).collect()
}

fn list(content: &mut Map<String, Value>, key: &str) -> Vec<Value> {
    match content.remove(key) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    }
}

fn texts(content: &mut Map<String, Value>, key: &str) -> Vec<String> {
    let text = |value| if let Value::String(text) = value { Some(text) } else { None };
    list(content, key).into_iter().filter_map(text).collect()
}

/// The three parts of an error.
pub fn failure(content: &mut Map<String, Value>) -> Failure {
    let [name, said] = ["ename", "evalue"].map(|key| text(content, key));
    Failure { name, text: said, traceback: texts(content, "traceback") }
}

fn bundle(content: &mut Map<String, Value>) -> Bundle {
    Bundle { data: object(content, "data"), metadata: object(content, "metadata") }
}

fn cell(content: &mut Map<String, Value>) -> CellAnswer {
    let payloads = list(content, "payload").into_iter().take(MOST).filter_map(payload).collect();
    let expressions = object(content, "user_expressions").into_iter().take(MOST).filter_map(expression).collect();
    let flag = |key: &str| content.get(key).and_then(Value::as_bool) == Some(true);
    CellAnswer { payloads, expressions, leaves: flag("exit").then(|| Leave { keep: flag("keep") }) }
}

/// A payload; `ask_exit`, which `exit` and `keep` say again, is none of its own.
fn payload(payload: Value) -> Option<Payload> {
    let Value::Object(mut fields) = payload else { return Some(Payload::Unknown) };
    match &*text(&mut fields, "source") {
        "page" => {
            let start = fields.get("start").and_then(Value::as_u64);
            Some(Payload::Page { bundle: bundle(&mut fields), start })
        }
        "set_next_input" => {
            let replace = fields.get("replace").and_then(Value::as_bool);
            Some(Payload::NextInput { text: text(&mut fields, "text"), replace })
        }
        "ask_exit" => None,
        _ => Some(Payload::Unknown),
    }
}

fn expression((name, answer): (String, Value)) -> Option<(String, Result<Bundle, Failure>)> {
    let Value::Object(mut fields) = answer else { return None };
    let failed = text(&mut fields, "status") == "error";
    Some((name, if failed { Err(failure(&mut fields)) } else { Ok(bundle(&mut fields)) }))
}

fn completions(content: &mut Map<String, Value>) -> Completions {
    let mut described: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut metadata = object(content, "metadata");
    for entry in list(&mut metadata, "_jupyter_types_experimental").into_iter().take(MOST) {
        if let Value::Object(mut fields) = entry {
            described.entry(text(&mut fields, "text")).or_insert(fields);
        }
    }
    let matches = texts(content, "matches").into_iter().take(MOST).map(|name| {
        let mut fields = described.remove(&name).unwrap_or_default();
        let mut known = |key: &str| Some(text(&mut fields, key)).filter(|text| !text.is_empty());
        Completion { kind: known("type"), signature: known("signature"), text: name }
    });
    let matches = matches.collect();
    let at = |key: &str| content.get(key).and_then(Value::as_u64).unwrap_or_default();
    Completions { matches, start: at("cursor_start"), end: at("cursor_end") }
}

fn variable(entry: Value) -> Option<Variable> {
    let Value::Object(mut fields) = entry else { return None };
    let mut said = |key: &str| Some(text(&mut fields, key)).filter(|text| !text.is_empty());
    Some(Variable { name: said("name")?, kind: said("type")?, shape: said("shape"), text: said("text") })
}

fn comms(comms: Map<String, Value>) -> BTreeMap<String, String> {
    let target = |comm: Value| comm.get("target_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    comms.into_iter().take(MOST).map(|(id, comm)| (id, target(comm))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(content: Value, expected: Expected) -> Reply {
        Reply::read(content.as_object().cloned().unwrap(), expected)
    }

    #[test]
    fn a_cell_s_reply_is_read() {
        let reply = read(
            json!({"status": "error", "ename": "E", "evalue": "v", "traceback": ["t", 3], "facts": {"types": ["E"]},
                "payload": [{"source": "page", "data": {"text/plain": "x"}, "start": 2}, {"source": "edit"}, 7,
                    {"source": "set_next_input", "text": "y", "replace": true}, {"source": "ask_exit", "keepkernel": true}],
                "user_expressions": {"a": {"status": "ok", "data": {}, "metadata": {}}, "b": {"status": "error", "ename": "N"}, "c": 1},
                "exit": true, "keep": true, "background": {"after": 0.5}, "stuck": ["builtins.len", 7, "a\u{1b}[2J"],
                "imports": [{"name": "numpy", "fuel": 7}], "hot_lines": [{"line": 3, "samples": 5, "source": "x"}]}),
            Expected::Cell,
        );
        let failure = Failure { name: "E".into(), text: "v".into(), traceback: vec!["t".into()] };
        assert_eq!(reply.failure, Some(failure));
        let Answer::Cell(cell) = reply.answer else { panic!("{:?}", reply.answer) };
        assert_eq!(cell.leaves, Some(Leave { keep: true }));
        assert!(matches!(
            &cell.payloads[..],
            [
                Payload::Page { start: Some(2), .. },
                Payload::Unknown,
                Payload::Unknown,
                Payload::NextInput { replace: Some(true), .. },
            ]
        ));
        assert_eq!(cell.expressions.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert!(cell.expressions["b"].as_ref().is_err_and(|failure| failure.name == "N"));
        let report = reply.report;
        assert_eq!((report.due_in, report.imports[0].fuel, report.hot_lines[0].line), (Some(0.5), Some(7), 3));
        assert_eq!(report.stuck, Some(vec!["builtins.len".to_owned(), "a\u{fffd}[2J".to_owned()]));
        assert_eq!(report.facts, Some(json!({"types": ["E"]})));
    }

    #[test]
    fn other_replies_are_read() {
        let types = json!([{"start": 0, "end": 2, "text": "print", "type": "function", "signature": "(x)"}]);
        let content = json!({"status": "ok", "matches": ["print", 1, "ä"], "cursor_start": 0, "cursor_end": 2,
            "metadata": {"_jupyter_types_experimental": types}});
        let print = Completion { text: "print".into(), kind: Some("function".into()), signature: Some("(x)".into()) };
        let matches = vec![print, Completion { text: "ä".into(), ..Completion::default() }];
        assert_eq!(
            read(content, Expected::Completions).answer,
            Answer::Completions(Completions { matches, start: 0, end: 2 })
        );
        let incomplete = read(json!({"status": "incomplete", "indent": "  "}), Expected::Completeness).answer;
        assert_eq!(incomplete, Answer::Completeness(Completeness::Incomplete { indent: "  ".into() }));
        assert_eq!(
            read(json!({"status": "ok", "found": false}), Expected::Inspection).answer,
            Answer::Inspection(None)
        );
        let comms = read(json!({"comms": {"c": {"target_name": "t"}, "d": 1}}), Expected::Comms).answer;
        let expected = BTreeMap::from([("c".to_owned(), "t".to_owned()), ("d".to_owned(), String::new())]);
        assert_eq!(comms, Answer::Comms(expected));
        assert_eq!(read(json!({"status": "error", "matches": ["x"]}), Expected::Completions).answer, Answer::None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z_]{0,8}".prop_map(Value::from),
        ];
        let keys = prop_oneof![
            Just("status"),
            Just("payload"),
            Just("source"),
            Just("data"),
            Just("user_expressions"),
            Just("matches"),
            Just("metadata"),
            Just("_jupyter_types_experimental"),
            Just("comms"),
            Just("stuck"),
            Just("imports"),
            Just("hot_lines"),
            Just("background"),
            Just("traceback"),
            Just("ename"),
            Just("x"),
        ];
        leaf.prop_recursive(4, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|entries| {
                    Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_without_a_panic(content in any_json()) {
            let Value::Object(content) = content else { return Ok(()) };
            for expected in [Expected::Cell, Expected::Completions, Expected::Inspection, Expected::Completeness, Expected::Comms] {
                let reply = Reply::read(content.clone(), expected);
                prop_assert_eq!(reply.failure.is_some(), content.get("status") == Some(&Value::from("error")));
            }
        }
    }
}
