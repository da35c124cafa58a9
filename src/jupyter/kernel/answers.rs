//! What a session answers, as the contents of replies have it: the one place that makes Jupyter's dictionaries of it.

use serde_json::{Map, Value, json};

use crate::session::{
    Answer, Bundle, CellAnswer, Completeness, Completion, Completions, Failure, Leave, Outcome, Payload,
};

/// The content of the reply to a request with this outcome.
pub(super) fn content(outcome: Outcome) -> Value {
    if let Some(failure) = outcome.failure {
        return failed(failure);
    }
    match outcome.answer {
        Answer::Completions(Completions { matches, start, end }) => completions(&matches, start, end),
        Answer::Inspection(found) => {
            let is_found = found.is_some();
            let Bundle { data, metadata } = found.unwrap_or_default();
            json!({"status": "ok", "found": is_found, "data": data, "metadata": metadata})
        }
        Answer::Completeness(completeness) => match completeness {
            Completeness::Complete => json!({"status": "complete"}),
            Completeness::Incomplete { indent } => json!({"status": "incomplete", "indent": indent}),
            Completeness::Invalid => json!({"status": "invalid"}),
            Completeness::Unknown => json!({"status": "unknown"}),
        },
        Answer::Comms(comms) => {
            let comms = comms.into_iter().map(|(id, target)| (id, json!({"target_name": target})));
            json!({"status": "ok", "comms": comms.collect::<Map<_, _>>()})
        }
        Answer::None | Answer::Cell(_) | Answer::Variables(_) => json!({"status": "ok"}),
    }
}

/// The content of an `execute_reply`; the count is the host's own.
pub(super) fn executed(outcome: Outcome, execution_count: u32) -> Value {
    let mut content = match outcome.failure {
        Some(failure) => failed(failure),
        None => json!({"status": "ok"}),
    };
    let CellAnswer { payloads, expressions, leaves } = match outcome.answer {
        Answer::Cell(cell) => cell,
        _ => CellAnswer::default(),
    };
    let mut payload: Vec<Value> = payloads.into_iter().filter_map(payload_of).collect();
    payload.extend(leaves.map(|Leave { keep }| json!({"source": "ask_exit", "keepkernel": keep})));
    let expressions = expressions.into_iter().map(|(name, value)| (name, value.map_or_else(failed, ok)));
    let more = [
        ("execution_count", execution_count.into()),
        ("payload", payload.into()),
        ("user_expressions", expressions.collect::<Map<_, _>>().into()),
    ];
    if let Value::Object(content) = &mut content {
        content.extend(more.map(|(key, value)| (key.to_owned(), value)));
    }
    content
}

/// The content of any reply with `status: "error"`.
pub(super) fn failed(Failure { name, text, traceback }: Failure) -> Value {
    json!({"status": "error", "ename": name, "evalue": text, "traceback": traceback})
}

fn ok(Bundle { data, metadata }: Bundle) -> Value {
    json!({"status": "ok", "data": data, "metadata": metadata})
}

fn payload_of(payload: Payload) -> Option<Value> {
    let mut fields = match payload {
        Payload::Page { bundle, start } => {
            let mut page = json!({"source": "page", "data": bundle.data});
            if let (Some(start), Value::Object(page)) = (start, &mut page) {
                page.insert("start".to_owned(), start.into());
            }
            return Some(page);
        }
        Payload::NextInput { text, replace } => (json!({"source": "set_next_input", "text": text}), replace),
        Payload::Unknown => return None,
    };
    if let (Some(replace), Value::Object(next)) = (fields.1, &mut fields.0) {
        next.insert("replace".to_owned(), replace.into());
    }
    Some(fields.0)
}

fn completions(matches: &[Completion], start: u64, end: u64) -> Value {
    let texts: Vec<&str> = matches.iter().map(|found| &*found.text).collect();
    let types: Vec<Value> = matches.iter().map(|found| described(found, start, end)).collect();
    json!({
        "status": "ok", "matches": texts, "cursor_start": start, "cursor_end": end,
        "metadata": {"_jupyter_types_experimental": types},
    })
}

fn described(Completion { text, kind, signature }: &Completion, start: u64, end: u64) -> Value {
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    json!({"start": start, "end": end, "text": text, "type": known(kind), "signature": known(signature)})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Usage;

    fn outcome(answer: Answer) -> Outcome {
        Outcome { failure: None, answer, usage: Usage::default() }
    }

    fn plain(text: &str) -> Bundle {
        Bundle { data: Map::from_iter([("text/plain".to_owned(), text.into())]), metadata: Map::new() }
    }

    #[test]
    fn an_execute_reply_has_all_that_the_protocol_names() {
        let failure = Failure { name: "E".into(), text: "v".into(), traceback: vec!["t".into()] };
        let cell = CellAnswer {
            payloads: vec![
                Payload::Page { bundle: plain("help"), start: Some(0) },
                Payload::NextInput { text: "x = 1".into(), replace: Some(false) },
                Payload::Unknown,
            ],
            expressions: [("a".to_owned(), Ok(plain("3"))), ("b".to_owned(), Err(failure.clone()))].into(),
            leaves: Some(Leave { keep: true }),
        };
        let error = json!({"status": "error", "ename": "E", "evalue": "v", "traceback": ["t"]});
        let expected = json!({
            "status": "ok", "execution_count": 7,
            "payload": [
                {"source": "page", "data": {"text/plain": "help"}, "start": 0},
                {"source": "set_next_input", "text": "x = 1", "replace": false},
                {"source": "ask_exit", "keepkernel": true},
            ],
            "user_expressions": {"a": {"status": "ok", "data": {"text/plain": "3"}, "metadata": {}}, "b": error},
        });
        assert_eq!(executed(outcome(Answer::Cell(cell)), 7), expected);
        let failed = executed(Outcome::failed(failure, Usage::default()), 8);
        let expected = json!({"status": "error", "ename": "E", "evalue": "v", "traceback": ["t"],
            "execution_count": 8, "payload": [], "user_expressions": {}});
        assert_eq!(failed, expected);
    }

    #[test]
    fn other_replies_are_those_of_the_protocol() {
        let found = Completion { text: "print".into(), kind: Some("function".into()), signature: None };
        let matches = Completions { matches: vec![found], start: 0, end: 2 };
        for (answer, expected) in [
            (
                Answer::Completions(matches),
                json!({"status": "ok", "matches": ["print"], "cursor_start": 0, "cursor_end": 2,
                    "metadata": {"_jupyter_types_experimental": [
                        {"start": 0, "end": 2, "text": "print", "type": "function", "signature": ""}]}}),
            ),
            (
                Answer::Inspection(Some(plain("d"))),
                json!({"status": "ok", "found": true, "data": {"text/plain": "d"}, "metadata": {}}),
            ),
            (Answer::Inspection(None), json!({"status": "ok", "found": false, "data": {}, "metadata": {}})),
            (
                Answer::Completeness(Completeness::Incomplete { indent: "  ".into() }),
                json!({"status": "incomplete", "indent": "  "}),
            ),
            (
                Answer::Comms([("c".to_owned(), "t".to_owned())].into()),
                json!({"status": "ok", "comms": {"c": {"target_name": "t"}}}),
            ),
        ] {
            assert_eq!(content(outcome(answer)), expected);
        }
    }
}
