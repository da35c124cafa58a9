//! A figure's `config`: what the page around the plot does. Switches and words; no addresses, no buttons of its own,
//! no words of other languages.

use serde_json::Value;

/// Settings that are a switch, a number or a word.
const PLAIN: [&str; 34] = [
    "autosizable",
    "displayModeBar",
    "displayNotifier",
    "displaylogo",
    "doubleClick",
    "doubleClickDelay",
    "editSelection",
    "editable",
    "fillFrame",
    "frameMargins",
    "linkText",
    "locale",
    "logging",
    "modeBarButtons",
    "modeBarButtonsToAdd",
    "modeBarButtonsToRemove",
    "notifyOnLogging",
    "plotGlPixelRatio",
    "queueLength",
    "responsive",
    "scrollZoom",
    "setBackground",
    "showAxisDragHandles",
    "showAxisRangeEntryBoxes",
    "showEditInChartStudio",
    "showLink",
    "showSendToCloud",
    "showSources",
    "showTips",
    "sendData",
    "staticPlot",
    "toImageButtonOptions",
    "typesetMath",
    "watermark",
];

/// Those that may only be switched off: they give the figure to a server.
const OFF: [&str; 5] = ["showEditInChartStudio", "showLink", "showSendToCloud", "showSources", "sendData"];

/// The servers that plotly itself names by default.
const SERVERS: [&str; 4] =
    ["https://plot.ly", "https://plotly.com", "https://chart-studio.plotly.com", "https://cloud.plotly.com/newchart"];

/// The parts of `edits` and of `toImageButtonOptions`.
const PARTS: [&str; 16] = [
    "annotationPosition",
    "annotationTail",
    "annotationText",
    "axisTitleText",
    "colorbarPosition",
    "colorbarTitleText",
    "legendPosition",
    "legendText",
    "shapePosition",
    "titleText",
    "format",
    "filename",
    "height",
    "width",
    "scale",
    "setBackground",
];

/// Buttons that give the figure to a server.
const SENDING: [&str; 2] = ["sendDataToCloud", "editInChartStudio"];

/// Whether a setting may stay.
pub fn stays(key: &str, value: &Value) -> bool {
    match key {
        "plotlyServerURL" => value.as_str().is_some_and(|server| SERVERS.contains(&server) || server.is_empty()),
        "edits" => is_plain(value, 0),
        "mapboxAccessToken" => value.is_null() || value.as_str() == Some(""),
        "locales" => value.as_object().is_some_and(serde_json::Map::is_empty),
        _ if OFF.contains(&key) => value.is_null() || value == &Value::Bool(false),
        _ => PLAIN.contains(&key) && is_plain(value, 0),
    }
}

/// Switches, numbers, words, and lists and named parts of them.
fn is_plain(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(word) => is_word(word) && !SENDING.contains(&word.as_str()),
        Value::Array(list) => depth < 3 && list.iter().all(|item| !item.is_object() && is_plain(item, depth + 1)),
        Value::Object(parts) => {
            depth == 0 && parts.iter().all(|(key, value)| PARTS.contains(&key.as_str()) && is_plain(value, 2))
        }
    }
}

/// Names of buttons, languages and files; no address and no markup.
fn is_word(word: &str) -> bool {
    word.len() <= 200 && word.chars().all(|character| character.is_alphanumeric() || " _-+.,()".contains(character))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_of_honest_figures_stay() {
        let settings = json!({
            "responsive": true, "displaylogo": false, "plotlyServerURL": "https://plot.ly", "scrollZoom": "cartesian+map",
            "modeBarButtonsToRemove": ["zoom2d", "lasso2d"], "modeBarButtonsToAdd": ["drawline", "eraseshape"],
            "toImageButtonOptions": {"format": "svg", "filename": "my plot", "height": 500, "width": 700, "scale": 1},
            "edits": {"titleText": true}, "locale": "de", "showLink": false, "modeBarButtons": [["zoom2d"], ["toImage"]]
        });
        for (key, value) in settings.as_object().unwrap() {
            assert!(stays(key, value), "{key}");
        }
    }

    #[test]
    fn addresses_buttons_and_languages_go() {
        for (key, value) in [
            ("plotlyServerURL", json!("https://evil")),
            ("topojsonURL", json!("https://evil")),
            ("mapboxAccessToken", json!("pk.evil")),
            ("modeBarButtonsToAdd", json!([{"name": "x", "icon": {"svg": "<svg onload=evil()>"}}])),
            ("modeBarButtonsToAdd", json!(["sendDataToCloud"])),
            ("modeBarButtons", json!([[{"name": "x", "icon": {"svg": "<svg>"}}]])),
            ("locales", json!({"en": {"format": {"months": ["\" style=\"fill:url(//evil)"]}}})),
            ("toImageButtonOptions", json!({"imageDataOnly": true})),
            ("showLink", json!(true)),
            ("linkText", json!("<b>")),
            ("logging", json!({"format": {"x": 1}})),
            ("anything", json!(1)),
        ] {
            assert!(!stays(key, &value), "{key} {value}");
        }
    }
}
