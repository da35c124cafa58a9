use serde_json::json;

use super::*;

const NOTHING: Permissions = Permissions { active_content: false, remote_resources: false, terminal: false };

fn state(name: &str, more: Value) -> Value {
    let mut state = json!({
        "_model_module": "@jupyter-widgets/controls", "_model_module_version": "2.0.0", "_model_name": format!("{name}Model"),
        "_view_module": "@jupyter-widgets/controls", "_view_module_version": "2.0.0", "_view_name": format!("{name}View")
    });
    for (key, value) in more.as_object().unwrap() {
        state[key] = value.clone();
    }
    json!({"state": state, "buffer_paths": []})
}

struct Session(Comms, Removals);

impl Session {
    fn new() -> Self {
        Self(Comms::default(), Removals::new())
    }

    fn check(&mut self, kind: CommKind, id: &str, target: &str, data: &mut Value) -> Verdict {
        self.0.check(NOTHING, &["my-own".to_string()], Message { kind, id, target }, data, &mut self.1)
    }

    fn open(&mut self, id: &str, mut data: Value) -> Option<Value> {
        let verdict = self.check(CommKind::Open, id, "jupyter.widget", &mut data);
        (verdict == Verdict::Pass).then(|| data["state"].take())
    }

    fn update(&mut self, id: &str, state: Value) -> Option<Value> {
        let mut data = json!({"method": "update", "state": state, "buffer_paths": []});
        let verdict = self.check(CommKind::Message, id, "", &mut data);
        (verdict == Verdict::Pass).then(|| data["state"].take())
    }
}

#[test]
fn standard_controls_pass_as_they_are() {
    let mut session = Session::new();
    for data in [
        state(
            "IntSlider",
            json!({"value": 3, "min": 0, "description": "a <5 & b", "style": "IPY_MODEL_x", "readout_format": ".2f"}),
        ),
        state("Text", json!({"value": "<script>this is text</script>"})),
        state("HTML", json!({"value": "<b>bold</b>"})),
        state("Label", json!({"value": "$x^2$"})),
        state("Image", json!({"format": "png", "width": "100"})),
        state("IntRangeSlider", json!({"value": [1, 2], "behavior": "drag-tap", "orientation": "vertical"})),
        state("DatePicker", json!({"value": {"year": 2020, "month": 1, "date": 2}, "step": "any", "min": null})),
        state("TagsInput", json!({"value": ["a", 1], "tag_style": "primary", "allowed_tags": []})),
        state("ColorsInput", json!({"value": ["red", "#fff"]})),
        state(
            "ToggleButtons",
            json!({"_options_labels": ["<a>", "b"], "icons": ["check", ""], "tooltips": ["x"], "index": 0, "button_style": ""}),
        ),
        state(
            "FileUpload",
            json!({"accept": ".txt", "value": [{"name": "x", "type": "text/plain", "size": 3, "last_modified": 1, "content": null}]}),
        ),
        state("Tab", json!({"children": ["IPY_MODEL_a", "IPY_MODEL_b"], "titles": ["1 < 2"], "selected_index": null})),
        json!({"state": {"_model_module": "@jupyter-widgets/base", "_model_module_version": "2.0.0", "_model_name": "LayoutModel", "_view_module": "@jupyter-widgets/base", "_view_module_version": "2.0.0", "_view_name": "LayoutView", "width": "50%", "grid_gap": "1px 2px"}, "buffer_paths": []}),
    ] {
        assert_eq!(session.open("a", data.clone()), Some(data["state"].clone()));
        assert_eq!(session.1.sentence(), None, "{data}");
    }
    assert!(session.1.is_empty());
}

#[test]
fn widgets_that_bring_code_are_refused() {
    let mut session = Session::new();
    for (key, value) in [
        ("_model_module", "anywidget"),
        ("_model_module", "@jupyter-widgets/controls/../x"),
        ("_model_name", "AnyModel"),
        ("_view_module", "http://evil/x.js"),
        ("_model_module_version", "2.0.0/../../evil"),
        ("_view_name", "../x"),
        ("_model_module_version", "^2.0.0"),
        ("_model_module_version", "*"),
        ("_view_module_version", ">=1"),
        ("_view_name", "HTMLView"),
        ("_view_module", "@jupyter-widgets/base"),
    ] {
        assert_eq!(session.open("a", state("Text", json!({key: value}))), None, "{key}");
    }
    assert_eq!(session.open("a", json!({})), None);
    for target in ["hv-extension-comm", "bokeh-comm", "panel-comm", "nobody-knows", ""] {
        assert_eq!(session.check(CommKind::Open, "b", target, &mut json!({})), Verdict::Refuse);
    }
    assert_eq!((session.1.count(Kind::Widget), session.1.count(Kind::Comm)), (12, 5));
}

#[test]
fn nothing_follows_of_a_comm_that_was_refused() {
    let mut session = Session::new();
    assert_eq!(session.check(CommKind::Open, "b", "bokeh-comm", &mut json!({})), Verdict::Refuse);
    for kind in [CommKind::Message, CommKind::Close, CommKind::Message] {
        assert_eq!(session.check(kind, "b", "", &mut json!({})), Verdict::Refuse, "{kind:?}");
    }
    assert_eq!(session.1.count(Kind::Comm), 1, "it is said once");
    assert_eq!(session.check(CommKind::Open, "b", "my-own", &mut json!({})), Verdict::Pass);
    assert_eq!(session.check(CommKind::Close, "b", "", &mut json!({})), Verdict::Pass);
    // A target that the page opened and nobody knows here is closed.
    assert_eq!(session.check(CommKind::Close, "c", "", &mut json!({})), Verdict::Pass);
}

#[test]
fn comms_to_widgets_and_to_what_the_policy_names_pass() {
    let mut session = Session::new();
    for target in ["my-own", "jupyter.widget.control", "jupyter.widget.version"] {
        assert_eq!(session.check(CommKind::Open, "b", target, &mut json!({})), Verdict::Pass);
    }
    assert!(session.1.is_empty());
}

#[test]
fn a_page_that_asks_for_all_widgets_gets_those_that_may_pass() {
    let entry = |name: &str, more: Value| {
        let mut entry = json!({"state": state(name, more)["state"]});
        entry["model_name"] = entry["state"]["_model_name"].clone();
        entry["model_module"] = entry["state"]["_model_module"].clone();
        entry
    };
    let mut unlike = entry("Text", json!({"value": "<b>"}));
    unlike["model_module"] = "anywidget".into();
    let mut data = json!({"method": "update_states", "buffer_paths": [], "states": {
        "text": entry("Text", json!({"value": "<b onclick=x>"})),
        "html": entry("HTML", json!({"value": "<b onclick=x>y</b>"})),
        "code": entry("Text", json!({"_model_module": "anywidget", "_esm": "x"})),
        "unlike": unlike,
        "nothing": {},
    }});
    let mut session = Session::new();
    assert_eq!(session.check(CommKind::Message, "control", "", &mut data), Verdict::Pass);
    let states = data["states"].as_object().unwrap();
    assert_eq!(states.keys().collect::<Vec<_>>(), ["text", "html"]);
    assert_eq!(states["text"]["state"]["value"], "<b onclick=x>");
    assert_eq!(states["html"]["state"]["value"], "<b>y</b>");
    assert_eq!((session.1.count(Kind::Widget), session.1.count(Kind::Handler)), (3, 1));
    // What they are is remembered.
    assert_eq!(session.update("html", json!({"value": "<i onclick=x>z</i>"})).unwrap()["value"], "<i>z</i>");
}

#[test]
fn a_message_cannot_reach_what_all_objects_have_in_common() {
    let mut session = Session::new();
    for path in [json!([["__proto__", "x"]]), json!([["a", "constructor", "prototype"]]), json!("x"), json!([[{}]])] {
        let mut data = json!({"method": "update", "state": {}, "buffer_paths": path});
        assert_eq!(session.check(CommKind::Message, "a", "", &mut data), Verdict::Refuse, "{path}");
    }
    let mut data = json!({"method": "update", "state": {"__proto__": {"x": 1}, "value": 2}, "buffer_paths": []});
    assert_eq!(session.check(CommKind::Message, "a", "", &mut data), Verdict::Pass);
    assert_eq!(data["state"], json!({"value": 2}));
}

#[test]
fn what_is_shown_as_html_is_cleaned_then_and_later() {
    let hostile = "x<img src=x onerror=alert(1)>";
    let mut session = Session::new();
    assert_eq!(session.open("a", state("HTML", json!({"value": hostile}))).unwrap()["value"], "x<img>");
    assert_eq!(session.update("a", json!({"value": hostile})).unwrap()["value"], "x<img>");
    // A text field with the view of an HTML widget.
    assert_eq!(session.open("b", state("Text", json!({"_view_name": "HTMLView", "value": hostile}))), None);
    // A view that changes later.
    session.open("c", state("Text", json!({"value": hostile})));
    assert_eq!(session.update("c", json!({"_view_name": "HTMLView"})), None);
    assert_eq!(session.update("c", json!({"_model_name": "HTMLModel"})), None);
    // A comm that nobody knows.
    assert_eq!(
        session.update("d", json!({"value": hostile, "description": hostile})).unwrap(),
        json!({"value": "x<img>", "description": "x<img>"})
    );
    assert_eq!(
        session.open("e", state("Label", json!({"value": "$\\href{javascript:x}{y}$"}))).unwrap()["value"],
        "$\\text{javascript:x}{y}$"
    );
}

#[test]
fn descriptions_are_cleaned_where_they_are_html() {
    let hostile = "<b onclick=x>y</b>";
    let mut session = Session::new();
    assert_eq!(session.open("a", state("Text", json!({"description": hostile}))).unwrap()["description"], hostile);
    assert_eq!(session.update("a", json!({"description_allow_html": true})).unwrap(), json!({}));
    assert_eq!(
        session.open("b", state("Text", json!({"description": hostile, "description_allow_html": true}))).unwrap()["description"],
        "<b>y</b>"
    );
    assert_eq!(session.update("b", json!({"description": hostile})).unwrap()["description"], "<b>y</b>");
    let old = json!({"description": hostile, "_model_module_version": "1.5.0"});
    assert_eq!(session.open("c", state("Text", old)), None);
    // What is true enough for a script is no switch here.
    let allowed = json!({"description": hostile, "description_allow_html": "yes"});
    assert!(session.open("d", state("Text", allowed)).unwrap().get("description_allow_html").is_none());
}

#[test]
fn a_link_does_not_make_html_of_text() {
    let mut session = Session::new();
    for (id, name) in [("text", "Text"), ("slider", "IntSlider"), ("html", "HTML"), ("label", "Label")] {
        session.open(id, state(name, json!({})));
    }
    let mut link = |source: Value, target: Value| {
        session
            .open("link", state("DirectionalLink", json!({"_view_name": null, "source": source, "target": target})))
            .is_some()
    };
    assert!(link(json!(["IPY_MODEL_text", "value"]), json!(["IPY_MODEL_slider", "value"])));
    assert!(!link(json!(["IPY_MODEL_text", "value"]), json!(["IPY_MODEL_html", "value"])));
    assert!(!link(json!(["IPY_MODEL_html", "value"]), json!(["IPY_MODEL_text", "value"])));
    assert!(!link(json!(["IPY_MODEL_text", "value"]), json!(["IPY_MODEL_label", "value"])));
    assert!(!link(json!(["IPY_MODEL_text", "value"]), json!(["IPY_MODEL_slider", "description"])));
    assert!(!link(json!(["IPY_MODEL_text", "value"]), json!(["IPY_MODEL_unknown", "value"])));
    assert!(!link(json!("x"), json!(["IPY_MODEL_slider", "value"])));
}

#[test]
fn pictures_by_url_styles_and_classes_of_the_page_go() {
    let mut session = Session::new();
    assert_eq!(session.open("a", state("Image", json!({"format": "url"}))).unwrap()["format"], "png");
    assert_eq!(session.update("a", json!({"format": "svg+xml"})).unwrap()["format"], "png");
    let style = json!({"_view_name": "StyleView", "_view_module": "@jupyter-widgets/base"});
    let mut style = state("HTMLStyle", style);
    style["state"]["background"] = "url(http://evil)".into();
    style["state"]["font_size"] = "12px".into();
    assert_eq!(session.open("b", style).unwrap().get("background"), None);
    assert_eq!(
        session.open("c", state("Text", json!({"_dom_classes": ["jp-Dialog", "mine"]}))).unwrap()["_dom_classes"],
        json!(["cb-jp-Dialog", "cb-mine"])
    );
}

#[test]
fn an_output_widget_holds_checked_outputs() {
    let mut session = Session::new();
    let data = json!({"state": {"_model_module": "@jupyter-widgets/output", "_model_module_version": "1.0.0", "_model_name": "OutputModel", "_view_module": "@jupyter-widgets/output", "_view_module_version": "1.0.0", "_view_name": "OutputView", "outputs": [
        {"output_type": "display_data", "data": {"text/html": "x<script>y</script>", "application/javascript": "z"}, "metadata": {"isolated": true}},
        {"output_type": "stream", "name": "stdout", "text": "a\u{1b}]0;t\u{7}b"},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\u{1b}[31mx\u{1b}[2J"]},
        {"output_type": "other", "data": {"text/html": "<script>"}}
    ]}});
    assert_eq!(
        session.open("a", data).unwrap()["outputs"],
        json!([
            {"output_type": "display_data", "data": {"text/html": "x"}, "metadata": {}},
            {"output_type": "stream", "name": "stdout", "text": "ab"},
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\u{1b}[31mx"]}
        ])
    );
}

#[test]
fn a_policy_that_allows_code_allows_all_of_it() {
    let may = Permissions { active_content: true, ..NOTHING };
    let mut data = state("Text", json!({"_model_module": "anywidget", "_esm": "x"}));
    let message = Message { kind: CommKind::Open, id: "a", target: "jupyter.widget" };
    assert_eq!(Comms::default().check(may, &[], message, &mut data, &mut Removals::new()), Verdict::Pass);
}

#[test]
fn a_value_of_another_type_or_of_no_trait_goes() {
    for (name, trait_name, value) in [
        ("HTML", "value", json!(["<img src=x onerror=evil()>"])),
        ("HTML", "value", json!({"toString": "evil"})),
        ("Text", "description", json!(["<b onclick=evil()>"])),
        ("Text", "description_allow_html", json!(1)),
        ("HTMLStyle", "background", json!(["url(//evil)"])),
        ("HTMLStyle", "background", json!({"evil": 1})),
        ("Text", "layout", json!(["IPY_MODEL_evil"])),
        ("Text", "style", json!({"background": "url(//evil)"})),
        ("Text", "style", json!("IPY_MODEL_a b\"evil")),
        ("Text", "_dom_classes", json!("jp-evil")),
        ("IntSlider", "value", json!("<evil>")),
        ("IntSlider", "orientation", json!("vertical evil")),
        ("Button", "button_style", json!("primary jp-evil")),
        ("Button", "icon", json!("check\tjp-Evil")),
        ("ToggleButtons", "icons", json!(["x jp-evil"])),
        ("Tab", "titles", json!([{"evil": 1}])),
        ("Tab", "children", json!(["evil"])),
        ("Image", "value", json!("evil")),
        ("Image", "width", json!("1\" onload=evil()")),
        ("DatePicker", "value", json!({"year": "evil"})),
        ("ColorPicker", "value", json!("url(//evil)")),
        ("ColorsInput", "value", json!(["url(//evil)"])),
        ("Text", "evil", json!(1)),
        ("Text", "_esm", json!("evil")),
        ("Text", "_css", json!("evil")),
    ] {
        let mut session = Session::new();
        let value = json!({ trait_name: value });
        let mut whole = state(name, value.clone());
        if name.ends_with("Style") {
            whole["state"]["_view_name"] = "StyleView".into();
            whole["state"]["_view_module"] = "@jupyter-widgets/base".into();
        }
        let opened = session.open("a", whole).unwrap_or_else(|| panic!("{name} {value}"));
        assert!(
            !opened.to_string().contains("evil") && opened.get(trait_name).is_none_or(|left| left == ""),
            "{name} {value}: {opened}"
        );
        assert!(!session.1.is_empty(), "{name} {value}");
        let updated = session.update("a", value.clone()).unwrap();
        assert!(!updated.to_string().contains("evil"), "{name} {value}: {updated}");
    }
}

#[test]
fn a_layout_stays_in_its_place() {
    let layout = |traits: Value| {
        let mut data = json!({"state": {"_model_module": "@jupyter-widgets/base", "_model_module_version": "2.0.0", "_model_name": "LayoutModel", "_view_module": "@jupyter-widgets/base", "_view_module_version": "2.0.0", "_view_name": "LayoutView"}});
        data["state"].as_object_mut().unwrap().extend(traits.as_object().unwrap().clone());
        data
    };
    for (name, value) in [
        ("margin", "-600px 0 0 -300px"),
        ("margin", "calc(1px - 600px)"),
        ("top", "-600px"),
        ("left", "var(--x)"),
        ("bottom", "100vh"),
        ("width", "1e9px"),
    ] {
        let mut session = Session::new();
        let traits = json!({ name: value });
        assert_eq!(session.open("a", layout(traits.clone())).unwrap().get(name), None, "{name}: {value}");
        assert_eq!(session.update("a", traits).unwrap(), json!({}), "{name}: {value}");
    }
    let honest = json!({"margin": "0 5px 10px -2px", "width": "100%", "height": "80vh", "grid_template_columns": "repeat(3, 33%)", "border_top": "1px solid red", "flex": "1 1 auto", "grid_area": "a", "object_fit": "cover", "overflow": "auto", "top": "5px"});
    let mut session = Session::new();
    session.open("a", layout(json!({}))).unwrap();
    assert_eq!(session.update("a", honest.clone()).unwrap(), honest);
}

#[test]
fn a_message_has_one_meaning() {
    let hostile = json!({"value": "<img src=x onerror=evil()>"});
    let mut session = Session::new();
    session.open("a", state("HTML", json!({})));
    for mut data in [
        json!({"method": "update", "state": hostile, "states": {}, "buffer_paths": []}),
        json!({"method": "echo_update", "state": hostile}),
        json!({"method": "update_states", "state": hostile, "states": {}}),
        json!({"method": "custom", "content": {"do": "focus", "state": hostile}}),
        json!({"method": "custom", "content": hostile}),
        json!({"state": hostile}),
        json!({"method": ["update"], "state": hostile}),
        json!({"method": "update", "state": {}, "buffer_paths": [["value"]]}),
        json!({"method": "update", "state": {}, "buffer_paths": [["_view_name"]]}),
    ] {
        let before = data.clone();
        let passed = session.check(CommKind::Message, "a", "", &mut data) == Verdict::Pass;
        assert!(
            !passed || !data.to_string().contains("evil") && data["buffer_paths"].as_array().is_none_or(Vec::is_empty),
            "{before}"
        );
    }
    let mut focus = json!({"method": "custom", "content": {"do": "focus"}});
    assert_eq!(session.check(CommKind::Message, "a", "", &mut focus), Verdict::Pass);
    session.open("i", state("Image", json!({})));
    let mut bytes = json!({"method": "update", "state": {}, "buffer_paths": [["value"]]});
    assert_eq!(session.check(CommKind::Message, "i", "", &mut bytes), Verdict::Pass);
}

#[test]
fn a_name_stays_with_its_widget() {
    let mut session = Session::new();
    session.open("text", state("Text", json!({})));
    let link =
        json!({"_view_name": null, "source": ["IPY_MODEL_text", "value"], "target": ["IPY_MODEL_text", "value"]});
    assert!(session.open("link", state("Link", link)).is_some());
    session.check(CommKind::Close, "text", "", &mut json!({}));
    assert_eq!(session.open("text", state("HTML", json!({}))), None, "a link leads there");
    session.open("other", state("Text", json!({})));
    session.check(CommKind::Close, "other", "", &mut json!({}));
    assert!(session.open("other", state("HTML", json!({}))).is_some());
}

#[test]
fn binary_parts_of_what_was_left_out_lead_nowhere() {
    let entry = |name: &str| {
        let state = state(name, json!({})).get_mut("state").unwrap().take();
        json!({"model_name": state["_model_name"], "model_module": state["_model_module"], "state": state})
    };
    let mut gone = entry("Image");
    gone["state"]["_model_module_version"] = "*".into();
    let mut data = json!({"method": "update_states", "states": {"a": entry("Image"), "b": gone},
        "buffer_paths": [["b", "state", "value"], ["a", "state", "value"], ["a", "state", "format"]]});
    let mut session = Session::new();
    assert_eq!(session.check(CommKind::Message, "control", "", &mut data), Verdict::Pass);
    assert_eq!(data["buffer_paths"], json!([["a", "nothing"], ["a", "state", "value"], ["a", "nothing"]]));
}
