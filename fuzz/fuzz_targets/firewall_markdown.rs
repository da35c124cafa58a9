//! Markdown in an output. Front-ends read it by different rules; to none of them may it be more than text.
#![no_main]

use cellblock_fuzz::{complaints, shown_text};
use libfuzzer_sys::fuzz_target;

const KIND: &str = "text/markdown";

/// Outside SVG, which does not pass, these are words, such as a type's.
const WORDS: [&str; 9] = [
    "<set>",
    "<discard>",
    "<handler>",
    "<portal>",
    "<animate>",
    "<animatetransform>",
    "<animatemotion>",
    "<feimage>",
    "<foreignobject>",
];

fuzz_target!(|data: &[u8]| {
    let source = String::from_utf8_lossy(data);
    let (Some(once), _) = shown_text(KIND, &source) else { return };
    let mut found = complaints(&once);
    found.retain(|complaint| !WORDS.contains(&complaint.to_ascii_lowercase().as_str()));
    assert_eq!(found, Vec::<String>::new(), "from {source:?} came {once:?}");
    // Without an opening bracket nothing is a link.
    let links = once.contains('[').then(|| once.to_ascii_lowercase()).unwrap_or_default();
    for sign in ["](javascript:", "]: javascript:", "](vbscript:", "![](http", "![](/"] {
        assert!(!links.contains(sign), "{sign} is in {once:?}");
    }
    let (twice, removed) = shown_text(KIND, &once);
    assert_eq!(twice.as_deref(), Some(once.as_str()), "the second time, from {source:?}");
    assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {once:?}");
});
