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

/// The line after a fence, with a diagram's name in it replaced if its code could load something.
pub fn drawn_as(info: &str, code: &str, removed: &mut Removals) -> String {
    if position(info).is_none() || is_plain(code) {
        return info.to_owned();
    }
    let mut out = String::with_capacity(info.len());
    let mut rest = info;
    while let Some(at) = position(rest) {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push_str(NOT_DRAWN);
        rest = rest.get(at + NAME.len()..).unwrap_or_default();
        removed.add(Kind::Remote);
    }
    out.push_str(rest);
    out
}

/// Whether there is nothing in a diagram's code but what boxes and arrows need.
fn is_plain(code: &str) -> bool {
    let lower = code.to_ascii_lowercase();
    !SIGNS.iter().any(|sign| lower.contains(sign)) && !has_numbered_characters(&lower)
}

/// Whether a piece of code may stand after such a line.
#[must_use]
pub fn is_harmless(info: &str, code: &str) -> bool {
    position(info).is_none() || is_plain(code)
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

    fn drawn(info: &str, code: &str) -> (String, bool) {
        let mut removed = Removals::new();
        (drawn_as(info, code, &mut removed), removed.is_empty())
    }

    #[test]
    fn plain_diagrams_are_drawn() {
        let code = "flowchart TD\n  A[one] -->|yes| B(two)\n  style A fill:#f9f,stroke:#333\n";
        assert_eq!(drawn("mermaid", code), ("mermaid".to_owned(), true));
        assert_eq!(drawn("python", "mermaid = 'http://a.b'\n"), ("python".to_owned(), true));
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
            for info in ["mermaid", "mermaid x", "Mermaid", "xmermaid mermaid"] {
                let (drawn, whole) = drawn(info, code);
                assert!(!whole && position(&drawn).is_none(), "{drawn}");
                assert!(!is_harmless(info, code) && is_harmless(&drawn, code));
            }
        }
    }
}
