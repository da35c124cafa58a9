//! Markdown: front-ends read it by parsers of their own, each with its own ideas of what is code, what is a tag and where
//! a formula ends. So it is read here as CommonMark, and written anew in a form that leaves them nothing to differ in: code
//! in fences of its own length, addresses without a character that means anything, characters that could be marks as
//! references by number, HTML as the HTML firewall writes it. What was written is read again, as a front-end reads it that
//! takes formulas out first, as one that knows none and as one that finds them by the way; if it is not the same, or not
//! harmless, to each of them, the text is shown as a piece of code.

mod escape;
mod inline;
mod markup;
mod math;
mod readings;
mod write;

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

use super::css::{Root, Scope};
use super::html;
use super::latex;
use super::names;
use super::removals::{Kind, Removals};
use markup::Markup;
use write::{Beyond, Care, Writing, numbered, restored};

/// The largest text, in bytes.
const MAX_MARKDOWN: usize = 8 << 20;

/// How deep quotes, lists and marks may be nested.
const MAX_DEPTH: usize = 40;

/// The longest title of a link, in bytes.
const MAX_TITLE: usize = 4096;

/// What stands where a tag was: it is seen by no one, and keeps marks apart.
const NOTHING: &str = "<span></span>";

/// The largest number of ids that are looked for.
const MAX_IDS: usize = 10_000;

/// What may stay of a Markdown text; nothing if it is too large.
pub fn sanitize(source: &str, remote: bool, removed: &mut Removals) -> Option<String> {
    if source.len() > MAX_MARKDOWN {
        removed.add(Kind::TooLarge);
        return None;
    }
    let text = tidy(source);
    let text = unboxed(&text);
    let before = removed.clone();
    for care in [Care::Plain, Care::Full] {
        *removed = before.clone();
        let Ok(page) = page(&text, remote, care, removed) else { break };
        if let Some(again) = read_again(&page, remote, care) {
            // What was removed needs no box.
            let mut text = Page { roams: again.roams, ..page }.boxed();
            if !source.ends_with('\n') {
                text.truncate(text.trim_end_matches('\n').len());
            }
            return Some(text);
        }
    }
    *removed = before;
    removed.add(Kind::RawHtml);
    Some(as_code(&text))
}

/// A text that was written anew.
#[derive(Debug)]
struct Page {
    text: String,
    styled: bool,
    roams: bool,
}

impl Page {
    /// In a box, if its style sheets or what it shows need one.
    fn boxed(self) -> String {
        if !self.styled && !self.roams {
            return self.text;
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(self.text.as_bytes());
        let class = names::of_box(hasher.finish());
        // Without a style sheet the name is one that the text happens to have.
        let text = if self.styled { self.text.replace(&names::of_box(0), &class) } else { self.text };
        format!("{}{class}{}\n\n{}\n\n</{}>\n", box_start(), BOX_STYLE, text.trim_end_matches('\n'), html::BOX)
    }
}

/// The start of the box, up to the number of its class and after it.
fn box_start() -> String {
    format!("<{} class=\"", html::BOX)
}

const BOX_STYLE: &str = "\" style=\"contain: layout paint\">";

/// A text without the firewall's box around it, and with its style sheets as they were.
fn unboxed(text: &str) -> String {
    let inside = || {
        let (class, rest) = text.strip_prefix(&box_start())?.split_once(BOX_STYLE)?;
        let inside = rest.trim_end_matches('\n').strip_suffix(&format!("</{}>", html::BOX))?;
        Some(unscoped(inside.trim_matches('\n'), class) + "\n")
    };
    inside().unwrap_or_else(|| text.to_owned())
}

fn unscoped(text: &str, class: &str) -> String {
    let scope = format!(":where(.{class})");
    if class.is_empty() || !text.contains(&scope) {
        return text.to_owned();
    }
    text.replace(&format!(" {scope}"), "").replace(&format!("{scope} "), "").replace(&scope, "")
}

/// One kind of line end, and no character that a script takes for one or that stands for something here.
fn tidy(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut characters = source.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\t' => out.push(character),
            _ => out.push(tidy_character(character)),
        }
    }
    out
}

/// What a character stays, or what stands in its place.
fn tidy_character(character: char) -> char {
    match character {
        '\0' | escape::FORMULA | escape::ESCAPED => '\u{fffd}',
        '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        _ if character.is_control() => ' ',
        _ => character,
    }
}

fn page(text: &str, remote: bool, care: Care, removed: &mut Removals) -> Result<Page, Beyond> {
    let ranges = math::formulas(text).ok_or(Beyond)?;
    let source = numbered(text, &ranges);
    let raw: Vec<&str> = ranges.iter().map(|range| text.get(range.clone()).unwrap_or_default()).collect();
    let ids = ids(text);
    let class = names::of_box(0);
    let scope = Scope { class: &class, root: Root::Around };
    let mut writing = Writing {
        source: &source,
        formulas: &raw,
        care,
        markup: Markup { remote, scope, ids: &ids, formulas: &raw, roams: false, styled: false },
        task: None,
        has_braces: text.contains('{'),
        removed,
    };
    let written = writing.document()?;
    let (roams, styled) = (writing.markup.roams, writing.markup.styled);
    let mut moves = latex::Moves::default();
    let mut written = restored(&written, |number| {
        let mut formula = escape::formula(raw.get(number)?);
        latex::formula(&mut formula, &mut moves, removed);
        Some(formula.into())
    });
    // Attributes, too, may have characters that were given by number.
    written = tidy(&written);
    if !written.is_empty() {
        written.push('\n');
    }
    Ok(Page { text: written, styled, roams })
}

/// A text that was written as it is read; nothing unless it is written the same again, and harmless however it is read.
fn read_again(page: &Page, remote: bool, care: Care) -> Option<Page> {
    let mut removed = Removals::new();
    let text =
        if page.styled { Cow::Owned(unscoped(&page.text, &names::of_box(0))) } else { Cow::Borrowed(&*page.text) };
    let again = self::page(&text, remote, care, &mut removed).ok()?;
    let fine = again.text == page.text && removed.is_empty() && readings::are_harmless(&page.text, remote);
    fine.then_some(again)
}

/// The names after `id=` in a text, wherever they stand: links may refer to them.
fn ids(text: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    for after in text.split("id=").skip(1).take(MAX_IDS) {
        let after = after.trim_start_matches(['"', '\'']);
        let end = after.bytes().take(512).position(|byte| matches!(byte, b'"' | b'\'' | b' ' | b'>' | b'\n' | b'/'));
        if let Some(id) = end.and_then(|end| after.get(..end)).filter(|id| !id.is_empty()) {
            found.insert(id.to_owned());
        }
    }
    found
}

/// A text as a piece of code.
fn as_code(text: &str) -> String {
    let longest = text.split(|next| next != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}\n{text}{end}{fence}\n")
}

#[cfg(test)]
#[path = "tests.rs"]
pub mod tests;
