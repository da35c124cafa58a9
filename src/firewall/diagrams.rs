//! Diagrams in Markdown: a front-end draws the code of a fence that is called `mermaid`. Such a diagram can load pictures and
//! bring a stylesheet for the page; one that may do so is shown as its code.

use super::removals::{Kind, Removals};

/// The name by which front-ends know a diagram.
const NAME: &str = "mermaid";

/// What its code is called instead.
const NOT_DRAWN: &str = "text";

/// What a diagram of boxes and arrows has no need of, in lower case: addresses, settings, stylesheets, pictures, links, HTML, and
/// characters written as something else.
const SIGNS: [&str; 13] =
    ["//", "url", "src", "href", "import", "@", "%%{", "config", "click", "\\", "&", "<img", "image"];

/// Renames the diagrams of a text, if there is something in it that one of them could load.
pub fn disarm(text: &mut String, removed: &mut Removals) {
    if find(text).is_none() {
        return;
    }
    let lower = text.to_ascii_lowercase();
    if !SIGNS.iter().any(|sign| lower.contains(sign)) && !has_numbered_characters(&lower) {
        return;
    }
    let mut rest = text.as_str();
    let mut out = String::with_capacity(text.len());
    while let Some(at) = find(rest) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        // Everywhere in its line: what comes after the first is no line that opens a fence.
        let (mut line, after) = tail.split_at(tail.find(['\n', '\r']).unwrap_or(tail.len()));
        while let Some(at) = position(line) {
            out.push_str(line.get(..at).unwrap_or_default());
            out.push_str(NOT_DRAWN);
            line = line.get(at + NAME.len()..).unwrap_or_default();
            removed.add(Kind::Remote);
        }
        out.push_str(line);
        rest = after;
    }
    out.push_str(rest);
    *text = out;
}

/// Where a diagram's name stands in the line that opens a fence; wherever in the line, for readers differ in what may stand
/// before it.
fn find(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let fence = line.find("```").or_else(|| line.find("~~~"));
        if let Some(fence) = fence
            && let Some(name) = position(line.get(fence..).unwrap_or_default())
        {
            return Some(start + fence + name);
        }
        start += line.len();
    }
    None
}

fn position(line: &str) -> Option<usize> {
    line.as_bytes().windows(NAME.len()).position(|word| word.eq_ignore_ascii_case(NAME.as_bytes()))
}

/// Whether there is a character by its number or name, `#35;` or `#quot;`, as diagrams write them.
fn has_numbered_characters(text: &str) -> bool {
    text.split('#').skip(1).any(|after| {
        let name = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
        name > 0 && after.as_bytes().get(name) == Some(&b';')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disarmed(text: &str) -> (String, bool) {
        let (mut text, mut removed) = (text.to_string(), Removals::new());
        disarm(&mut text, &mut removed);
        (text, !removed.is_empty())
    }

    #[test]
    fn plain_diagrams_are_drawn() {
        for text in [
            "a\n\n```mermaid\nflowchart TD\n  A[one] -->|yes| B(two)\n  style A fill:#f9f,stroke:#333\n```\n",
            "```python\nmermaid = 'http://a.b'\n```\n",
            "A mermaid in [the sea](http://a.b)",
        ] {
            assert_eq!(disarmed(text), (text.to_string(), false));
        }
    }

    #[test]
    fn diagrams_that_may_load_something_are_shown_as_code() {
        for code in [
            "A@{ img: \"http://evil/x.png\" }",
            "%%{init: {\"themeCSS\": \"* { background: u\\rl(x) }\"}}%%",
            "A[\"<img src=x>\"]",
            "A[\"#60;b#62;\"]",
            "click A href \"x\"",
            "style A background:URL(x)",
        ] {
            for fence in ["```mermaid", "~~~ mermaid x", "> ```Mermaid", "- ````mermaid"] {
                let (text, removed) = disarmed(&format!("{fence}\n{code}\n"));
                assert!(removed && position(&text).is_none(), "{text}");
            }
        }
    }

    #[test]
    fn a_line_that_names_it_twice_names_it_no_more() {
        let mut text = "```xmermaid mermaid\nurl\n```\n~~~ Mermaid\nmermaid\n".to_string();
        disarm(&mut text, &mut Removals::new());
        assert_eq!(text, "```xtext text\nurl\n```\n~~~ text\nmermaid\n");
    }
}
