//! The outputs in `tests/firewall/`: hostile ones come out harmless, benign ones as they went in. The same files
//! are shown in a real browser by `tests/browser/test_firewall.py`.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::html::normal_form;
use super::oracle::complaints;
use super::*;

fn corpus(folder: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/firewall").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect()
}

/// An item after the firewall: what is left of it.
fn passed(may: Permissions, item: &Value) -> (Value, Removals) {
    let firewall = Firewall::new(may, Vec::new());
    let mut removed = Removals::new();
    let mut left = Map::new();
    if let Some(bundle) = item.get("bundle") {
        let (mut data, mut metadata) =
            (bundle["data"].as_object().unwrap().clone(), bundle["metadata"].as_object().unwrap().clone());
        firewall.bundle(&mut data, &mut metadata, &mut removed);
        left.insert("data".to_string(), data.into());
        left.insert("metadata".to_string(), metadata.into());
    }
    if let Some(text) = item.get("stream").and_then(Value::as_str) {
        let mut text = text.to_string();
        firewall.text(&mut Terminal::default(), &mut text, &mut removed);
        left.insert("stream".to_string(), text.into());
    }
    let mut comms = Comms::default();
    let mut messages = Vec::new();
    for message in item.get("comm").and_then(Value::as_array).into_iter().flatten() {
        let mut message = message.clone();
        let kind = if message["kind"] == "open" { CommKind::Open } else { CommKind::Message };
        let (id, target) = (
            message["comm_id"].as_str().unwrap().to_string(),
            message["target_name"].as_str().unwrap_or_default().to_string(),
        );
        let about = Message { kind, id: &id, target: &target };
        if firewall.comm(&mut comms, about, &mut message["data"], &mut removed) == Verdict::Pass {
            messages.push(message);
        }
    }
    left.insert("comm".to_string(), messages.into());
    (left.into(), removed)
}

/// Every string in a value.
fn strings<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|value| strings(value, found)),
        Value::Object(object) => object.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}

/// A chart without the data that it brings along, and without what a tooltip shows as text.
fn without_data(chart: &Value, name: &str) -> Value {
    match chart {
        Value::Array(list) => list.iter().map(|item| without_data(item, name)).collect(),
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "datasets" | "Image"))
            .filter(|(key, _)| !matches!((name, key.as_str()), ("data", "values") | ("tooltip", "signal")))
            .map(|(key, value)| (key.clone(), without_data(value, key)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// What is wrong with a figure: with its texts as plotly reads them, alone, one after another and put into each other,
/// and with what it loads.
fn plot_problems(figure: &Value) -> Vec<String> {
    let mut all = Vec::new();
    strings(figure, &mut all);
    let mut texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    for one in &all {
        texts.extend(all.iter().map(|two| format!("{one}1{two}")));
        if one.contains("%{") {
            let pieces: Vec<&str> =
                one.split("%{").map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest)).collect();
            for first in &all {
                texts.extend(all.iter().map(|others| pieces.join(others).replacen(others, first, 1)));
            }
        }
    }
    let mut wrong: Vec<String> = texts.iter().flat_map(|text| super::plotly::text_complaints(text)).collect();
    loaded(figure, false, &mut wrong);
    wrong
}

fn loaded(value: &Value, loads: bool, wrong: &mut Vec<String>) {
    const LOADED: [&str; 7] =
        ["source", "geojson", "plotlyServerURL", "topojsonURL", "args", "style", "modeBarButtonsToAdd"];
    match value {
        Value::String(text) => wrong.extend((loads && text.contains("canary")).then(|| text.clone())),
        Value::Array(list) => list.iter().for_each(|value| loaded(value, loads, wrong)),
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            loaded(value, loads || LOADED.iter().any(|name| key.ends_with(name)), wrong);
        }),
        _ => {}
    }
}

/// What is wrong with an item after the firewall.
fn problems(left: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (kind, contents) in left.get("data").and_then(Value::as_object).into_iter().flatten() {
        let text = contents.as_str().unwrap_or_default();
        match kind.as_str() {
            "text/html" | "image/svg+xml" => wrong.extend(complaints(text)),
            "text/markdown" => {
                wrong.extend(markdown::tests::problems(text));
                let diagram = ["`mermaid", "` mermaid", "~mermaid"].iter().any(|sign| text.contains(sign));
                wrong.extend((diagram && text.contains("canary")).then(|| "a diagram".to_string()));
            }
            "text/plain" => {}
            "text/latex" | "image/png" | "application/vnd.jupyter.widget-view+json" => {}
            kind if kind.contains("vega") => {
                // Data may hold addresses that nothing follows.
                let text = contents.to_string();
                let loads = ["\"url\":", "\"href\":", "\"usermeta\":"].iter().any(|sign| text.contains(sign));
                let shows = text.contains("\"tooltip\":")
                    && ["image\"", "image'", "image,"].iter().any(|sign| text.contains(sign));
                let says = without_data(contents, kind).to_string().contains("canary");
                if says || (text.contains("canary") && (loads || shows)) {
                    wrong.push(text);
                }
            }
            kind if kind.contains("plotly") => {
                wrong.extend(plot_problems(contents));
            }
            other => wrong.push(format!("the type {other}")),
        }
        if matches!(kind.as_str(), "text/html" | "text/latex" | "text/markdown") {
            let unsafe_macros = [
                "\\href{j",
                "\\href ",
                "\\href{#1",
                "\\a\\href",
                "\\includegraphics",
                "\\htmlData",
                "\\require",
                "\\mmlToken",
            ];
            wrong.extend(unsafe_macros.iter().filter(|sign| text.contains(**sign)).map(ToString::to_string));
        }
        if kind == "image/png" {
            wrong.push("no picture".to_string());
        }
    }
    for sign in ["isolated", "canary"] {
        wrong.extend(left["metadata"].to_string().contains(sign).then(|| sign.to_string()));
    }
    for message in left["comm"].as_array().into_iter().flatten() {
        let state = &message["data"]["state"];
        // A text field may hold what would be more elsewhere.
        let text = state["_model_name"] == "TextModel" && state["_view_name"] == "TextView";
        let shown = if text { &["description"][..] } else { &["value", "description"] };
        wrong.extend(shown.iter().filter_map(|key| state.get(*key)?.as_str()).flat_map(complaints));
        for (_, value) in state.as_object().into_iter().flatten().filter(|(key, _)| !(text && *key == "value")) {
            let mut all = Vec::new();
            strings(value, &mut all);
            let called = all.iter().find(|text| text.contains("canary.invalid") || text.contains("canary("));
            wrong.extend(called.map(ToString::to_string));
        }
        let link = &state["target"];
        wrong.extend(link.to_string().contains("-html").then(|| format!("a link to {link}")));
        wrong.extend(state["outputs"].to_string().contains("<script").then(|| "a script in outputs".to_string()));
        let module = state["_model_module"].as_str().unwrap_or("@jupyter-widgets/base");
        wrong.extend((!module.starts_with("@jupyter-widgets/")).then(|| module.to_string()));
    }
    let shown = [left["stream"].as_str(), left["data"]["text/plain"].as_str()];
    for text in shown.into_iter().flatten() {
        let bad = |(place, character): (usize, char)| match character {
            '\x1b' => !text[place..]
                .trim_start_matches(['\x1b', '['])
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
                .starts_with(['m', 'K']),
            '\n' | '\t' | '\r' | '\x08' | '\0' => false,
            other => other.is_control(),
        };
        wrong.extend(text.char_indices().any(bad).then(|| format!("{text:?}")));
    }
    wrong
}

#[test]
fn nothing_hostile_comes_through() {
    let corpus = corpus("hostile");
    assert!(corpus.len() >= 60);
    for item in &corpus {
        let (left, _) = passed(Permissions::default(), item);
        assert_eq!(problems(&left), Vec::<String>::new(), "{} became {left:#}", item["name"]);
    }
}

#[test]
fn what_is_taken_from_hostile_outputs_is_said() {
    // Of what no browser would act on, nothing need be said.
    for item in corpus("hostile")
        .iter()
        .filter(|item| item["fires"] == true || item["click"] == true || item["family"] == "terminal")
    {
        let (left, removed) = passed(Permissions::default(), item);
        // A column that got another name is still there, and so is a link in Markdown that is written such that it is
        // one to everybody.
        let renamed =
            item["name"].as_str().is_some_and(|name| name.contains("tooltip") || name == "plotly-text-pieces")
                || (item["family"] == "markdown" && left["data"] != item["bundle"]["data"]);
        assert!(renamed || removed.sentence().is_some(), "{}", item["name"]);
    }
}

#[test]
fn the_same_comes_through_where_the_policy_allows_it() {
    let all = Permissions { active_content: true, remote_resources: true, terminal: true };
    for item in corpus("hostile").iter().filter(|item| item["fires"] == true) {
        let (left, removed) = passed(all, item);
        assert!(removed.is_empty(), "{}", item["name"]);
        assert_eq!(left["data"], item["bundle"]["data"], "{}", item["name"]);
        // And so the check above is one that can fail, but for what is only put together in the page.
        assert!(item["built"] == true || !problems(&left).is_empty(), "{}", item["name"]);
    }
}

/// A document's normal form without white space around it.
fn shown(html: &str) -> Vec<String> {
    let mut lines = normal_form(html.trim());
    while lines.last().is_some_and(|line| line.trim_start_matches('"').trim().is_empty()) {
        lines.pop();
    }
    lines
}

#[test]
fn benign_outputs_come_out_as_they_went_in() {
    let corpus = corpus("benign");
    assert!(corpus.len() >= 30);
    for item in &corpus {
        let (left, removed) = passed(Permissions::default(), item);
        let name = &item["name"];
        assert_eq!(removed.sentence(), None, "{name}");
        assert_eq!(
            left["metadata"],
            item.get("bundle").map_or(Value::Null, |bundle| bundle["metadata"].clone()),
            "{name}"
        );
        assert_eq!(left.get("stream"), item.get("stream"), "{name}");
        if let Some(messages) = item.get("comm") {
            assert_eq!(&left["comm"], messages, "{name}");
        }
        for (kind, contents) in item.pointer("/bundle/data").and_then(Value::as_object).into_iter().flatten() {
            let out = &left["data"][kind];
            match kind.as_str() {
                // What is written otherwise is shown the same: `tests/browser` compares the pictures.
                "text/markdown" => {
                    let text = contents.as_str().unwrap();
                    assert_eq!(markdown::tests::shown(out.as_str().unwrap()), markdown::tests::shown(text), "{name}");
                }
                "text/html" | "image/svg+xml" => {
                    let (before, after) = (contents.as_str().unwrap(), out.as_str().unwrap());
                    let start = if kind == "image/svg+xml" { before.find("<svg").unwrap() } else { 0 };
                    assert_eq!(shown(after), shown(&before[start..]), "{name}");
                }
                _ => assert_eq!(out, contents, "{name} {kind}"),
            }
        }
    }
}
