//! Plotly figures: data that a front-end's own plotly.js draws. What would make it fetch something, or lead to
//! other servers than the figure says, goes: pictures, map tiles and styles, GeoJSON by URL, server addresses.

use serde_json::{Map, Value};

use super::html;
use super::removals::{Kind, Removals};
use super::url::{Place, Verdict, judge};

/// The deepest nesting of a figure.
const MAX_DEPTH: usize = 100;

/// The last parts of the names of what plotly.js loads from, as in `layout.images[0].source`.
const LOADED: [&str; 12] = [
    "source",
    "geojson",
    "url",
    "src",
    "href",
    "sourceattribution",
    "accesstoken",
    "topojsonurl",
    "plotlyserverurl",
    "mapboxaccesstoken",
    "baseurl",
    "linktext",
];

/// The map style that has no tiles.
const BLANK_MAP: &str = "white-bg";

/// The kinds of traces that are drawn on outlines of countries, which plotly.js fetches from its makers.
const OUTLINED: [&str; 2] = ["scattergeo", "choropleth"];

/// The kinds of traces that are drawn on tiles.
const MAPS: [&str; 6] =
    ["scattermap", "scattermapbox", "densitymap", "densitymapbox", "choroplethmap", "choroplethmapbox"];

/// What may stay of a figure; nothing if it is nested too deep, or cannot be drawn without fetching.
pub fn sanitize(figure: &mut Value, remote: bool, removed: &mut Removals) -> bool {
    if !remote && has_any(figure, &OUTLINED) {
        removed.add(Kind::Remote);
        return false;
    }
    let has_maps = has_any(figure, &MAPS);
    let fine = Walk { remote, removed, has_maps }.value(figure, "", 0);
    if !remote
        && has_maps
        && let Some(layout) = figure.get_mut("layout").and_then(Value::as_object_mut)
    {
        default_maps(layout);
    }
    fine
}

/// Whether something is, or a button can make it, one of these kinds. Templates have settings for all that there are.
fn has_any(value: &Value, kinds: &[&str]) -> bool {
    match value {
        Value::String(kind) => kinds.contains(&kind.as_str()),
        Value::Array(list) => list.iter().any(|value| has_any(value, kinds)),
        Value::Object(object) => object.iter().any(|(key, value)| key != "template" && has_any(value, kinds)),
        _ => false,
    }
}

/// A map without a style shows the tiles of some server.
fn default_maps(layout: &mut Map<String, Value>) {
    for name in ["mapbox", "map"] {
        if !layout.contains_key(name) {
            layout.insert(name.to_string(), serde_json::json!({ "style": BLANK_MAP }));
        }
    }
}

struct Walk<'r> {
    remote: bool,
    removed: &'r mut Removals,
    /// Whether there are maps at all; templates have styles for those that there could be.
    has_maps: bool,
}

impl Walk<'_> {
    fn value(&mut self, value: &mut Value, name: &str, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            self.removed.add(Kind::TooLarge);
            return false;
        }
        match value {
            Value::Object(object) => self.object(object, name, depth),
            Value::Array(list) => {
                if !self.remote
                    && is_loaded(name)
                    && list.iter().any(|item| item.as_str().is_some_and(|text| leads_away(text, name)))
                {
                    list.clear();
                    self.removed.add(Kind::Remote);
                }
                if matches!(name, "args" | "args2") {
                    self.arguments(list);
                }
                list.iter_mut().all(|item| self.value(item, name, depth + 1))
            }
            Value::String(text) => {
                self.text(text);
                true
            }
            _ => true,
        }
    }

    fn object(&mut self, object: &mut Map<String, Value>, name: &str, depth: usize) -> bool {
        if !self.remote {
            self.map_style(object, name);
            let count = object.len();
            object.retain(|key, value| {
                !(is_loaded(key) && value.as_str().is_some_and(|text| leads_away(text, last_part(key))))
            });
            for _ in object.len()..count {
                self.removed.add(Kind::Remote);
            }
        }
        if name == "config" {
            let count = object.len();
            object.retain(|key, value| is_plain_setting(key, value));
            for _ in object.len()..count {
                self.removed.add(Kind::PlotCode);
            }
        }
        object.iter_mut().all(|(key, value)| self.value(value, last_part(key), depth + 1))
    }

    /// `mapbox`, `mapbox2`, `map` of a layout, and `mapbox.style` of a button.
    fn map_style(&mut self, object: &mut Map<String, Value>, name: &str) {
        let is_map = is_map(name);
        for (key, value) in object.iter_mut() {
            let named = key.rsplit_once('.').is_some_and(|(path, last)| last == "style" && is_map_path(path));
            if (named || (is_map && key == "style")) && value.as_str() != Some(BLANK_MAP) {
                let named = value
                    .as_str()
                    .is_some_and(|style| style.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
                if self.has_maps || !named {
                    self.removed.add(Kind::Remote);
                }
                *value = Value::from(BLANK_MAP);
            }
        }
        if is_map && self.has_maps && !object.contains_key("style") {
            object.insert("style".to_string(), Value::from(BLANK_MAP));
        }
    }

    /// What a button gives to plotly: names of parts and their new values, one after another.
    fn arguments(&mut self, list: &mut [Value]) {
        if self.remote {
            return;
        }
        for item in list {
            if let Value::String(text) = item
                && (judge(text, Place::Image) == Verdict::Code
                    || text.contains("//")
                    || text.starts_with("mapbox")
                    || text.starts_with("map."))
            {
                text.clear();
                self.removed.add(Kind::Remote);
            }
        }
    }

    /// Texts may have a little HTML, with links.
    fn text(&mut self, text: &mut String) {
        // Formatting alone, as in hover texts by the hundred thousand, is not worth a parser.
        let lower = if text.contains('<') { text.to_ascii_lowercase() } else { return };
        if !["href", "src", "url", "=", "script"].iter().any(|sign| lower.contains(sign)) {
            return;
        }
        let mut found = Removals::new();
        let clean = html::sanitize(text, self.remote, &mut found);
        if !found.is_empty() {
            *text = clean.unwrap_or_default();
            self.removed.merge(&found);
        }
    }
}

fn is_loaded(key: &str) -> bool {
    LOADED.contains(&last_part(key).to_ascii_lowercase().as_str())
}

/// The last part of a path such as `layout.images[0].source`.
fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

fn is_map(name: &str) -> bool {
    let number = name.strip_prefix("mapbox").or_else(|| name.strip_prefix("map"));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_map_path(path: &str) -> bool {
    is_map(last_part(path))
}

fn leads_away(text: &str, name: &str) -> bool {
    matches!(name.to_ascii_lowercase().as_str(), "sourceattribution" | "accesstoken" | "mapboxaccesstoken" | "linktext")
        || judge(text, Place::Image) != Verdict::Fine
}

/// Settings that switch something on or off, or give a number or a list of words.
fn is_plain_setting(key: &str, value: &Value) -> bool {
    let refused = [
        "plotlyServerURL",
        "topojsonURL",
        "mapboxAccessToken",
        "showLink",
        "sendData",
        "showSendToCloud",
        "showEditInChartStudio",
        "linkText",
    ];
    !refused.contains(&key)
        && match value {
            Value::String(text) => {
                text.len() < 200 && judge(text, Place::Image) != Verdict::Code && !text.contains('/')
            }
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(figure: Value) -> (Value, Removals) {
        let (mut figure, mut removed) = (figure, Removals::new());
        assert!(sanitize(&mut figure, false, &mut removed));
        (figure, removed)
    }

    #[test]
    fn figures_stay_as_they_are() {
        let figure = json!({
            "data": [{"type": "scatter", "x": ["https://a.b", "c"], "y": [1, 2.5], "hovertemplate": "<b>%{x}</b><extra></extra>", "marker": {"color": "red"}},
                     {"type": "heatmap", "z": [[1]]}, {"type": "sankey", "link": {"source": [0, 1], "target": [2, 3]}}],
            "layout": {"title": {"text": "A <a href=\"https://x.org\">link</a>"}, "images": [{"source": "data:image/png;base64,iVBO"}]},
            "config": {"responsive": true, "displaylogo": false, "modeBarButtonsToRemove": ["zoom2d"]}
        });
        let (out, removed) = checked(figure.clone());
        assert_eq!(out, figure);
        assert!(removed.is_empty());
    }

    #[test]
    fn nothing_is_fetched() {
        for figure in [
            json!({"layout": {"images": [{"source": "http://evil/x.png"}]}}),
            json!({"layout": {"template": {"layout": {"images": [{"source": "//evil/x.png"}]}}}}),
            json!({"frames": [{"layout": {"images": [{"source": "http://evil"}]}}]}),
            json!({"data": [{"type": "image", "source": "http://evil/x.png"}]}),
            json!({"data": [{"type": "choroplethmap", "geojson": "http://evil/x.json"}]}),
            json!({"layout": {"mapbox": {"style": "http://evil/style.json", "accesstoken": "evil"}}}),
            json!({"layout": {"map2": {"style": {"sources": {"evil": {"tiles": ["http://evil"]}}}}}}),
            json!({"layout": {"mapbox": {"layers": [{"sourcetype": "raster", "source": ["http://evil/{z}"], "sourceattribution": "<img src=//evil>"}]}}}),
            json!({"config": {"plotlyServerURL": "http://evil", "topojsonURL": "http://evil/", "showLink": true}}),
            json!({"layout": {"updatemenus": [{"buttons": [{"method": "relayout", "args": [{"images[0].source": "http://evil"}]}]}]}}),
            json!({"layout": {"updatemenus": [{"buttons": [{"method": "relayout", "args": ["images[0].source", "http://evil"]}]}]}}),
            json!({"layout": {"title": {"text": "<a href=\"javascript:evil()\">x</a>"}}}),
            json!({"layout": {"title": {"text": "<img src=\"http://evil\">:"}}}),
        ] {
            let (out, removed) = checked(figure.clone());
            assert!(!out.to_string().contains("evil"), "{figure} became {out}");
            assert!(!removed.is_empty());
        }
    }

    #[test]
    fn figures_with_outlines_that_are_fetched_go() {
        for figure in [
            json!({"data": [{"type": "choropleth", "geojson": {"type": "FeatureCollection", "features": []}}]}),
            json!({"layout": {"updatemenus": [{"buttons": [{"method": "restyle", "args": ["type", "scattergeo"]}]}]}}),
        ] {
            let mut removed = Removals::new();
            assert!(!sanitize(&mut figure.clone(), false, &mut removed) && removed.count(Kind::Remote) == 1);
            assert!(sanitize(&mut figure.clone(), true, &mut Removals::new()));
        }
        let template = json!({"data": [{"type": "bar"}], "layout": {"template": {"data": {"choropleth": [{"type": "choropleth"}]}}}});
        assert_eq!(checked(template.clone()).0, template);
    }

    #[test]
    fn maps_show_no_tiles() {
        let (out, _) = checked(
            json!({"data": [{"type": "scattermapbox"}], "layout": {"mapbox": {"style": "open-street-map", "zoom": 3}}}),
        );
        assert_eq!(out["layout"]["mapbox"], json!({"style": "white-bg", "zoom": 3}));
        let (out, _) = checked(json!({"data": [{"type": "scattermap"}], "layout": {}}));
        assert_eq!(out["layout"]["map"]["style"], "white-bg");
        let (out, _) =
            checked(json!({"layout": {"updatemenus": [{"buttons": [{"args": [{"mapbox.style": "satellite"}]}]}]}}));
        assert!(!out.to_string().contains("satellite"));
    }
}
