//! Diagrams in Markdown: a front-end draws the code of a fence that is called `mermaid`. Such a diagram can load pictures and
//! bring a stylesheet for the page; one that may do so is shown as its code.

use super::removals::{Kind, Removals};

/// The name by which front-ends know a diagram.
const NAME: &str = "mermaid";

/// What its code is called instead.
const NOT_DRAWN: &str = "text";

/// The kinds of diagrams that are drawn, by the word that they begin with; others have pictures or links of their own.
const KINDS: [&str; 26] = [
    "classDiagram",
    "classDiagram-v2",
    "erDiagram",
    "flowchart",
    "gantt",
    "gitGraph",
    "graph",
    "journey",
    "kanban",
    "mindmap",
    "packet",
    "packet-beta",
    "pie",
    "quadrantChart",
    "radar-beta",
    "requirementDiagram",
    "sankey",
    "sankey-beta",
    "sequenceDiagram",
    "stateDiagram",
    "stateDiagram-v2",
    "timeline",
    "treemap",
    "treemap-beta",
    "xychart",
    "xychart-beta",
];

/// The tags that words in a diagram may have, without attributes.
const TAGS: [&str; 8] = ["b", "br", "code", "em", "i", "strong", "sub", "sup"];

/// The words that begin a line which makes something lead elsewhere, in lower case.
const LEADING: [&str; 5] = ["callback", "link", "links", "properties", "details"];

/// What a diagram of boxes and arrows has no need of, in lower case: addresses, settings, stylesheets, pictures, links, HTML, and
/// characters written as something else.
const SIGNS: [&str; 13] =
    ["//", "url", "src", "href", "import", "@", "%%{", "config", "click", "\\", "&", "script:", "image"];

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
    let first_word =
        |line: &str| line.split([' ', '\t', ':', ';', '{']).find(|word| !word.is_empty()).map(str::to_owned);
    // Comments may come before; settings between lines of dashes may not.
    let mut lines = code.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("%%"));
    let known = lines.next().and_then(first_word).is_none_or(|kind| KINDS.contains(&kind.as_str()));
    let leads =
        lower.split(['\n', ';']).any(|line| first_word(line).is_some_and(|word| LEADING.contains(&word.as_str())));
    known
        && !leads
        && !SIGNS.iter().any(|sign| lower.contains(sign))
        && !has_numbered_characters(&lower)
        && has_plain_tags(&lower)
}

/// Whether what begins like a tag is one without attributes that only changes how words look, as `<br/>`, or the kind of
/// a class, `<<interface>>`.
fn has_plain_tags(text: &str) -> bool {
    let mut doubled = false;
    for part in text.split('<').skip(1) {
        let is_kind = std::mem::replace(&mut doubled, part.is_empty());
        let name = part.strip_prefix('/').unwrap_or(part);
        let begins = part.starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next));
        if !begins {
            continue;
        }
        let length = name.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, rest) = name.split_at(length);
        let plain = TAGS.contains(&name) && rest.trim_start_matches(' ').trim_start_matches('/').starts_with('>');
        if !(plain || (is_kind && !part.starts_with('/') && rest.starts_with(">>"))) {
            return false;
        }
    }
    true
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
        for code in [
            "%% a comment\n\nclassDiagram\n  class A {\n    <<interface>>\n    +x() int\n  }\n  A <|-- B\n  B <--> C\n",
            "sequenceDiagram\n  A->>B: x<br/>y<br> <b>z</b>\n  B-->>A: 1 < 2 <= 3\n",
            "graph LR;\n  A --> B;\n  linkStyle 0 stroke:red;\n",
            "pie title Pets\n  \"Dogs\" : 3\n",
            "flowchart LR\n  A <--> B\n",
        ] {
            assert_eq!(drawn("mermaid", code), ("mermaid".to_owned(), true), "{code}");
        }
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
            "flowchart TD\nA[\"<video poster='https:/evil/x.png'></video>\"]",
            "flowchart TD\nA[\"<table background=https:/evil/x.png>\"]",
            "flowchart TD\nA[\"<<video poster=x>>\"]",
            "flowchart TD\nA[\"<br poster=x>\"] --> B[\"<svg>\"]",
            "sequenceDiagram\n  links Alice: {\"a\": \"x\"}",
            "graph TD; link A \"x\"",
            "C4Context\n  Person(a, \"b\", $sprite=\"x\")",
            "---\ntitle: x\n---\nflowchart TD\n  A --> B",
        ] {
            for info in ["mermaid", "mermaid x", "Mermaid", "xmermaid mermaid"] {
                let (drawn, whole) = drawn(info, code);
                assert!(!whole && position(&drawn).is_none(), "{drawn}");
                assert!(!is_harmless(info, code) && is_harmless(&drawn, code));
            }
        }
    }
}
