//! Markdown in an output, shown by a reader that is not the firewall's own: as it stands, and as front-ends show it that
//! take formulas out first and put them back into the HTML.
#![no_main]

use cellblock_fuzz::{complaints, shown_text};
use libfuzzer_sys::fuzz_target;

const KIND: &str = "text/markdown";

/// The schemes of links that a reader makes of a text; what it makes of words by itself is not for the firewall to say.
const SCHEMES: [&str; 5] = ["http:", "https:", "mailto:", "ftp:", "xmpp:"];

fuzz_target!(|data: &[u8]| {
    let source = String::from_utf8_lossy(data);
    let (Some(once), _) = shown_text(KIND, &source) else { return };
    for html in [rendered(&once), with_formulas_taken_out(&once)] {
        let mut found = complaints(&html);
        // The reader's own switches before tasks, and pictures of a notebook's that an output has none of.
        found.retain(|complaint| complaint != "<input>" && !complaint.contains("=attachment:"));
        assert_eq!(found, Vec::<String>::new(), "from {source:?} came {once:?}, shown as {html:?}");
        // As the reader writes links; what looks like one within words is none.
        for link in html.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            // Browsers leave out the space before an address.
            let link = link.trim_start().to_ascii_lowercase();
            let head = link.split(['/', '?', '#']).next().unwrap_or_default();
            let known = !head.contains(':') || SCHEMES.iter().any(|scheme| head.starts_with(scheme));
            assert!(known, "from {source:?} came {once:?}, with a link to {link:?}");
        }
    }
    let (twice, removed) = shown_text(KIND, &once);
    assert_eq!(twice.as_deref(), Some(once.as_str()), "the second time, from {source:?}");
    assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {once:?}");
});

fn rendered(text: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options.render.r#unsafe = true;
    comrak::markdown_to_html(text, &options)
}

/// What stands between dollars, wherever they stand, is put back as it is: a scan that is coarser than any front-end's.
fn with_formulas_taken_out(text: &str) -> String {
    let mut source = String::new();
    let mut formulas = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        source.push_str(before);
        // None goes beyond an empty line, nor begins in code.
        let in_code = source.rsplit("\n\n").next().is_some_and(|block| block.matches('`').count() > 0);
        match after.split_once('$').filter(|(formula, _)| !in_code && !formula.contains("\n\n") && !formula.contains('`')) {
            Some((formula, after)) => {
                source.push_str(&format!("@@{}@@", formulas.len()));
                formulas.push(format!("${formula}$").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
                rest = after;
            }
            None => {
                source.push('$');
                rest = after;
            }
        }
    }
    source.push_str(rest);
    let mut html = rendered(&source);
    for (number, formula) in formulas.iter().enumerate() {
        html = html.replace(&format!("@@{number}@@"), formula);
    }
    html
}
