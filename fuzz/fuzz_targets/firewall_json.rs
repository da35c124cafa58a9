//! Outputs that are JSON: charts, whole bundles with their metadata, the messages of widgets.
//!
//! The input: one byte that says what it is, and the JSON.
#![no_main]

use cellblock_fuzz::firewall::{CommKind, Comms, Firewall, Message, Removals, Verdict};
use cellblock_fuzz::{Input, complaints, shown};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

const CHARTS: [&str; 4] = [
    "application/json",
    "application/vnd.plotly.v1+json",
    "application/vnd.vega.v5+json",
    "application/vnd.vegalite.v5+json",
];

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let what = usize::from(input.byte() % 6);
    let Ok(value) = serde_json::from_slice::<Value>(input.0) else { return };
    match (CHARTS.get(what), value) {
        (Some(kind), value) => chart(kind, value),
        (None, Value::Object(mut item)) if what == 4 => bundle(taken(&mut item, "data"), taken(&mut item, "metadata")),
        (None, Value::Array(messages)) if what == 5 => widgets(messages),
        _ => {}
    }
});

fn taken(item: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match item.remove(key) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn chart(kind: &str, value: Value) {
    let (Some(once), _) = shown(kind, value) else { return };
    own_keys_only(&once);
    let (twice, removed) = shown(kind, once.clone());
    assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {once}");
    assert_eq!(twice, Some(once), "the second time nothing is changed");
}

fn bundle(mut data: Map<String, Value>, mut metadata: Map<String, Value>) {
    let empty = data.is_empty();
    let firewall = Firewall::default();
    firewall.bundle(&mut data, &mut metadata, &mut Removals::new());
    assert_eq!(data.is_empty(), empty);
    for (kind, contents) in &data {
        own_keys_only(contents);
        match kind.as_str() {
            "text/html" | "image/svg+xml" => harmless(contents),
            kind => assert!(!kind.contains("javascript") && !kind.ends_with("pdf")),
        }
    }
    let settings = Value::from(metadata.clone());
    own_keys_only(&settings);
    assert!(!metadata.contains_key("isolated") && !metadata.contains_key("trusted"));
    for (kind, settings) in metadata.iter().filter(|(kind, _)| kind.contains('/')) {
        assert!(data.contains_key(kind) && settings.get("isolated").is_none() && settings.get("trusted").is_none());
    }
    // All of it again: nothing more goes.
    let (kinds, mut removed): (Vec<_>, _) = (data.keys().cloned().collect(), Removals::new());
    firewall.bundle(&mut data, &mut metadata, &mut removed);
    assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {data:?}");
    assert!(data.keys().eq(&kinds));
    assert_eq!(Value::from(metadata), settings);
}

fn widgets(messages: Vec<Value>) {
    let (firewall, mut comms) = (Firewall::default(), Comms::default());
    for mut message in messages {
        let Some(message) = message.as_object_mut() else { continue };
        let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, target) = (text("comm_id"), text("target_name"));
        let kind = match text("kind").as_str() {
            "open" => CommKind::Open,
            "close" => CommKind::Close,
            _ => CommKind::Message,
        };
        let about = Message { kind, id: &id, target: &target };
        let mut data = message.remove("data").unwrap_or_default();
        let mut trial = comms.clone();
        if firewall.comm(&mut comms, about, &mut data, &mut Removals::new()) == Verdict::Refuse {
            continue;
        }
        own_keys_only(&data);
        let states = data.get("states").and_then(Value::as_object).into_iter().flat_map(Map::values);
        for state in states.filter_map(|entry| entry.get("state")).chain(data.get("state")) {
            assert!(state.get("_esm").is_none() && state.get("_anywidget_id").is_none());
            // Without a name, with one of the HTML widgets' names, or with such a view, it is shown as HTML.
            let shows = |key: &str| state.get(key).and_then(Value::as_str).is_none_or(|name| name.starts_with("HTML"));
            if kind == CommKind::Open && shows("_model_name") && shows("_view_name") {
                state.get("value").into_iter().for_each(harmless);
            }
        }
        let (mut again, mut removed) = (data.clone(), Removals::new());
        let verdict = firewall.comm(&mut trial, about, &mut again, &mut removed);
        assert_eq!(verdict, Verdict::Pass, "what passed passes again");
        assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {data}");
    }
}

fn harmless(contents: &Value) {
    if let Value::String(text) = contents {
        assert_eq!(complaints(text), Vec::<String>::new(), "{text:?}");
    }
}

/// No key reaches beyond its object.
fn own_keys_only(value: &Value) {
    match value {
        Value::Array(list) => list.iter().for_each(own_keys_only),
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            assert_ne!(key, "__proto__");
            own_keys_only(value);
        }),
        _ => {}
    }
}
