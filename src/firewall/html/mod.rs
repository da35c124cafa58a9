//! HTML and SVG in outputs: parsed as a browser parses them, cleaned by tables of what may stay, and written
//! anew. It knows nothing of bundles.
//!
//! What the parser mended, and what mixes HTML with SVG or MathML, could be read differently a second time. It
//! is read again until nothing changes, passes a second sanitizer, and goes if it does not come to rest.

mod attributes;
mod clean;
mod elements;
mod gate;
mod parts;
mod tree;
mod write;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

use super::css::{Root, Scope};
use super::names;
use super::removals::{Kind, Removals};
use clean::{Cleaned, Rules, clean};
pub use elements::{is_void, vanishes};
pub use parts::{BOX, Parts};
pub use tree::has_too_many_attributes;
use tree::{BeyondBounds, Tree};
pub use write::escape;

/// The largest document, in bytes.
pub const MAX_HTML: usize = 24 << 20;

/// The largest one that needs the second look.
const MAX_UNUSUAL: usize = 4 << 20;

/// The largest SVG picture.
const MAX_SVG: usize = 16 << 20;

/// How often a document is read again until it stays the same.
const MAX_READINGS: usize = 4;

/// What may stay of an HTML output; nothing if it is beyond all bounds, or if nothing of it is to be seen once
/// something was removed.
pub fn sanitize(source: &str, remote: bool, removed: &mut Removals) -> Option<String> {
    let before = removed.clone();
    let class = class_for(source);
    let scope = Scope { class: &class, root: Root::Around };
    match fragment(source, remote, scope, None, removed) {
        Ok(cleaned) if cleaned.visible || *removed == before => Some(boxed(source, cleaned)),
        Ok(_) => None,
        Err(BeyondBounds) => {
            removed.add(Kind::TooLarge);
            None
        }
    }
}

fn fragment(
    source: &str,
    remote: bool,
    scope: Scope,
    ids: Option<&HashSet<String>>,
    removed: &mut Removals,
) -> Result<Cleaned, BeyondBounds> {
    if source.len() > MAX_HTML {
        return Err(BeyondBounds);
    }
    let rules = Rules { remote, scope: Some(scope), ids };
    let mut cleaned = clean(&Tree::parse(source)?, rules, removed)?;
    if cleaned.unusual {
        cleaned.text = at_rest(cleaned.text, remote, true)?;
    }
    Ok(cleaned)
}

/// Reads what was written until it stays the same.
fn at_rest(mut text: String, remote: bool, gate: bool) -> Result<String, BeyondBounds> {
    if gate && text.len() > MAX_UNUSUAL {
        return Err(BeyondBounds);
    }
    let rules = Rules { remote, scope: None, ids: None };
    let again = |text: &str| Ok(clean(&Tree::parse(text)?, rules, &mut Removals::new())?.text);
    for _ in 0..MAX_READINGS {
        let next = match gate {
            true => again(&gate::pass(&again(&text)?))?,
            false => again(&text)?,
        };
        if next == text {
            return Ok(text);
        }
        text = next;
    }
    Err(BeyondBounds)
}

/// Puts a box around what needs one: with the class of its stylesheets, and so that nothing is painted outside.
fn boxed(source: &str, cleaned: Cleaned) -> String {
    let mut text = cleaned.text;
    if cleaned.styled {
        text = format!("<div class=\"{}\">{text}</div>", class_for(source));
    }
    if cleaned.roams {
        text = format!("<div style=\"contain: layout paint\">{text}</div>");
    }
    text
}

/// What may stay of a picture in SVG: the same as HTML and as XML.
pub fn picture(source: &str, remote: bool, removed: &mut Removals) -> Option<String> {
    match svg(source, remote, removed) {
        Ok(text) => text,
        Err(BeyondBounds) => {
            removed.add(Kind::TooLarge);
            None
        }
    }
}

fn svg(source: &str, remote: bool, removed: &mut Removals) -> Result<Option<String>, BeyondBounds> {
    if source.len() > MAX_SVG {
        return Err(BeyondBounds);
    }
    let class = class_for(source);
    let tree = Tree::parse(source)?;
    let styled = tree.elements().any(|(name, _)| &*name.local == "style");
    let rules = Rules { remote, scope: styled.then_some(Scope { class: &class, root: Root::Svg }), ids: None };
    let cleaned = clean(&tree, rules, removed)?;
    let text = at_rest(cleaned.text, remote, false)?;
    // One `<svg>` and nothing else, or it is no picture.
    let start = text.find("<svg").unwrap_or(text.len());
    let end = text.rfind("</svg>").map_or(0, |at| at + "</svg>".len());
    match text.get(start..end) {
        Some(svg) if !svg.is_empty() && is_one_element(svg) => Ok(Some(as_xml(svg))),
        _ => {
            removed.add(Kind::Malformed);
            Ok(None)
        }
    }
}

/// Whether SVG that was written here has one root: it has no comments and no raw text, so tags can be counted.
fn is_one_element(svg: &str) -> bool {
    let mut open = 0_usize;
    let mut roots = 0_usize;
    for part in svg.split('<').skip(1) {
        match part.starts_with('/') {
            true => open = open.saturating_sub(1),
            false => {
                roots += usize::from(open == 0);
                open += 1;
            }
        }
    }
    roots == 1 && open == 0
}

/// XML knows no control characters, and wants the namespace.
fn as_xml(svg: &str) -> String {
    let clean: String = match svg
        .contains(|character: char| character.is_control() && !matches!(character, '\n' | '\t'))
    {
        true => svg.chars().filter(|character| !character.is_control() || matches!(character, '\n' | '\t')).collect(),
        false => svg.to_string(),
    };
    let root = clean.split('>').next().unwrap_or_default();
    let mut missing = String::new();
    if !root.contains(" xmlns=\"") {
        missing.push_str(" xmlns=\"http://www.w3.org/2000/svg\"");
    }
    if clean.contains("xlink:") && !root.contains(" xmlns:xlink=\"") {
        missing.push_str(" xmlns:xlink=\"http://www.w3.org/1999/xlink\"");
    }
    clean.replacen("<svg", &format!("<svg{missing}"), 1)
}

/// Whether an element without attributes stays wherever it stands.
pub fn is_plain(name: &str) -> bool {
    elements::is_html(name) && !matches!(name, "input" | "wbr" | BOX)
}

/// A class that outputs with other contents do not have, and that is the same on every run.
fn class_for(source: &str) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(source.as_bytes());
    names::of_box(hasher.finish())
}

/// Every element of a document with its attributes, for the tests' oracle.
#[cfg(test)]
pub fn parsed_elements(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let tree = Tree::parse(html).expect("within bounds");
    let pairs = |attributes: &[html5ever::Attribute]| {
        attributes
            .iter()
            .map(|attribute| {
                let prefix = attribute.name.prefix.as_ref().map(|prefix| format!("{prefix}:")).unwrap_or_default();
                (format!("{prefix}{}", attribute.name.local), attribute.value.to_string())
            })
            .collect()
    };
    tree.elements().map(|(name, attributes)| (name.local.to_string(), pairs(attributes))).collect()
}

/// Whether a document can be looked at at all.
#[cfg(test)]
pub fn is_within_bounds(html: &str) -> bool {
    Tree::parse(html).is_ok()
}

/// A document as lines that are the same for documents that show the same: without comments, with attributes in
/// order and without the differences that the firewall is known to make.
#[cfg(test)]
pub fn normal_form(html: &str) -> Vec<String> {
    let tree = Tree::parse(html).expect("within bounds");
    let mut lines = Vec::new();
    tree.children(tree.root()).for_each(|child| tests::dump(&tree, child, false, &mut lines));
    lines
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
