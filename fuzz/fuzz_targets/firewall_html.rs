//! HTML in an output.
#![no_main]

use cellblock_fuzz::{complaints, shown_text};
use libfuzzer_sys::fuzz_target;

const KIND: &str = "text/html";

fuzz_target!(|data: &[u8]| {
    let source = String::from_utf8_lossy(data);
    let (Some(once), _) = shown_text(KIND, &source) else { return };
    assert_eq!(complaints(&once), Vec::<String>::new(), "from {source:?} came {once:?}");

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
