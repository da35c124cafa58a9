//! Which of the two languages a chart is written in: told as the viewer tells it, so that none is taken for the other.

use serde_json::{Map, Value};

/// The two languages that a viewer of charts knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Vega,
    VegaLite,
}

/// Where the languages are described; the viewer reads a chart's language off this address.
const SCHEMAS: [(&str, Language); 2] =
    [("/schema/vega/v", Language::Vega), ("/schema/vega-lite/v", Language::VegaLite)];

/// Keys of a Vega-Lite chart, by which the viewer knows one that does not say so.
const LITE: [&str; 7] = ["mark", "encoding", "layer", "hconcat", "vconcat", "facet", "repeat"];

/// Keys of a Vega chart.
const FULL: [&str; 4] = ["marks", "signals", "scales", "axes"];

impl Language {
    /// The language of a MIME type such as `application/vnd.vega.v5+json`.
    pub fn of_type(kind: &str) -> Self {
        if kind.contains("vegalite") { Self::VegaLite } else { Self::Vega }
    }

    /// The language of a chart in an output of this MIME type.
    pub fn of_chart(chart: &Map<String, Value>, kind: &str) -> Self {
        let has_any = |keys: &[&str]| keys.iter().any(|key| chart.contains_key(*key));
        match chart.get("$schema").and_then(Self::of_schema) {
            Some(language) => language,
            None if has_any(&LITE) => Self::VegaLite,
            None if has_any(&FULL) => Self::Vega,
            None => Self::of_type(kind),
        }
    }

    /// The language that an address of a description names; nothing if it is none of the two's.
    pub fn of_schema(address: &Value) -> Option<Self> {
        let rest = address.as_str()?.strip_prefix("http")?;
        let rest = rest.strip_prefix('s').unwrap_or(rest).strip_prefix("://vega.github.io")?;
        let (version, language) =
            SCHEMAS.into_iter().find_map(|(path, language)| Some((rest.strip_prefix(path)?, language)))?;
        let number = version.strip_suffix(".json")?;
        let plain = number.starts_with(|first: char| first.is_ascii_digit())
            && number.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        plain.then_some(language)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn language(chart: Value, kind: &str) -> Language {
        Language::of_chart(chart.as_object().unwrap(), kind)
    }

    #[test]
    fn the_language_is_the_one_that_the_viewer_takes() {
        let (full, lite) = ("application/vnd.vega.v5+json", "application/vnd.vegalite.v5+json");
        let vega = "https://vega.github.io/schema/vega/v5.json";
        assert_eq!(language(json!({"$schema": vega, "mark": "bar"}), lite), Language::Vega);
        assert_eq!(
            language(json!({"$schema": "https://vega.github.io/schema/vega-lite/v5.20.1.json"}), full),
            Language::VegaLite
        );
        assert_eq!(language(json!({"mark": "bar", "marks": []}), full), Language::VegaLite);
        assert_eq!(language(json!({"signals": []}), lite), Language::Vega);
        assert_eq!(language(json!({}), lite), Language::VegaLite);
        for other in [
            json!("https://evil.example/schema/vega/v5.json"),
            json!("https://vega.github.io/schema/x/v5.json"),
            json!(1),
        ] {
            assert_eq!(Language::of_schema(&other), None);
        }
    }
}
