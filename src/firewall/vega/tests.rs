use serde_json::json;

use super::*;

const VEGA: &str = "application/vnd.vega.v5+json";
const LITE: &str = "application/vnd.vegalite.v5+json";

/// A chart after the firewall, if it is still there, and what went.
fn after(kind: &str, chart: Value, remote: bool) -> (Option<Value>, Removals) {
    let (mut chart, mut removed) = (chart, Removals::new());
    let stays = sanitize(&mut chart, kind, remote, &mut removed);
    (stays.then_some(chart), removed)
}

/// A chart, of the language that its keys say, of which a part went or which went as a whole.
fn checked(chart: Value) -> Option<Value> {
    let (left, removed) = after(VEGA, chart.clone(), false);
    assert!(!removed.is_empty(), "nothing of {chart} went");
    left
}

fn unchanged(kind: &str, chart: Value) {
    let (left, removed) = after(kind, chart.clone(), false);
    assert_eq!(left, Some(chart));
    assert!(removed.is_empty());
}

/// Whether nothing is left of what is called evil.
fn is_clean(left: Option<Value>) -> bool {
    left.is_none_or(|left| !left.to_string().contains("evil"))
}

#[test]
fn charts_stay_as_they_are() {
    unchanged(
        LITE,
        json!({
            "$schema": "https://vega.github.io/schema/vega-lite/v5.8.0.json",
            "config": {"view": {"continuousWidth": 300}, "style": {"mine": {"fill": "red"}}, "range": {"own": ["red", "#00f"]}},
            "usermeta": {"embedOptions": {"theme": "dark", "actions": false}},
            "data": {"name": "data-1"},
            "datasets": {"data-1": [{"a": "A", "b": 28, "url": "https://x.org", "href": "y", "toString": 1, "c": "constructor"}]},
            "mark": {"type": "bar", "tooltip": {"content": "data"}, "cursor": "pointer", "color": {"gradient": "linear", "stops": [{"offset": 0, "color": "white"}, {"offset": 1, "color": "rgb(0,0,0)"}]}},
            "encoding": {
                "x": {"field": "a", "type": "nominal", "axis": {"labelExpr": "datum.label + '!'", "format": "%d h"}},
                "y": {"aggregate": "mean", "field": "b", "title": "A 'title' with \\alpha", "scale": {"domain": [0, {"expr": "top"}]}},
                "color": {"condition": {"test": "datum.b > 3", "value": "red"}, "value": "hsl(10, 20%, 30%)"},
                "opacity": {"condition": {"param": "picked", "value": 1}, "value": 0.2},
                "tooltip": [{"field": "a"}, {"field": "Miles per Gallon (mpg)", "format": ".2f"}]
            },
            "params": [
                {"name": "top", "value": 3, "bind": {"input": "range", "max": 3, "step": 1, "name": "Top: "}},
                {"name": "picked", "select": {"type": "point", "fields": ["a"], "toggle": "event.shiftKey", "on": "pointerover", "clear": "pointerout"}, "bind": "legend"},
                {"name": "brush", "select": {"type": "interval", "on": "[pointerdown, window:pointerup] > window:pointermove!", "encodings": ["x"]}, "value": {"x": [1, 2]}},
                {"name": "each", "select": {"type": "point", "fields": ["a"]}, "bind": {"a": {"input": "radio", "options": ["A", null]}}}
            ],
            "transform": [{"calculate": "datum.b * 2", "as": "c"}, {"filter": {"and": [{"field": "a", "oneOf": ["A", "it's"]}, "datum.c > top"]}},
                {"lookup": "a", "from": {"data": {"values": [{"a": 1}]}, "key": "a", "fields": ["b"]}}]
        }),
    );
    unchanged(
        VEGA,
        json!({
            "$schema": "https://vega.github.io/schema/vega/v5.json",
            "signals": [
                {"name": "cursor", "value": "default", "on": [{"events": "symbol:mousedown", "update": "'grabbing'"}, {"events": "window:mouseup", "update": "down ? 'default' : 'grab'"}]},
                {"name": "down", "value": null, "on": [{"events": [{"source": "window", "type": "mouseup"}, {"type": "touchend"}], "update": "null"}, {"events": {"signal": "delta"}, "update": "{x: x(), y: y()}"}]},
                {"name": "delta", "value": [0, 0], "on": [{"events": "[mousedown, window:mouseup] > window:mousemove!", "update": "down ? [down[0] - x(), y() - down[1]] : [0, 0]"}]},
                {"name": "column", "value": "a", "bind": {"input": "select", "options": ["a", "b"]}}
            ],
            "data": [
                {"name": "table", "values": "a,b\n1,2\n", "format": {"type": "csv", "parse": {"a": "number", "b": "date:'%Y'"}}, "transform": [{"type": "formula", "expr": "datum.a + ' (' + datum.b + ')'", "as": "label"}, {"type": "extent", "field": "a", "signal": "reach"}]},
                {"name": "sums", "source": "table", "transform": [{"type": "aggregate", "groupby": ["a"], "ops": ["sum"], "fields": ["b"], "as": ["s"]}]}
            ],
            "scales": [{"name": "x", "domain": {"data": "table", "field": {"signal": "column"}}, "range": "width"}, {"name": "y", "domain": {"signal": "reach"}, "range": [{"signal": "height"}, 0]}, {"name": "c", "type": "ordinal", "range": {"scheme": "category10"}}],
            "projections": [{"name": "map", "type": "mercator", "scale": {"signal": "width / 2"}, "fit": {"type": "Polygon", "coordinates": []}}],
            "axes": [{"orient": "bottom", "scale": "x", "encode": {"labels": {"name": "names", "interactive": true, "update": {"text": {"signal": "datum.label + '!'"}}}}}],
            "marks": [
                {"type": "rect", "name": "bars", "from": {"data": "table"}, "encode": {"enter": {"x": {"scale": "x", "field": "a", "offset": {"signal": "width"}}, "fill": {"scale": "c", "field": "b"}, "cursor": {"value": "pointer"}, "tooltip": {"signal": "datum"}}, "hover": {"fill": [{"test": "datum.a > 3", "value": "red"}, {"value": "blue"}]}}},
                {"type": "text", "from": {"data": "bars"}, "encode": {"update": {"x": {"field": "x"}, "y": {"field": "bounds.y1"}, "text": {"field": "datum.label"}, "fill": {"signal": "datum.datum.a > 3 ? 'black' : 'white'"}}}},
                {"type": "group", "from": {"facet": {"name": "part", "data": "table", "groupby": "a"}}, "marks": [{"type": "shape", "from": {"data": "part"}, "transform": [{"type": "geoshape", "projection": "map"}], "encode": {"update": {"width": {"field": {"group": "width"}}, "stroke": {"scale": "c", "field": {"parent": "a"}}}}}]}
            ]
        }),
    );
}

#[test]
fn a_chart_is_an_object() {
    for chart in [json!("http://evil/chart.json"), json!(["http://evil"]), json!(1), json!(null), json!(true)] {
        let (left, removed) = after(LITE, chart, true);
        assert!(left.is_none() && removed.count(Kind::Malformed) == 1);
    }
}

#[test]
fn nothing_is_fetched_and_the_viewer_is_not_set_up() {
    for chart in [
        json!({"data": {"url": "http://evil/x.csv"}, "mark": "bar"}),
        json!({"data": [{"name": "a", "url": "http://evil"}, {"name": "b", "url": {"signal": "'http://evil'"}}]}),
        json!({"mark": {"type": "image", "url": "http://evil"}}),
        json!({"mark": "image", "encoding": {"url": {"field": "evil"}, "href": {"field": "evil"}}}),
        json!({"mark": "image", "encoding": {"url": {"condition": {"test": "true", "value": "http://evil"}}}}),
        json!({"marks": [{"type": "image", "encode": {"update": {"url": {"value": "http://evil"}}}}]}),
        json!({"marks": [{"type": "image", "encode": {"update": {"url": [{"value": "http://evil"}]}}}]}),
        json!({"marks": [{"encode": {"update": {"href": {"value": "javascript:evil()"}}}}]}),
        json!({"mark": "bar", "transform": [{"lookup": "a", "from": {"data": {"url": "http://evil"}}}]}),
        json!({"mark": "bar", "usermeta": {"embedOptions": {"loader": {"baseURL": "http://evil"}, "sourceHeader": "<script>evil"}}}),
        json!({"mark": "bar", "spec": {"usermeta": {"embedOptions": {"patch": "http://evil"}, "evil": 1}}}),
        json!({"mark": {"type": "bar", "fill": "URL(http://evil#x)"}}),
        json!({"mark": "bar", "datasets": {"x": [{"c": "url(http://evil)"}]}}),
        json!({"mark": "bar", "datasets": {"x": [{"url(http://evil)": 1}]}}),
        json!({"signals": [{"name": "a", "bind": {"input": "text", "element": "#evil"}}]}),
        json!({"signals": [{"name": "a", "bind": {"element": "#evil"}}]}),
        json!({"mark": "bar", "config": {"image": {"url": "http://evil"}}}),
        json!({"mark": "bar", "config": "http://evil"}),
        json!({"mark": "bar", "patch": "http://evil", "embedOptions": {"evil": 1}, "loader": {"evil": 1}}),
        json!({"marks": [], "data": [{"name": "d", "transform": [{"type": "load", "evil": 1}]}]}),
        json!({"marks": [], "$schema": "https://evil.example/schema/vega/v5.json"}),
        json!({"marks": [], "config": {"events": {"globalCursor": "evil", "selector": "evil"}}}),
    ] {
        let left = checked(chart.clone());
        assert!(is_clean(left.clone()), "{chart} became {left:?}");
    }
}

#[test]
fn a_chart_with_code_does_not_pass() {
    for chart in [
        json!({"signals": [{"name": "a", "update": "event.view.eval('evil')"}]}),
        json!({"signals": [{"name": "a", "on": [{"events": "click", "update": "event.dataflow._handler.on"}]}]}),
        json!({"signals": {"name": "a", "on": [{"events": "click", "update": "event.view.eval"}]}}),
        json!({"signals": [{"name": "a", "on": [{"events": "click[event.view.eval('evil')]", "update": "1"}]}]}),
        json!({"signals": [{"name": "a", "on": [{"events": "body:click", "update": "1"}]}]}),
        json!({"signals": [{"name": "a", "on": [{"events": {"source": ".jp-Cell", "type": "click"}, "update": "1"}]}]}),
        json!({"signals": [{"name": "a", "on": [{"events": {"source": "window", "type": "keydown"}, "update": "1"}]}]}),
        json!({"signals": [{"name": "a", "on": [{"events": {"merge": [{"type": "click", "filter": ["event.view.evil"]}]}, "update": "1"}]}]}),
        json!({"signals": [{"name": "a", "on": [{"events": {"between": [{"type": "x"}, {"type": "y", "filter": "event.view.evil"}], "type": "z"}, "update": "1"}]}]}),
        json!({"signals": [{"name": "a", "on": [{"events": {"signal": "event.view.eval"}, "update": {"expr": "1"}}]}]}),
        json!({"signals": [{"name": "a", "on": [{"events": "click", "update": {"expr": "event.view.eval"}}]}]}),
        json!({"signals": [{"name": "a", "init": "group().context"}]}),
        json!({"signals": [{"name": "event"}]}),
        json!({"data": [{"name": "d", "on": [{"trigger": "event.view.evil", "insert": "1"}]}], "marks": []}),
        json!({"data": [{"name": "d", "on": [{"trigger": "true", "insert": "1", "values": "event.view.evil"}]}], "marks": []}),
        json!({"data": [{"name": "d", "on": [{"trigger": "true", "modify": "1),event.view.evil(1"}]}], "marks": []}),
        json!({"data": [{"name": "d", "transform": [{"type": "formula", "expr": "datum.constructor.constructor('evil')()", "as": "x"}]}], "marks": []}),
        json!({"data": [{"name": "d", "transform": [{"type": "project", "fields": ["constructor.constructor"], "as": ["x"]}]}], "marks": []}),
        json!({"data": [{"name": "d", "transform": [{"type": "project", "fields": [{"signal": "'construc' + 'tor'"}], "as": ["x"]}]}], "marks": []}),
        json!({"data": [{"name": "d", "transform": [{"type": "formula", "expr": "1", "as": {"signal": "'evil'"}}]}], "marks": []}),
        json!({"data": [{"name": "d", "transform": [{"type": "formula", "expr": "1", "as": "__proto__"}]}], "marks": []}),
        json!({"data": [{"name": "d", "transform": [{"type": "bin", "field": {"expr": "event.view.evil"}}]}], "marks": []}),
        json!({"data": [{"name": "d", "values": {"signal": "event.view.evil"}}], "marks": []}),
        json!({"data": [{"name": "d", "format": {"parse": {"a": "date:'');evil('"}}}], "marks": []}),
        json!({"marks": [{"name": "m"}, {"from": {"data": "m"}, "encode": {"update": {"x": {"signal": "datum.mark.group.context"}}}}]}),
        json!({"marks": [{"name": "m"}, {"from": {"data": "m"}, "encode": {"update": {"x": {"field": "mark.group.context"}}}}]}),
        json!({"marks": {"name": "m", "from": {"data": "m"}, "encode": {"update": {"x": {"field": "context"}}}}}),
        json!({"marks": [{"name": "m"}], "data": [{"name": "d", "source": "m"}]}),
        json!({"marks": [{"name": "m"}], "data": [{"name": "m"}, {"name": "d", "source": "m"}]}),
        json!({"marks": [{"from": {"data": "root"}, "encode": {"update": {"x": {"signal": "datum.context"}}}}]}),
        json!({"axes": [{"encode": {"labels": {"name": "m"}}}], "marks": [{"from": {"data": "m"}, "encode": {"update": {"x": {"signal": "datum.a"}}}}]}),
        json!({"marks": [{"encode": {"update": {"x": {"field": {"group": "context"}}}}}]}),
        json!({"marks": [{"encode": {"update": {"x": {"field": {"signal": "'construc' + 'tor'"}}}}}]}),
        json!({"marks": [{"encode": {"update": {"x": {"field": {"datum": {"parent": "a"}}}}}}]}),
        json!({"marks": [{"encode": {"update": {"x": [{"test": "event.view.evil", "value": 1}]}}}]}),
        json!({"marks": [{"encode": {"update": {"x": {"scale": {"signal": "event.view.evil"}, "value": 1}}}}]}),
        json!({"marks": [{"encode": {"update": {"x": {"value": {"signal": "event.view.evil"}}}}}]}),
        json!({"marks": [{"clip": {"path": {"signal": "event.view.evil"}}}]}),
        json!({"scales": [{"name": "x", "domain": [0, {"signal": "event.view.evil"}]}]}),
        json!({"axes": [{"scale": "x", "values": [{"signal": "event.view.evil"}]}]}),
        json!({"axes": [{"scale": "x", "values": {"signal": "event.view.evil"}}]}),
        json!({"marks": [], "layout": {"columns": {"signal": "event.view.evil"}}}),
        json!({"marks": [], "width": {"signal": "event.view.evil"}}),
        json!({"marks": [], "config": {"signals": [{"name": "x", "update": "event.view.evil"}]}}),
        json!({"marks": [], "title": {"text": {"signal": "event.view.evil"}}}),
        json!({"mark": {"type": "bar", "width": {"expr": "event.view.evil"}}}),
        json!({"mark": "bar", "transform": [{"calculate": "event.view.evil", "as": "x"}]}),
        json!({"mark": "bar", "transform": [{"filter": {"not": {"or": ["event.view.evil"]}}}]}),
        json!({"mark": "bar", "transform": [{"filter": {"field": "a", "equal": {"expr": "event.view.evil"}}}]}),
        json!({"mark": "bar", "transform": [{"aggregate": [{"op": "max", "field": "a"}], "groupby": [{"signal": "'construc' + 'tor'"}]}]}),
        json!({"mark": "bar", "transform": [{"impute": "a === null ? evil : datum.b", "key": "x", "method": "mean"}]}),
        json!({"mark": "bar", "encoding": {"x": {"field": "a'] + event.view['evil", "sort": ["a"]}}}),
        json!({"mark": "bar", "encoding": {"x": {"field": "a\"] + event.view[\"evil"}}}),
        json!({"mark": "bar", "encoding": {"x": {"axis": {"labelExpr": "event.view.evil"}}}}),
        json!({"mark": "bar", "encoding": {"x": {"condition": {"test": "event.view.evil", "value": 1}}}}),
        json!({"mark": "geoshape", "encoding": {"longitude": {"datum": "event.view.evil"}}}),
        json!({"mark": "geoshape", "encoding": {"latitude2": {"value": ["event.view.evil"]}}}),
        json!({"mark": "bar", "params": [{"name": "p", "expr": "event.view.evil"}]}),
        json!({"mark": "bar", "params": [{"name": "unit"}, {"name": "x", "expr": "unit.context"}]}),
        json!({"mark": "bar", "params": [{"name": "p", "select": {"type": "point", "toggle": "event.view.evil"}}]}),
        json!({"mark": "bar", "params": [{"name": "p", "select": {"type": "interval", "translate": "[mousedown[event.view.evil], mouseup] > mousemove"}}]}),
        json!({"mark": "bar", "params": [{"name": "p", "select": {"type": "point", "on": {"type": "click", "filter": "event.view.evil"}}}]}),
        json!({"mark": "bar", "params": [{"name": "p", "select": "point", "value": [{"a": {"expr": "event.view.evil"}}]}]}),
        json!({"mark": "bar", "params": [{"name": "p", "select": "point", "bind": {"legend": "click[event.view.evil]"}}]}),
        json!({"layer": [{"mark": "bar"}, {"data": {"name": "layer_0_marks", "values": []}, "mark": "bar"}]}),
    ] {
        assert_eq!(checked(chart.clone()), None, "{chart}");
    }
}

#[test]
fn a_list_is_not_taken_for_what_is_in_it() {
    for chart in [
        json!({"marks": [{"name": ["m"]}, {"from": {"data": ["m"]}, "encode": {"update": {"x": {"signal": "datum.a"}}}}]}),
        json!({"marks": [{"name": "m"}, {"from": {"data": ["m"]}, "encode": {"update": {"x": {"signal": "datum.a"}}}}]}),
        json!({"data": [{"name": "m"}], "marks": [{"name": ["m"]}]}),
        json!({"data": [{"name": ["m"]}], "marks": []}),
        json!({"data": [{"name": "d", "transform": [{"type": "lookup", "from": ["m"]}]}], "marks": [{"name": "m"}]}),
        json!({"signals": [{"name": ["s"]}]}),
        json!({"signals": [{"name": "s", "update": ["event.view.evil"]}]}),
        json!({"signals": [{"name": "s", "on": [{"events": {"source": ["body"], "type": "click"}, "update": "1"}]}]}),
        json!({"signals": [{"name": "s", "on": [{"events": {"source": "window", "type": ["keydown"]}, "update": "1"}]}]}),
        json!({"marks": [{"encode": {"update": {"x": {"signal": ["scale('x', 1", "2)"]}}}}]}),
        json!({"mark": "bar", "transform": [{"filter": {"field": "a", "equal": {"expr": ["event.view.evil"]}}}]}),
        json!({"mark": "bar", "params": [{"name": "p", "value": {"expr": ["event.view.evil"]}}]}),
        json!({"mark": "bar", "encoding": {"x": {"field": "a", "format": ["evil"]}}}),
        json!({"marks": [{"encode": {"update": {"tooltip": {"value": {"a": 1}, "signal": "event.view.evil"}}}}]}),
    ] {
        assert_eq!(checked(chart.clone()), None, "{chart}");
    }
    let left = checked(
        json!({"marks": [{"encode": {"update": {"mark": {"value": {"evil": 1}}, "datum": {"value": "evil"}, "bounds": {"value": "evil"}}}}]}),
    );
    assert!(is_clean(left));
}

#[test]
fn a_transform_of_marks_sets_where_they_are() {
    let chart = |name: &str| {
        json!({"data": [{"name": "d", "values": [{"u": "http://evil"}]}], "marks": [{"type": "image", "from": {"data": "d"},
        "transform": [{"type": "wordcloud", "text": {"field": "datum.u"}, "font": {"field": "datum.u"}, "as": ["x", "y", name, "fontSize", "fontStyle", "fontWeight", "angle"]}]}]})
    };
    unchanged(VEGA, chart("font"));
    for bad in ["url", "href", "cursor", "fill", "tooltip", "mark", "context"] {
        assert_eq!(checked(chart(bad)), None, "{bad}");
    }
}

#[test]
fn what_is_put_in_place_of_a_label_stays_one() {
    for header in [
        json!({"format": "' + evil + '", "labelExpr": "'datum.label'"}),
        json!({"format": ".2f", "labelExpr": "/datum.label/"}),
        json!({"format": "$'", "labelExpr": "datum.label + '+ evil +'"}),
        json!({"format": "datum.value", "labelExpr": "datum.label"}),
    ] {
        let left = checked(json!({"mark": "bar", "encoding": {"row": {"field": "a", "header": header}}}));
        assert!(left.is_none_or(|left| left.pointer("/encoding/row/header/format").is_none()));
    }
    assert_eq!(checked(json!({"mark": "bar", "encoding": {"row": {"field": "datum.value + evil"}}})), None);
    assert_eq!(checked(json!({"mark": "bar", "encoding": {"row": {"field": "a$'"}}})), None);
    unchanged(
        LITE,
        json!({"mark": "bar", "encoding": {"row": {"field": "a", "header": {"format": "$,.2f", "labelExpr": "'row ' + datum.label"}}}}),
    );
}

#[test]
fn what_vega_lite_writes_into_expressions_is_what_it_says() {
    for chart in [
        json!({"mark": "bar", "encoding": {"x": {"field": "a", "format": ".2f\") + event.view.evil + (\""}}}),
        json!({"mark": "bar", "encoding": {"x": {"field": "a", "formatType": "evil"}}}),
        json!({"mark": "bar", "encoding": {"x": {"field": "evil", "axis": {"formatType": "utc", "format": "' + evil + '", "labelExpr": "'datum.label'"}}}}),
        json!({"mark": "bar", "config": {"customFormatTypes": true, "numberFormatType": "evil"}}),
        json!({"mark": "bar", "encoding": {"tooltip": [{"field": "a", "title": "x\": evil, \"y"}]}}),
        json!({"mark": "bar", "encoding": {"x": {"field": "a", "axis": {"title": ["x\": evil, \"y"]}}}}),
        json!({"mark": "bar", "config": {"countTitle": "x\": evil, \"y"}}),
        json!({"mark": "bar", "encoding": {"x": {"field": "a", "timeUnit": "year", "format": "%Y') + evil + ('"}}}),
        json!({"mark": "bar", "encoding": {"tooltip": [{"field": "a", "title": "\\"}, {"field": "b", "title": "+ evil + \\"}]}}),
        json!({"mark": "bar", "encoding": {"tooltip": [{"field": "a", "title": ["x", "\\\" + evil"]}]}}),
        json!({"mark": "bar", "encoding": {"x": {"field": "a", "bandPosition": "evil"}}}),
        json!({"mark": {"type": "boxplot", "extent": "1.5 * evil(1)"}}),
        json!({"mark": "bar", "transform": [{"filter": {"field": "a", "equal": {"year": "evil(1)"}}}]}),
        json!({"mark": "bar", "transform": [{"filter": {"field": "a", "equal": {"year": ["evil(1)"]}}}]}),
        json!({"mark": "bar", "params": [{"name": "p", "select": "interval", "value": {"x": [{"year": "evil(1)"}, {"year": ["evil(1)"]}]}}]}),
        json!({"mark": "bar", "transform": [{"impute": "a", "key": "b", "keyvals": {"start": "evil", "stop": ["evil"]}}]}),
        json!({"mark": "bar", "encoding": {"x": {"field": "a", "timeUnit": "year(evil)"}}}),
        json!({"mark": "bar", "data": {"name": "x') + evil('", "values": []}}),
        json!({"mark": "bar", "datasets": {"x') + evil('": []}}),
        json!({"mark": "bar", "evil": {"x": 1}, "encoding": {"evil": {"field": "a"}}}),
    ] {
        let left = checked(chart.clone());
        assert!(is_clean(left.clone()), "{chart} became {left:?}");
    }
}

#[test]
fn a_control_is_only_one() {
    for chart in [
        json!({"signals": [{"name": "a", "bind": {"input": "image", "src": "evil", "onerror": "evil()"}}]}),
        json!({"signals": [{"name": "a", "bind": {"input": "text", "src": "evil", "onfocus": "evil()", "style": "evil"}}]}),
        json!({"mark": "bar", "params": [{"name": "p", "value": 1, "bind": {"input": "image", "src": "evil"}}]}),
        json!({"mark": "bar", "params": [{"name": "p", "select": "point", "bind": {"a": {"input": "image", "src": "evil"}}}]}),
        json!({"mark": "bar", "params": [{"name": "p", "select": "point", "bind": "evil"}]}),
        json!({"mark": "bar", "params": [{"name": "p", "bind": {"store": "evil", "event": "evil"}}]}),
        json!({"signals": [{"name": "a", "bind": {"input": "select", "options": ["url(http://evil)"]}}]}),
    ] {
        assert!(checked(chart.clone()).is_some_and(|left| !left.to_string().contains("evil")), "{chart}");
    }
}

#[test]
fn no_style_is_made_of_what_is_put_together() {
    for chart in [
        json!({"signals": [{"name": "cursor", "update": "'ur' + 'l(evil), auto'"}]}),
        json!({"signals": [{"name": "cursor", "value": "url(evil), auto"}]}),
        json!({"signals": [{"name": "cursor", "value": "default", "on": [{"events": "click", "update": "datum.evil"}]}]}),
        json!({"signals": [{"name": "cursor", "bind": {"input": "text", "placeholder": "evil"}}]}),
        json!({"mark": "bar", "params": [{"name": "cursor", "expr": "'ur' + 'l(evil)'"}]}),
        json!({"marks": [{"encode": {"update": {"fill": {"signal": "'ur' + 'l(//evil)'"}}}}]}),
        json!({"marks": [{"encode": {"update": {"fill": {"signal": "'url(//evil)'"}}}}]}),
        json!({"marks": [{"encode": {"update": {"x": {"signal": "{'url(//evil)': 1}"}}}}]}),
        json!({"data": [{"name": "d", "transform": [{"type": "formula", "expr": "'ur' + 'l(//evil)'", "as": "c"}]}], "marks": [{"from": {"data": "d"}, "encode": {"update": {"stroke": {"field": "c"}}}}]}),
        json!({"data": [{"name": "d", "transform": [{"type": "formula", "expr": "timeFormat(0, 'u%rl(//evil)')", "as": "c"}]}], "scales": [{"name": "s", "type": "identity"}], "marks": [{"from": {"data": "d"}, "encode": {"update": {"fill": {"scale": "s", "field": "c"}}}}]}),
        json!({"signals": [{"name": "s", "update": "join(['ur', 'l(//evil)'], '')"}], "scales": [{"name": "s", "type": "ordinal", "range": [{"signal": "s"}]}], "marks": [{"encode": {"update": {"fill": {"scale": "s", "value": 1}}}}]}),
        json!({"signals": [{"name": "background", "update": "'ur' + 'l(//evil)'"}]}),
        json!({"mark": "bar", "transform": [{"calculate": "'ur' + 'l(//evil)'", "as": "c"}], "encoding": {"color": {"field": "c", "scale": null}}}),
        json!({"mark": "bar", "background": {"expr": "'ur' + 'l(//evil)'"}}),
        json!({"marks": [{"encode": {"update": {"fill": {"signal": "['ur' + 'l(//evil)'][0]"}}}}]}),
        json!({"data": [{"name": "d", "values": {"signal": "[{c: 'ur' + 'l(//evil)'}]"}}], "marks": [{"from": {"data": "d"}, "encode": {"update": {"fill": {"field": "c"}}}}]}),
        json!({"marks": [{"type": "text", "encode": {"enter": {"text": {"signal": "'ur' + 'l(//evil)'"}}, "update": {"fill": {"signal": "item.text"}}}}]}),
        json!({"signals": [{"name": "s", "on": [{"events": "click", "update": {"signal": "'ur' + 'l(//evil)'"}}]}], "marks": [{"encode": {"update": {"fill": {"signal": "s"}}}}]}),
        json!({"mark": {"type": "bar", "color": {"expr": "replace('uxl(//evil)', 'x', 'r')"}}}),
    ] {
        assert_eq!(checked(chart.clone()), None, "{chart}");
    }
    for chart in [
        json!({"marks": [{"encode": {"update": {"cursor": {"signal": "'ur' + 'l(evil)'"}}}}]}),
        json!({"marks": [{"encode": {"update": {"cursor": {"field": "evil"}}}}]}),
        json!({"mark": {"type": "bar", "cursor": "url(evil), auto"}}),
        json!({"mark": {"type": "bar", "cursor": {"expr": "evil"}}}),
        json!({"mark": {"type": "bar", "blend": "normal; background: evil"}}),
        json!({"mark": {"type": "bar", "fill": "u\\72 l(//evil)"}}),
        json!({"mark": {"type": "bar", "font": "x; src: evil(1)"}}),
        json!({"mark": "bar", "datasets": {"x": [{"c": "\\75 rl(//evil)"}]}}),
    ] {
        assert!(checked(chart.clone()).is_some_and(|left| !left.to_string().contains("evil")), "{chart}");
    }
    // A label may be put together, and colours may come from data, of which nothing is put together.
    unchanged(
        LITE,
        json!({"mark": {"type": "text", "text": {"expr": "'a' + datum.b"}}, "transform": [{"calculate": "datum.a + ' ' + datum.b", "as": "label"}], "encoding": {"color": {"field": "label"}, "text": {"field": "label"}}}),
    );
    unchanged(
        LITE,
        json!({"mark": "bar", "encoding": {"color": {"field": "c", "scale": null}, "cursor": {"condition": {"test": "datum.a > 1", "value": "pointer"}, "value": "default"}}}),
    );
}

#[test]
fn a_name_that_is_in_the_data_is_looked_for_in_the_data() {
    let chart = |name: &str, more: Value| json!({"mark": "bar", "data": {"values": [{"a": name, "b": more}]}, "transform": [{"calculate": "{x: 1}[datum.a]", "as": "c"}]});
    unchanged(LITE, chart("x", json!(1)));
    for bad in ["constructor", "xCONSTRUCTORx", "__proto__"] {
        assert_eq!(checked(chart(bad, json!(1))), None);
        assert_eq!(checked(chart("x", json!([{ bad: 1 }]))), None);
    }
    let mut built = chart("x", json!(1));
    built["transform"] =
        json!([{"calculate": "'con' + 'structor'", "as": "a"}, {"calculate": "{x: 1}[datum.a]", "as": "c"}]);
    assert_eq!(checked(built), None);
    let mut elsewhere = chart("x", json!(1));
    elsewhere["data"] = json!({"url": "https://example.org/x.json"});
    assert_eq!(after(LITE, elsewhere, true).0, None);
}

#[test]
fn a_name_that_leads_on_is_not_made_on_the_way() {
    let formula = |expression: &str| json!({"data": [{"name": "d", "values": [{"a": 1, "k": "con\u{17f}tructor"}], "transform": [{"type": "formula", "as": "f", "expr": expression}]}]});
    for chart in [
        // Spelled in escapes, and cut out of a longer text.
        formula("datum.a[slice('xcon\\u0073tructor', 1)]"),
        formula("datum.a[{x: 'con\\x73tructor2'}['x']]"),
        // Letters that change into others with their case.
        formula("datum.a[lower(upper(datum.k))]"),
        formula("datum.a[lower(upper('con\u{fb05}ructor'))]"),
        // Put together, and taken out of what it was put into.
        formula("datum.a[['con' + 'structor'][0]]"),
        formula("datum.a[{x: join(['con', 'structor'], '')}.x]"),
        formula("datum.a[pluck([{x: 'con' + 'structor'}], 'x')[0]]"),
        // Put together where no expression of its own says that it becomes data.
        json!({"signals": [{"name": "s", "value": "a", "on": [{"events": "click", "update": {"signal": "'con' + 'structor'"}}]}, {"name": "t", "update": "{a: 1}[s]"}]}),
        json!({"data": [{"name": "d", "values": {"signal": "[{k: 'con' + 'structor'}]"}, "transform": [{"type": "formula", "as": "f", "expr": "{a: 1}[datum.k]"}]}]}),
        json!({"data": [{"name": "d", "values": [{"a": 1}], "transform": [{"type": "impute", "field": "a", "key": "a", "method": "value", "value": {"signal": "'con' + 'structor'"}}, {"type": "formula", "as": "f", "expr": "{a: 1}[datum.a]"}]}]}),
        json!({"marks": [{"type": "text", "encode": {"enter": {"text": {"signal": "'con' + 'structor'"}}, "update": {"x": {"signal": "{a: 1}[item.text]"}}}}]}),
        json!({"scales": [{"name": "s", "type": "ordinal", "domain": [1], "range": [{"signal": "'con' + 'structor'"}]}], "signals": [{"name": "t", "update": "{a: 1}[scale('s', 1)]"}]}),
        json!({"mark": "bar", "encoding": {"x": {"datum": {"expr": "'con' + 'structor'"}, "axis": {"labelExpr": "{a: 1}[datum.value]"}}}}),
    ] {
        assert_eq!(checked(chart.clone()), None, "{chart}");
    }
    // What is looked for and found in plain sight stays.
    let plain = json!({"data": [{"name": "d", "values": [{"k": "ab"}], "transform": [{"type": "formula", "as": "f", "expr": "{a: 1, b: 2}[lower(slice(datum.k, 1))]"}]}]});
    assert_eq!(
        checked(
            json!({"data": [{"values": [{"a": "constructor"}], "transform": [{"type": "formula", "as": "f", "expr": "{a: 1}[datum.a]"}]}]})
        ),
        None
    );
    assert!(after(VEGA, plain, false).0.is_some());
}

#[test]
fn rows_are_nothing_that_the_page_uses() {
    let data = |more: Value| {
        let mut data = json!({"name": "d", "transform": [{"type": "formula", "as": "call", "expr": "1"}]});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    for chart in [
        json!({"data": [data(json!({"values": {"signal": "[[1].slice]"}}))]}),
        json!({"data": [data(json!({"values": {"signal": "pluck([[1]], 'slice')"}}))]}),
        json!({"data": [data(json!({"values": {"signal": "[regexp('a')['exec'], rgb('red').brighter]"}}))]}),
        json!({"signals": [{"name": "s", "value": "slice", "bind": {"input": "select", "options": ["slice", "map"]}}], "data": [data(json!({"values": {"signal": "[[1][s]]"}}))]}),
        json!({"signals": [{"name": "s", "value": "slice", "bind": {"input": "text"}}], "data": [data(json!({"values": {"signal": "[[1][s]]"}}))]}),
        json!({"signals": [{"name": "s", "value": 1}], "data": [data(json!({"on": [{"trigger": "s", "insert": "[1].slice"}]}))]}),
        json!({"signals": [{"name": "s", "value": 1}], "data": [data(json!({"on": [{"trigger": "s", "modify": "'a'.replace", "values": "{call: 1}"}]}))]}),
        json!({"data": [{"name": "d", "values": [{"a": [1]}], "transform": [{"type": "project", "fields": ["a.slice"], "as": ["f"]}]}], "marks": [{"type": "group", "from": {"facet": {"name": "e", "data": "d", "field": "f"}}}]}),
    ] {
        assert_eq!(checked(chart.clone()), None, "{chart}");
    }
    unchanged(
        VEGA,
        json!({"signals": [{"name": "clear", "value": true, "on": [{"events": "click", "update": "datum.values.length"}]}], "marks": []}),
    );
    unchanged(
        VEGA,
        json!({"signals": [{"name": "s", "value": 1, "on": [{"events": "click", "update": "{value: datum.value}"}]}], "data": [{"name": "d", "on": [{"trigger": "s", "toggle": "s"}]}]}),
    );
}

#[test]
fn a_tooltip_shows_no_picture() {
    for chart in [
        json!({"mark": "bar", "encoding": {"tooltip": [{"field": "image"}]}, "data": {"values": [{"image": "http://evil"}]}}),
        json!({"mark": "bar", "encoding": {"tooltip": [{"field": "a", "title": "image"}]}}),
        json!({"marks": [{"encode": {"update": {"tooltip": {"signal": "{image: 'http://evil?' + datum.x}"}}}}]}),
        json!({"marks": [{"encode": {"update": {"tooltip": {"signal": "{'image': 'http://evil'}"}}}}]}),
        json!({"mark": "bar", "transform": [{"calculate": "1", "as": "image"}]}),
        json!({"marks": [{"encode": {"update": {"tooltip": {"value": {"image": "http://evil"}}}}}]}),
        json!({"signals": [{"name": "s", "value": {"image": "http://evil"}}]}),
        json!({"mark": "bar", "data": {"values": "image,b\nhttp://evil,1\n", "format": {"type": "csv"}}}),
        json!({"marks": [{"encode": {"update": {"image": {"value": "http://evil"}}}}]}),
    ] {
        for remote in [false, true] {
            let (left, _) = after(VEGA, chart.clone(), remote);
            let left = left.unwrap_or_default().to_string();
            assert!(!left.contains("\"image") && !left.contains("image:"), "{left}");
        }
    }
    for chart in [
        json!({"marks": [{"encode": {"update": {"tooltip": {"signal": "{'\\u0069mage': 'http://evil'}"}}}}]}),
        json!({"mark": "bar", "data": {"values": "[{\"im\\u0061ge\": \"http://evil\"}]", "format": {"type": "json"}}}),
        json!({"marks": [{"encode": {"update": {"tooltip": [{"test": "evil", "signal": " datum "}]}}}]}),
        json!({"transform": [{"pivot": "k"}], "mark": {"type": "bar", "tooltip": {"expr": "{a: evil}.a"}}}),
        json!({"data": [{"name": "d", "transform": [{"type": "pivot"}]}], "marks": [{"encode": {"update": {"tooltip": {"signal": "(datum || evil)"}}}}]}),
        json!({"transform": [{"pivot": "k"}], "mark": {"type": "bar", "tooltip": {"expr": "evil"}}}),
    ] {
        assert!(is_clean(checked(chart.clone())), "{chart}");
    }
    unchanged(
        VEGA,
        json!({"data": [{"name": "d", "transform": [{"type": "pivot", "field": "a", "value": "b"}]}], "marks": [{"encode": {"update": {"tooltip": {"signal": "{\"a}\": datum[\"a}\"], 'b': {c: 1}}"}}}}]}),
    );
    let (left, _) = after(
        LITE,
        json!({"transform": [{"pivot": "a", "value": "b"}], "mark": {"type": "bar", "tooltip": {"content": "data"}}}),
        false,
    );
    assert_eq!(left.unwrap()["mark"]["tooltip"]["content"], "encoding");
    unchanged(
        LITE,
        json!({"mark": "bar", "title": {"text": "A \"title\"", "subtitle": ["\"x\""]}, "layer": [{"title": "\"y\""}]}),
    );
    unchanged(LITE, json!({"mark": {"type": "image", "url": "data:image/png;base64,iVBO"}, "title": "An image of it"}));
}

#[test]
fn with_the_policys_leave_it_loads_and_still_runs_nothing() {
    let chart = json!({"data": {"url": "https://x.org/y.csv"}, "mark": {"type": "image", "url": "https://x.org/z.png"}, "encoding": {"url": {"field": "picture"}}});
    let (left, removed) = after(LITE, chart.clone(), true);
    assert!(left == Some(chart) && removed.is_empty());
    for chart in [
        json!({"mark": {"type": "image", "url": "javascript:evil()"}}),
        json!({"mark": "bar", "params": [{"name": "p", "bind": {"input": "image", "src": "https://evil"}}]}),
    ] {
        assert!(is_clean(after(LITE, chart, true).0));
    }
    assert_eq!(
        after(LITE, json!({"mark": "bar", "transform": [{"calculate": "event.view.eval('x')", "as": "x"}]}), true).0,
        None
    );
}

#[test]
fn what_is_left_is_left_again() {
    let chart = json!({"mark": {"type": "bar", "evil": 1, "cursor": "x"}, "encoding": {"url": {"field": "x"}, "tooltip": {"field": "image"}}, "usermeta": {"x": 1}});
    let (left, _) = after(LITE, chart, false);
    unchanged(LITE, left.unwrap());
}

#[test]
fn a_large_chart_is_read_once() {
    // Work is counted by what is left to write of it, not by a clock: a table ten times as long gives ten times the rows.
    let chart = |count: usize| json!({"mark": "bar", "data": {"values": vec![json!({"a": "url(x)", "b": [1, {"c": 2}]}); count]}});
    for count in [1_000, 10_000] {
        let (left, removed) = after(LITE, chart(count), false);
        assert!(left.is_some() && removed.count(Kind::Remote) as usize == count);
    }
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!({"spec": deep});
    }
    let (left, removed) = after(LITE, deep, false);
    assert!(left.is_none() && removed.count(Kind::TooLarge) == 1);
}

#[test]
fn the_viewer_is_told_little_in_metadata() {
    let mut told = json!({"embed_options": {"actions": false, "loader": {"baseURL": "http://evil"}, "sourceHeader": "<script>"}, "x": 1});
    let mut removed = Removals::new();
    settings(told.as_object_mut().unwrap(), &mut removed);
    assert_eq!(told, json!({"embed_options": {"actions": false}}));
    assert_eq!(removed.count(Kind::PlotCode), 3);
}
