use serde_json::json;

use super::*;

const NOTHING: Permissions = Permissions { active_content: false, remote_resources: false, terminal: false };

fn checked(may: Permissions, data: Value, metadata: Value) -> (Value, Value, Removals) {
    let (Value::Object(mut data), Value::Object(mut metadata)) = (data, metadata) else { panic!("objects") };
    let mut removed = Removals::new();
    check(may, &mut data, &mut metadata, &mut removed);
    (data.into(), metadata.into(), removed)
}

#[test]
fn types_that_run_or_are_unknown_do_not_pass() {
    let data = json!({
        "text/plain": "x", "application/javascript": "alert(1)", "application/vnd.bokehjs_exec.v0+json": "", "application/vnd.holoviews_load.v0+json": "",
        "application/pdf": "JVBERi0=", "text/HTML": "<script>", "text/html; charset=utf-8": "<script>", "application/x-made-up": {}, "application/vnd.vega.v5+json\n": {}
    });
    let (out, _, removed) = checked(NOTHING, data.clone(), json!({}));
    assert_eq!(out, json!({"text/plain": "x"}));
    assert_eq!(
        (removed.count(Kind::Script), removed.count(Kind::Document), removed.count(Kind::UnknownType)),
        (3, 1, 4)
    );
    let (out, _, removed) = checked(Permissions { active_content: true, ..NOTHING }, data.clone(), json!({}));
    assert_eq!((out, removed.is_empty()), (data, true));
}

#[test]
fn an_output_of_which_nothing_is_left_says_so() {
    let (out, ..) = checked(NOTHING, json!({"application/javascript": "alert(1)"}), json!({}));
    assert!(out["text/plain"].as_str().unwrap().contains("firewall"));
    let (out, ..) = checked(NOTHING, json!({}), json!({}));
    assert_eq!(out, json!({}));
}

#[test]
fn text_that_is_a_list_of_lines_is_checked_as_one() {
    let (out, ..) = checked(NOTHING, json!({"text/html": ["x<scr", "ipt>alert(1)</script>"]}), json!({}));
    assert_eq!(out, json!({"text/html": "x"}));
    let (out, _, removed) =
        checked(NOTHING, json!({"text/plain": "x", "text/html": {"x": "<script>"}, "image/png": ["a", 1]}), json!({}));
    assert_eq!(out, json!({"text/plain": "x"}));
    assert_eq!(removed.count(Kind::Malformed), 2);
}

#[test]
fn a_view_is_a_name_and_nothing_else() {
    let view = json!({"version_major": 2, "version_minor": 0, "model_id": "0a1b-2c"});
    let kind = "application/vnd.jupyter.widget-view+json";
    assert_eq!(checked(NOTHING, json!({kind: view}), json!({})).0, json!({kind: view}));
    for view in
        [json!({"model_id": "<x>"}), json!({"model_id": "a", "state": {}}), json!("a"), json!({"version_major": 2})]
    {
        assert!(checked(NOTHING, json!({kind: view}), json!({})).0.get(kind).is_none());
    }
}

#[test]
fn metadata_cannot_ask_for_a_frame() {
    let data = json!({"text/html": "x", "image/png": "iVBORw0KGgoAAAANSUhEUg=="});
    let metadata = json!({"isolated": true, "text/html": {"isolated": true}, "image/png": {"width": 640, "height": "480", "needs_background": "light", "x": "\"><script>"}, "a/b": {}, "tags": ["x"]});
    let (_, out, removed) = checked(NOTHING, data, metadata);
    assert_eq!(
        out,
        json!({"text/html": {}, "image/png": {"width": 640, "height": "480", "needs_background": "light"}, "tags": ["x"]})
    );
    assert_eq!(removed.count(Kind::Frame), 2);
}

#[test]
fn each_key_opens_its_own_door() {
    let remote = json!({"text/html": "<img src=\"https://x.org/y.png\">", "text/plain": "\u{1b}]0;t\u{7}x"});
    let (out, _, removed) = checked(Permissions { remote_resources: true, ..NOTHING }, remote.clone(), json!({}));
    assert_eq!(out, json!({"text/html": "<img src=\"https://x.org/y.png\">", "text/plain": "x"}));
    assert_eq!(removed.counts().collect::<Vec<_>>(), [("terminal", 1)]);
    let (out, ..) = checked(Permissions { terminal: true, active_content: true, ..NOTHING }, remote.clone(), json!({}));
    assert_eq!(out, remote);
}

#[test]
fn charts_are_known_by_their_versions() {
    assert!(is_chart("application/vnd.vega.v5+json") && is_chart("application/vnd.vegalite.v6+json"));
    assert!(
        !is_chart("application/vnd.vega.vx+json")
            && !is_chart("application/vnd.vega.v+json")
            && !is_chart("application/vnd.vegalite.v5+jsonx")
    );
}

#[test]
fn no_metadata_changes_all_objects() {
    let mut data = Map::from_iter([("text/plain".to_string(), Value::from("x"))]);
    let text = r#"{"__proto__":{"a":1},"own":[{"__proto__":2,"b":3}],"text/plain":{"__proto__":4,"c":5}}"#;
    let (mut metadata, mut removed) = (serde_json::from_str(text).unwrap(), Removals::new());
    check(Permissions::default(), &mut data, &mut metadata, &mut removed);
    assert_eq!(Value::from(metadata).to_string(), r#"{"own":[{"b":3}],"text/plain":{"c":5}}"#);
    assert_eq!(removed.count(Kind::Malformed), 3);
}
