//! Texts of a Plotly figure, which its page reads by rules of its own and puts together before it does.
//!
//! The input: the texts, separated by 0xff.
#![no_main]

use cellblock_fuzz::judge::plotly::complaints;
use cellblock_fuzz::{pieces, shown};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const KIND: &str = "application/vnd.plotly.v1+json";

fuzz_target!(|data: &[u8]| {
    let sources: Vec<String> =
        pieces(data).iter().take(8).map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    let (Some(once), _) = shown(KIND, json!({"data": [{"type": "scatter", "text": sources}]})) else { return };
    let texts: Vec<&str> = once["data"][0]["text"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(texts.len(), sources.len(), "texts stay");
    for (text, source) in texts.iter().zip(&sources) {
        assert_eq!(complaints(text), Vec::<String>::new(), "from {source:?} came {text:?}");
        assert_eq!(cellblock_fuzz::complaints(text), Vec::<String>::new(), "from {source:?} came {text:?}");
        if !source.contains(['<', '&', '\\']) && !source.contains("%{") {
            assert_eq!(text, source, "a text without markup or template is changed");
        }
        for other in &texts {
            let both = format!("{text}{other}");
            assert_eq!(complaints(&both), Vec::<String>::new(), "from {sources:?} came {both:?}");
        }
    }
    let (twice, removed) = shown(KIND, once.clone());
    assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {once}");
    assert_eq!(twice, Some(once), "the second time nothing is changed");
});
