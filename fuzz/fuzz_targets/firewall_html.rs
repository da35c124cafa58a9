//! HTML in an output.
#![no_main]

use cellblock_fuzz::{complaints, judge, shown_text};
use libfuzzer_sys::fuzz_target;

const KIND: &str = "text/html";

fuzz_target!(|data: &[u8]| {
    let source = String::from_utf8_lossy(data);
    let (Some(once), _) = shown_text(KIND, &source) else { return };
    assert_eq!(complaints(&once), Vec::<String>::new(), "from {source:?} came {once:?}");
    // No class or id is the page's own.
    for (_, attributes) in judge::html::parsed_elements(&once) {
        for (name, value) in attributes.iter().filter(|(name, _)| name == "class" || name == "id") {
            // An id is one name, whatever it has in it.
            let own = |word: &str| word.starts_with("cb-") || is_shared(word);
            let is_own = if name == "id" { value.starts_with("cb-") } else { value.split_ascii_whitespace().all(own) };
            assert!(is_own, "{name}={value:?} in {once:?}, from {source:?}");
        }
    }

    let (twice, removed) = shown_text(KIND, &once);
    assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {once:?}");
    let twice = twice.expect("of which nothing is removed stays");
    // A style sheet is put under a class of its own each time.
    if once.contains("<style") {
        assert_eq!(complaints(&twice), Vec::<String>::new(), "from {source:?} came {twice:?}");
        return;
    }
    // What may paint outside its place gets a box each time.
    let boxed = format!("<div style=\"contain: layout paint\">{once}</div>");
    assert!(twice == once || (once.starts_with("<div style=\"contain") && twice == boxed), "{once:?} became {twice:?}");
});

/// Classes that pages style within outputs.
fn is_shared(class: &str) -> bool {
    // Pygments' classes for code are as short as this.
    class.len() < 4 || ["alert", "cellblock-", "language-"].iter().any(|start| class.starts_with(start))
        || ["dataframe", "highlight", "mathjax_ignore", "tex2jax_ignore", "widget-interact"].contains(&class)
}
