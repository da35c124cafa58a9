//! What the viewer is told beside a chart: in the output's metadata, or in the chart's own. Its options can fetch
//! settings, rewrite the chart and write HTML; sizes, themes and menus stay.

use serde_json::{Map, Value};

/// The viewer's own themes.
const THEMES: [&str; 12] = [
    "carbong10",
    "carbong100",
    "carbong90",
    "carbonwhite",
    "dark",
    "excel",
    "fivethirtyeight",
    "ggplot2",
    "googlecharts",
    "latimes",
    "powerbi",
    "quartz",
];
const MORE_THEMES: [&str; 5] = ["urbaninstitute", "vox", "none", "default", "opaque"];

/// Takes out every option but those that change how large a chart is and how it looks; says how many went.
pub fn options(options: &mut Map<String, Value>) -> u32 {
    let count = options.len();
    options.retain(|key, value| match key.as_str() {
        "actions" => {
            is_yes_or_no(value)
                || has_only(value, ACTIONS, |value| {
                    is_yes_or_no(value) || has_only(value, &["svg", "png"], is_yes_or_no)
                })
        }
        "defaultStyle" | "hover" | "tooltip" | "forceActionsMenu" | "ast" => is_yes_or_no(value),
        "theme" => value.as_str().is_some_and(|theme| THEMES.contains(&theme) || MORE_THEMES.contains(&theme)),
        "renderer" => matches!(value.as_str(), Some("canvas" | "svg")),
        "mode" => matches!(value.as_str(), Some("vega" | "vega-lite")),
        "width" | "height" | "logLevel" => value.is_number() || value.is_null(),
        "scaleFactor" => value.is_number() || has_only(value, &["svg", "png"], Value::is_number),
        "padding" => value.is_number() || has_only(value, &["left", "right", "top", "bottom"], Value::is_number),
        "downloadFileName" => value.as_str().is_some_and(is_file_name),
        _ => false,
    });
    u32::try_from(count - options.len()).unwrap_or(u32::MAX)
}

/// What the viewer's menu offers.
const ACTIONS: &[&str] = &["export", "source", "compiled", "editor"];

fn is_yes_or_no(value: &Value) -> bool {
    value.is_boolean()
}

fn has_only(value: &Value, keys: &[&str], fits: impl Fn(&Value) -> bool) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.iter().all(|(key, value)| keys.contains(&key.as_str()) && fits(value)))
}

fn is_file_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && !name.starts_with('.')
        && name.chars().all(|character| character.is_alphanumeric() || " _-.".contains(character))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(chosen: Value) -> (Value, u32) {
        let Value::Object(mut chosen) = chosen else { panic!("an object") };
        let count = options(&mut chosen);
        (chosen.into(), count)
    }

    #[test]
    fn sizes_themes_and_menus_stay() {
        let chosen = json!({"actions": {"export": {"svg": true, "png": false}, "source": false, "editor": false}, "theme": "dark",
            "renderer": "svg", "width": 300, "scaleFactor": {"svg": 2}, "padding": {"left": 5}, "downloadFileName": "my chart", "defaultStyle": true, "mode": "vega-lite"});
        assert_eq!(left(chosen.clone()), (chosen, 0));
        let chosen = json!({"actions": false, "scaleFactor": 2});
        assert_eq!(left(chosen.clone()), (chosen, 0));
    }

    #[test]
    fn nothing_that_loads_rewrites_or_writes_html_stays() {
        let chosen = json!({"loader": {"baseURL": "http://evil"}, "patch": "http://evil", "config": "http://evil", "sourceHeader": "<script>evil",
            "editorUrl": "http://evil", "bind": "#evil", "defaultStyle": "evil{}", "tooltip": {"sanitize": "evil"}, "theme": "constructor",
            "downloadFileName": "../evil", "i18n": {"x": "evil"}, "formatLocale": {"decimal": "evil"}, "expressionFunctions": {"evil": 1}, "viewClass": "evil",
            "actions": {"export": "evil"}, "renderer": "evil", "hover": {"hoverSet": "evil"}, "logger": {}, "expr": 1, "mode": "constructor"});
        let count = u32::try_from(chosen.as_object().unwrap().len()).unwrap();
        assert_eq!(left(chosen), (json!({}), count));
    }
}
