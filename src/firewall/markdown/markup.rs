//! HTML in Markdown: tag by tag, since what is between the tags may be Markdown, by the tables of the HTML firewall. What
//! has a language of its own, SVG and MathML, goes through that firewall as a whole.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::{Duration, Instant};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};

use super::super::css::Scope;
use super::super::html::{self, Parts};
use super::super::removals::{Kind, Removals};
use super::escape;
use super::write::with_sources;

/// The time for one piece of HTML, and how much of it is read between two looks at the clock. Only hostile ones come near.
const TIME: Duration = Duration::from_secs(2);
const CHUNK: usize = 8 << 10;

/// What HTML in a text may refer to and what it is found to need.
#[derive(Debug)]
pub struct Markup<'a> {
    pub remote: bool,
    /// The class under which its style sheets are put.
    pub scope: Scope<'a>,
    /// The ids in the text.
    pub ids: &'a HashSet<String>,
    /// The formulas of the text, of which it has the numbers.
    pub formulas: &'a [&'a str],
    /// Whether something could be painted outside its place.
    pub roams: bool,
    /// Whether there is a style sheet.
    pub styled: bool,
}

impl Markup<'_> {
    /// What may stay of a piece of HTML: a block, or one tag of a paragraph, or what a paragraph has from a tag to its
    /// end. Formulas in it are still numbers.
    pub fn clean(&mut self, source: &str, removed: &mut Removals) -> String {
        if is_plain_tag(source) {
            return source.to_owned();
        }
        if html::has_too_many_attributes(source) {
            removed.add(Kind::TooLarge);
            return String::new();
        }
        let parts = Parts::new(self.remote, self.scope, self.ids, removed);
        let sink = Sink {
            parts: RefCell::new(parts),
            collecting: RefCell::new(None),
            foreign: Cell::new(false),
            formulas: self.formulas,
        };
        let queue = BufferQueue::default();
        let tokenizer = Tokenizer::new(sink, Default::default());
        let end = Instant::now() + TIME;
        let mut rest = source;
        while !rest.is_empty() && Instant::now() < end {
            let (part, after) = rest.split_at(rest.floor_char_boundary(CHUNK.min(rest.len())));
            queue.push_back(StrTendril::from_slice(part));
            // It stops for scripts only where its sink says so, and this one never does.
            let _ = tokenizer.feed(&queue);
            rest = after;
        }
        if rest.is_empty() {
            tokenizer.end();
        }
        let Sink { parts, collecting, .. } = tokenizer.sink;
        let mut parts = parts.into_inner();
        if let Some(collected) = collecting.into_inner() {
            collected.end(&mut parts);
        }
        let done = parts.finish();
        self.roams |= done.roams;
        self.styled |= done.styled;
        done.text
    }
}

/// Whether this is a tag without attributes that stays as it is, as most are.
fn is_plain_tag(source: &str) -> bool {
    let Some(inside) = source.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else { return false };
    let name = inside.strip_prefix('/').unwrap_or(inside);
    let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_word && html::is_plain(name) && !(name.len() < inside.len() && html::is_void(name))
}

/// An element that is taken as a whole.
#[derive(Debug)]
struct Collected {
    name: String,
    depth: usize,
    source: String,
    /// Whether it goes, with all that is in it.
    goes: bool,
}

impl Collected {
    fn end(self, parts: &mut Parts) {
        if !self.goes {
            parts.whole(&self.source);
        }
    }
}

struct Sink<'r> {
    parts: RefCell<Parts<'r>>,
    collecting: RefCell<Option<Collected>>,
    foreign: Cell<bool>,
    formulas: &'r [&'r str],
}

impl Sink<'_> {
    fn tag(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name = &*tag.name;
        let mut collecting = self.collecting.borrow_mut();
        if let Some(collected) = collecting.as_mut() {
            write_tag(tag, &mut collected.source);
            if name == collected.name {
                match tag.kind {
                    TagKind::StartTag if !tag.self_closing => collected.depth += 1,
                    TagKind::StartTag => {}
                    TagKind::EndTag => collected.depth -= 1,
                }
            }
            if collected.depth == 0
                && let Some(collected) = collecting.take()
            {
                self.foreign.set(false);
                collected.end(&mut self.parts.borrow_mut());
            }
            return TokenSinkResult::Continue;
        }
        let mut parts = self.parts.borrow_mut();
        if tag.kind == TagKind::EndTag {
            parts.close(name);
            return TokenSinkResult::Continue;
        }
        let foreign = matches!(name, "svg" | "math");
        let goes = !foreign && name != "style" && html::vanishes(name);
        if !foreign && !goes && name != "style" {
            parts.open(&tag.name, &tag.attrs);
            return TokenSinkResult::Continue;
        }
        if goes {
            parts.gone(&tag.name, &tag.attrs);
        }
        let holds_nothing = html::is_void(name) || (foreign && tag.self_closing);
        if !(goes && holds_nothing) {
            let mut source = String::new();
            write_tag(tag, &mut source);
            let collected = Collected { name: name.to_owned(), depth: 1, source, goes };
            match holds_nothing {
                true => collected.end(&mut parts),
                false => {
                    self.foreign.set(foreign);
                    *collecting = Some(collected);
                }
            }
        }
        match name {
            "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => {
                TokenSinkResult::RawData(RawKind::Rawtext)
            }
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            "plaintext" => TokenSinkResult::Plaintext,
            _ => TokenSinkResult::Continue,
        }
    }

    fn text(&self, text: &str) {
        match self.collecting.borrow_mut().as_mut() {
            Some(collected) if collected.name == "style" => {
                collected.source.push_str(&with_sources(text, self.formulas))
            }
            Some(collected) => html::escape(&with_sources(text, self.formulas), &mut collected.source),
            None => self.parts.borrow_mut().text(text),
        }
    }
}

impl TokenSink for Sink<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(mut tag) => {
                // In an attribute a formula is none.
                for attribute in &mut tag.attrs {
                    if attribute.value.contains(escape::FORMULA) {
                        attribute.value = with_sources(&attribute.value, self.formulas).into();
                    }
                }
                return self.tag(&tag);
            }
            Token::CharacterTokens(text) => self.text(&text),
            Token::NullCharacterToken => self.text("\u{fffd}"),
            Token::CommentToken(_) | Token::DoctypeToken(_) | Token::ParseError(_) | Token::EOFToken => {}
        }
        TokenSinkResult::Continue
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.foreign.get()
    }
}

fn write_tag(tag: &Tag, out: &mut String) {
    out.push_str(if tag.kind == TagKind::EndTag { "</" } else { "<" });
    out.push_str(&tag.name);
    for attribute in &tag.attrs {
        // What no parser takes for a name was none.
        if attribute.name.local.contains(['<', '"', '\'', '=']) {
            continue;
        }
        out.push(' ');
        out.push_str(&attribute.name.local);
        out.push_str("=\"");
        html::escape(&attribute.value, out);
        out.push('"');
    }
    out.push_str(if tag.self_closing { "/>" } else { ">" });
}

/// A block of HTML as it is written: it begins as what every reader takes for one, and has no empty line.
pub fn block(cleaned: &str, out: &mut String) {
    let mut text = String::with_capacity(cleaned.len());
    escape::markup(cleaned, false, &mut text);
    let text = text.trim_matches(|character| matches!(character, ' ' | '\n' | '\t'));
    if text.is_empty() {
        // It may stand between two lists.
        out.push_str("<!-- -->");
        return;
    }
    match begins_block(text) {
        true => out.push_str(text),
        false => {
            out.push_str("<div>\n");
            out.push_str(text);
            out.push_str("\n</div>");
        }
    }
}

/// Elements with which a line of HTML begins a block, wherever the tag ends, sorted.
const BLOCKS: [&str; 45] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
];

fn begins_block(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('<') else { return false };
    let name = inside.trim_start_matches('/');
    let name = name.get(..name.find([' ', '>', '\n']).unwrap_or(name.len())).unwrap_or_default();
    if matches!(name, "pre" | "style") {
        let end = format!("</{name}>");
        return !text.contains('\n') && text.contains(&end);
    }
    let (line, _) = text.split_once('\n').unwrap_or((text, ""));
    let alone = line.trim_end().ends_with('>') && line.matches('<').count() == 1;
    BLOCKS.binary_search(&name).is_ok() || name == "ul" || alone
}

/// Whether a line of a paragraph would begin a block of HTML.
pub fn line_begins_block(line: &str, first: bool) -> bool {
    let Some(inside) = line.strip_prefix('<') else { return false };
    if inside.starts_with("!--") {
        return true;
    }
    let name = inside.trim_start_matches('/');
    let name = name.get(..name.find([' ', '>']).unwrap_or(name.len())).unwrap_or_default();
    let alone = first && line.trim_end().ends_with('>') && line.matches('<').count() == 1;
    alone || BLOCKS.binary_search(&name).is_ok() || matches!(name, "ul" | "pre" | "style")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searched_tables_are_sorted() {
        assert!(BLOCKS.is_sorted());
    }
}
