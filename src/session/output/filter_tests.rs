use serde_json::json;

use super::*;
use crate::session::door::reply::{Expected, Reply};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// What goes out of a reply.
fn reply(content: Value, expected: Expected) -> (Reply, Removals) {
    let mut outgoing = RequestFilter::new(SessionFilter::default());
    let mut reply = Reply::read(map(content), expected);
    outgoing.answer(&mut reply.failure, &mut reply.answer);
    (reply, outgoing.removed().clone())
}

const TITLE: &str = "a\u{1b}]0;title\u{7}b";

#[test]
fn a_harmless_reply_stays_as_it_is() {
    for (content, expected) in [
        (
            json!({"status": "error", "ename": "E", "evalue": "v", "traceback": ["\u{1b}[0;31mE\u{1b}[0m"], "payload": [
                {"source": "page", "data": {"text/plain": "\u{1b}[31mhelp\u{1b}[0m"}, "start": 0},
                {"source": "set_next_input", "text": "x = 1\n\ty", "replace": false},
            ], "user_expressions": {"x": {"status": "ok", "data": {"text/plain": "3"}, "metadata": {}},
                "y": {"status": "error", "ename": "E", "evalue": "v", "traceback": ["t"]}}, "exit": true}),
            Expected::Cell,
        ),
        (
            json!({"status": "ok", "matches": ["print", "ä"], "cursor_start": 0, "cursor_end": 2, "metadata":
                {"_jupyter_types_experimental": [{"text": "print", "type": "function", "signature": "(x)"}]}}),
            Expected::Completions,
        ),
        (
            json!({"status": "ok", "found": true, "data": {"text/plain": "d", "text/html": "<b>d</b>"}}),
            Expected::Inspection,
        ),
        (json!({"status": "incomplete", "indent": "    "}), Expected::Completeness),
        (json!({"status": "ok", "comms": {"c": {"target_name": "t"}}}), Expected::Comms),
    ] {
        let (left, removed) = reply(content.clone(), expected);
        assert_eq!(left, Reply::read(map(content), expected));
        assert!(removed.is_empty());
    }
}

#[test]
fn every_part_of_a_reply_is_checked() {
    let script = "<script>x</script>y";
    let (left, removed) = reply(
        json!({
            "status": "error", "ename": TITLE, "evalue": TITLE, "traceback": [TITLE, 3], "anything": 1,
            "payload": [
                {"source": "page", "data": {"text/plain": TITLE, "text/html": script}, "text": "x", "start": "x"},
                {"source": "set_next_input", "text": "a\u{202e}b", "replace": "x", "more": 1},
                {"source": "edit", "filename": "/etc/passwd"}, {"source": "edit_magic"}, 7,
            ],
            "user_expressions": {"a": {"status": "ok", "data": {"text/html": script}}, "b": 3,
                "c": {"status": "error", "ename": TITLE, "evalue": TITLE, "traceback": [TITLE]}},
        }),
        Expected::Cell,
    );
    let failure = Failure { name: "ab".into(), text: "ab".into(), traceback: vec!["ab".into()] };
    let bundle = |data: Value| Bundle { data: map(data), metadata: Map::new() };
    let cell = CellAnswer {
        payloads: vec![
            Payload::Page { bundle: bundle(json!({"text/plain": "ab", "text/html": "y"})), start: None },
            Payload::NextInput { text: "ab".into(), replace: None },
        ],
        expressions: [("a".to_owned(), Ok(bundle(json!({"text/html": "y"})))), ("c".to_owned(), Err(failure.clone()))]
            .into(),
        leaves: None,
    };
    assert_eq!((left.failure, left.answer), (Some(failure), Answer::Cell(cell)));
    assert_eq!(removed.count(firewall::Kind::Script), 2);
    assert_eq!(removed.count(firewall::Kind::UnknownType), 3);
    let types = json!([{"text": "a\u{1b}[31m", "type": "\u{202e}x", "signature": {}}, 1]);
    let content = json!({"status": "<b>", "matches": ["a\u{1b}[31m", 1], "cursor_start": "x",
        "metadata": {"x": 1, "_jupyter_types_experimental": types}});
    let found = Completion { text: "a[31m".into(), kind: Some("x".into()), signature: None };
    let expected = Answer::Completions(Completions { matches: vec![found], start: 0, end: 0 });
    assert_eq!(reply(content, Expected::Completions).0.answer, expected);
    let comms =
        json!({"comms": {"a\u{1b}": {"target_name": "t"}, "c": {"target_name": "\u{7}"}, "d": {"target_name": "t"}}});
    assert_eq!(reply(comms, Expected::Comms).0.answer, Answer::Comms([("d".to_owned(), "t".to_owned())].into()));
}

#[test]
fn a_sequence_may_be_split_over_the_texts_of_a_stream() {
    let mut outgoing = RequestFilter::new(SessionFilter::default());
    let mut sent = |name, text: &str| match outgoing.event(Event::Stream { name, text: text.to_owned() }) {
        Some(Event::Stream { text, .. }) => text,
        other => format!("{other:?}"),
    };
    assert_eq!(sent(StreamName::Stdout, "a\x1b]52;c;"), "a");
    assert_eq!(sent(StreamName::Stderr, "other"), "other");
    assert_eq!(sent(StreamName::Stdout, "eA=="), "None");
    assert_eq!(sent(StreamName::Stdout, "\x07b"), "b");
}

#[test]
fn of_a_comm_message_only_what_is_known_goes_out() {
    let mut outgoing = RequestFilter::new(SessionFilter::new(Firewall::new(Default::default(), vec!["t".to_owned()])));
    let content =
        map(json!({"comm_id": "c", "target_name": "t", "target_module": "http://evil/x.js", "data": {"a": 1}, "x": 1}));
    let metadata = map(json!({"version": "2.1.0", "deep": {"a": 1}}));
    let event = Event::Comm { kind: CommKind::Open, content, metadata, buffers: Vec::new() };
    let Some(Event::Comm { content, metadata, .. }) = outgoing.event(event) else { panic!("refused") };
    assert_eq!(Value::from(content), json!({"comm_id": "c", "target_name": "t", "data": {"a": 1}}));
    assert_eq!(Value::from(metadata), json!({"version": "2.1.0"}));
}

#[test]
fn the_name_of_a_display_is_all_that_is_transient() {
    let mut outgoing = RequestFilter::new(SessionFilter::default());
    let mut sent = |transient: Value| match outgoing.event(Event::Display {
        data: Map::new(),
        metadata: Map::new(),
        transient: map(transient),
        update: true,
    }) {
        Some(Event::Display { transient, .. }) => Value::from(transient),
        other => panic!("{other:?}"),
    };
    assert_eq!(sent(json!({"display_id": "a", "x": 1})), json!({"display_id": "a"}));
    assert_eq!(sent(json!({"display_id": "a\u{1b}"})), json!({}));
    assert_eq!(sent(json!({"display_id": "a".repeat(300)})), json!({}));
}

#[test]
fn what_is_checked_elsewhere_is_what_is_checked_here_and_costs_the_same() {
    let display = || Event::Display {
        data: map(json!({"text/html": "<b onclick=x>y</b>", "text/markdown": "y"})),
        metadata: Map::new(),
        transient: map(json!({"display_id": "a", "x": 1})),
        update: false,
    };
    let (mut here, mut elsewhere) =
        (RequestFilter::new(SessionFilter::default()), RequestFilter::new(SessionFilter::default()));
    let sent = here.event(display());
    let checked = elsewhere.check(display()).run();
    assert!(elsewhere.removed().is_empty(), "what came of it is not known yet");
    assert_eq!(format!("{:?}", elsewhere.done(checked)), format!("{sent:?}"));
    assert_eq!(elsewhere.removed(), here.removed());
    assert_eq!(format!("{:?}", here.budget), format!("{:?}", elsewhere.budget));
}
