//! Markdown, for every reader of it alike: front-ends read it by different rules, so nothing here depends on how
//! one of them does. Every `<` that could begin a tag is part of a plain, complete one or is set apart from what
//! follows; every address is harmless or is made a fragment; no picture loads by itself.

use super::css::{self, Reading};
use super::diagrams;
use super::latex;
use super::removals::{Kind, Removals};
use super::url::{Place, Verdict, judge};

/// The largest text, in bytes.
const MAX_MARKDOWN: usize = 8 << 20;

/// The longest tag that is kept, and the longest address that is looked at.
const MAX_TAG: usize = 512;

/// Tags that only format, and may stay with the attributes below.
const TAGS: [&str; 52] = [
    "abbr",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
const ATTRIBUTES: [&str; 14] = [
    "align", "border", "class", "color", "colspan", "face", "height", "open", "rowspan", "size", "start", "style",
    "title", "width",
];

/// What may stay of a Markdown text; nothing if it is too large.
pub fn sanitize(source: &str, remote: bool, removed: &mut Removals) -> Option<String> {
    if source.len() > MAX_MARKDOWN {
        removed.add(Kind::TooLarge);
        return None;
    }
    let mut text = source.to_string();
    if text.contains('\0') {
        text = text.replace('\0', "\u{fffd}");
    }
    if text.contains('<') {
        text = tags(&text, remote, removed);
    }
    if text.contains('[') {
        text = addresses(&text, remote, removed);
    }
    latex::macros(&mut text, false, removed);
    if !remote {
        diagrams::disarm(&mut text, removed);
    }
    Some(text)
}

/// Sets every `<` apart that begins more than a plain tag: with a space it is a `<` to every reader.
fn tags(source: &str, remote: bool, removed: &mut Removals) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('<') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        out.push('<');
        let after = tail.get(1..).unwrap_or_default();
        let begins = after.starts_with(|next: char| {
            next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?') || !next.is_ascii()
        });
        rest = after;
        if begins && !is_plain_tag(after, remote) {
            removed.add(Kind::RawHtml);
            match end_of_long_picture(after) {
                // A page of base64 says nothing to anybody.
                Some(end) => {
                    out.pop();
                    rest = after.get(end..).unwrap_or_default();
                }
                None => out.push(' '),
            }
        }
    }
    out.push_str(rest);
    out
}

/// Where an `<img>` ends that is too long to be shown as text.
fn end_of_long_picture(after: &str) -> Option<usize> {
    let is_picture = after.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("img "));
    let end = if is_picture { after.find('>')? + 1 } else { return None };
    (end > MAX_TAG).then_some(end)
}

/// Whether what follows a `<` completes a tag that only formats, an address, or a word such as `<int>`.
fn is_plain_tag(after: &str, remote: bool) -> bool {
    let window = after.as_bytes().get(..after.len().min(MAX_TAG)).unwrap_or_default();
    let Some(end) = window.iter().position(|byte| *byte == b'>') else { return false };
    let Some(inside) = after.get(..end) else { return false };
    if is_address(inside) {
        return true;
    }
    let (closing, inside) = match inside.strip_prefix('/') {
        Some(inside) => (true, inside),
        None => (false, inside.strip_suffix('/').unwrap_or(inside)),
    };
    let length = inside
        .bytes()
        .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_'))
        .unwrap_or(inside.len());
    let (name, attributes) = inside.split_at(length);
    let lower = name.to_ascii_lowercase();
    if TAGS.contains(&lower.as_str()) {
        return attributes.trim_matches(' ').is_empty() || (!closing && attributes_are_plain(attributes, remote));
    }
    // A word that no page knows as an element, such as `<T>` or `<stdio.h>`.
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && attributes.is_empty()
        && super::html::is_unknown(&lower)
}

/// `<https://…>` and `<mailto:…>`, which every reader takes for a link, or for an unknown tag without attributes.
fn is_address(inside: &str) -> bool {
    let known = ["http://", "https://", "mailto:"].iter().any(|start| inside.starts_with(start));
    known && inside.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<=`\\".contains(&byte))
}

/// Attributes that are written in the one way that every reader takes alike: ` name="value"`.
fn attributes_are_plain(mut attributes: &str, remote: bool) -> bool {
    loop {
        let trimmed = attributes.trim_start_matches(' ');
        if trimmed.is_empty() {
            return true;
        }
        if trimmed.len() == attributes.len() {
            return false;
        }
        let Some((name, rest)) = trimmed.split_once("=\"") else { return trimmed == "open" };
        let Some((value, rest)) = rest.split_once('"') else { return false };
        let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_.:;,#%()!/".contains(&byte));
        if !ATTRIBUTES.contains(&name) || !plain || !value_is_plain(name, value, remote) {
            return false;
        }
        attributes = rest;
    }
}

fn value_is_plain(name: &str, value: &str, remote: bool) -> bool {
    match name {
        "style" => {
            let mut removed = Removals::new();
            let mut reading = Reading { remote, removed: &mut removed, roams: false };
            css::declarations(value, &mut reading) == value && !reading.roams
        }
        "class" => !["jp-", "lm-", "cm-", "modal", "bp3-", "bp4-", "bp5-"]
            .iter()
            .any(|start| value.to_ascii_lowercase().contains(start)),
        _ => true,
    }
}

/// Goes through what stands after `](` and `]:`, and through `![`.
fn addresses(source: &str, remote: bool, removed: &mut Removals) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(['[', ']']) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let after = tail.get(1..).unwrap_or_default();
        if tail.starts_with('[') {
            if out.ends_with('!') && !remote && !shows_its_own_data(after) {
                // Without the mark it is a link, which waits for a click.
                while out.ends_with('!') {
                    out.pop();
                }
                removed.add(Kind::Remote);
            }
            out.push('[');
            rest = after;
            continue;
        }
        out.push(']');
        rest = after;
        let Some(address) = after.strip_prefix(['(', ':']) else { continue };
        let kept = address.trim_start_matches([' ', '\t', '\n', '\r', '>', '<']);
        let skipped = after.len() - kept.len();
        out.push_str(after.get(..skipped).unwrap_or_default());
        if !address_is_harmless(kept) {
            out.push_str("#removed:");
            removed.add(Kind::CodeUrl);
        }
        rest = kept;
    }
    out.push_str(rest);
    out
}

/// Whether a picture is `![plain words](data:image/…)`, written so that every reader takes it alike.
fn shows_its_own_data(after: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .,_-:".contains(&byte));
    let Some((words, rest)) = after.split_once(']') else { return false };
    let Some((address, _)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) else { return false };
    let own = address.starts_with("data:image/") || address.starts_with("attachment:");
    let plain_address = address.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=:;,._-".contains(&byte));
    let fine = address.starts_with("attachment:") || judge(address, Place::Image) == Verdict::Fine;
    plain(words) && own && plain_address && fine
}

/// Schemes that run code or hide a document.
const CODE: [&str; 10] =
    ["javascript", "vbscript", "data", "file", "blob", "filesystem", "view-source", "about", "jar", "livescript"];

/// Whether an address runs nothing, however it is written.
fn address_is_harmless(text: &str) -> bool {
    let head = text.chars().take(MAX_TAG).take_while(|next| !matches!(next, '/' | '?' | '#' | ')' | ' ' | '\n' | '\r'));
    let head: String = head.filter(|next| !next.is_control()).collect::<String>().to_ascii_lowercase();
    // An escaped or encoded colon; no honest address has one before its path.
    if head.contains('\\') || head.contains("&#") || (head.contains('&') && head.contains(';')) {
        return false;
    }
    match head.split_once(':') {
        Some((scheme, _)) if CODE.contains(&scheme) => {
            // Its head is all that counts. A cut within a character would leave nothing, which is fine anywhere.
            let head = text.get(..text.floor_char_boundary(64));
            head.is_some_and(|head| judge(head, Place::Image) == Verdict::Fine)
        }
        _ => true,
    }
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
