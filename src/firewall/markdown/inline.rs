//! What paragraphs, headings and cells of tables are made of, written anew.

use pulldown_cmark::{CowStr, Event, LinkType, Tag};

use super::super::latex;
use super::super::removals::Kind;
use super::super::url::Place;
use super::NOTHING;
use super::escape;
use super::write::{Beyond, Care, Events, Writing};

/// A link that was taken away.
const NOWHERE: &str = "#removed";

/// The longest run of backticks that begins code to every reader: cmark and its kin look no further
/// (`MAXBACKTICKS` in cmark's `inlines.c`).
const MAX_BACKTICKS: usize = 80;

/// A paragraph that is being written.
#[derive(Debug, Default)]
pub struct Inline {
    pub out: String,
    /// Text since the last mark.
    buffer: String,
    pub in_table: bool,
    links: usize,
    /// Whether code in it is written as HTML, since a dollar in it could be taken for a formula's.
    careful: bool,
}

impl Writing<'_> {
    /// Reads up to the end of what contains these events, which is read as well, or up to what is no part of a
    /// paragraph.
    pub fn inline(&mut self, events: &mut Events, in_table: bool) -> Result<String, Beyond> {
        let careful = self.care == Care::Full;
        let mut state = Inline { in_table, careful, ..Inline::default() };
        self.parts(events, &mut state, 0)?;
        self.flush(&mut state, false, false);
        Ok(state.out)
    }

    fn parts(&mut self, events: &mut Events, state: &mut Inline, depth: usize) -> Result<(), Beyond> {
        if depth > super::MAX_DEPTH {
            return Err(Beyond);
        }
        while let Some((event, _)) = events.peek() {
            if !is_inline(event) {
                return Ok(());
            }
            let Some((event, range)) = events.next() else { return Ok(()) };
            match event {
                Event::Text(text) => self.text(&text, range.start, state),
                Event::SoftBreak => state.buffer.push('\n'),
                Event::HardBreak => {
                    self.flush(state, false, true);
                    state.out.push_str("\\\n");
                }
                Event::Code(code) => self.code(&code, range, state),
                Event::InlineHtml(tag) => self.html(&tag, range, events, state),
                Event::Start(Tag::Emphasis) => {
                    let sign = self.sign(range.start, &["_"], "*");
                    self.marked(sign, events, state, depth)?;
                }
                Event::Start(Tag::Strong) => {
                    let sign = self.sign(range.start, &["__"], "**");
                    self.marked(sign, events, state, depth)?;
                }
                Event::Start(Tag::Strikethrough) => {
                    let sign = self.sign(range.start, &["~~"], "~");
                    self.marked(sign, events, state, depth)?;
                }
                Event::Start(Tag::Link { link_type, dest_url, title, .. }) => {
                    self.link(link_type, &dest_url, &title, events, state, depth)?;
                }
                Event::Start(Tag::Image { dest_url, title, .. }) => self.image(&dest_url, &title, events, state),
                Event::End(_) => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Which of two ways of marking stands in the source.
    fn sign(&self, at: usize, others: &[&'static str], common: &'static str) -> &'static str {
        let here = self.source.get(at..).unwrap_or_default();
        others.iter().find(|sign| here.starts_with(**sign)).copied().unwrap_or(common)
    }

    fn marked(&mut self, sign: &str, events: &mut Events, state: &mut Inline, depth: usize) -> Result<(), Beyond> {
        self.flush(state, false, false);
        state.out.push_str(sign);
        self.parts(events, state, depth + 1)?;
        self.flush(state, false, false);
        state.out.push_str(sign);
        Ok(())
    }

    fn text(&mut self, text: &CowStr, start: usize, state: &mut Inline) {
        // As it stands there, but for what a backslash before it makes a mere character.
        let verbatim = self.source.get(start..start + text.len()) == Some(text);
        let escaped =
            start > 0 && self.source.as_bytes().get(start - 1) == Some(&b'\\') && !state.buffer.ends_with('\\');
        for (number, character) in text.chars().enumerate() {
            if matches!(character, '*' | '_' | '~') && (!verbatim || (escaped && number == 0)) {
                state.buffer.push(escape::ESCAPED);
            }
            // What was given as a reference is no more than a character given as itself may be.
            state.buffer.push(if verbatim { character } else { super::tidy_character(character) });
        }
    }

    /// Writes the text so far. `goes_on` says that what it holds of LaTeX may go on beyond what comes next.
    fn flush(&mut self, state: &mut Inline, next_is_link: bool, goes_on: bool) {
        if state.buffer.is_empty() {
            return;
        }
        let mut text = std::mem::take(&mut state.buffer);
        latex::macros(&mut text, goes_on || self.has_braces, self.removed);
        escape::text(&text, next_is_link, state.in_table, state.links > 0, &mut state.out);
    }

    fn code(&mut self, code: &CowStr, range: std::ops::Range<usize>, state: &mut Inline) {
        self.flush(state, false, false);
        let code = self.with_formulas(code);
        let longest = code.split(|next| next != '`').map(str::len).max().unwrap_or(0);
        if (state.careful && code.contains('$')) || longest >= MAX_BACKTICKS {
            state.out.push_str("<code>");
            let mut html = String::new();
            super::super::html::escape(&code, &mut html);
            escape::markup(&html, true, &mut state.out);
            state.out.push_str("</code>");
            return;
        }
        if state.out.ends_with('`') || escape::is_in_word_with_address(&state.out) {
            state.out.push_str(NOTHING);
        }
        let written = self.source.get(range).unwrap_or_default();
        let marks = written.len() - written.trim_start_matches('`').len();
        if (1..=MAX_BACKTICKS).contains(&marks) && !written.contains(['\n', escape::FORMULA, escape::ESCAPED]) {
            state.out.push_str(written);
            return;
        }
        let fence = if longest == 0 { "`".to_owned() } else { "`".repeat(longest + 1) };
        let pad = code.starts_with('`') || code.ends_with('`') || (code.starts_with(' ') && code.ends_with(' '));
        let pad = if pad && code.chars().any(|next| next != ' ') { " " } else { "" };
        let code = if state.in_table { code.replace('|', "\\|") } else { code };
        state.out.push_str(&format!("{fence}{pad}{}{pad}{fence}", code.replace('\n', " ")));
    }

    fn html(&mut self, tag: &CowStr, range: std::ops::Range<usize>, events: &mut Events, state: &mut Inline) {
        let mut end = range.end;
        if let Some(name) = whole_element(tag) {
            let mut depth = 1_usize;
            let mut inside = 0_usize;
            while depth > 0 {
                match events.peek() {
                    Some((Event::End(_), _)) if inside == 0 => break,
                    Some((event, _)) if !is_inline(event) => break,
                    None => break,
                    _ => {}
                }
                let Some((event, range)) = events.next() else { break };
                end = range.end.max(end);
                match event {
                    Event::Start(_) => inside += 1,
                    Event::End(_) => inside -= 1,
                    Event::InlineHtml(tag) if is_end_of(&tag, &name) => depth -= 1,
                    Event::InlineHtml(tag) if whole_element(&tag).as_deref() == Some(&*name) => depth += 1,
                    _ => {}
                }
            }
        }
        let source = self.source.get(range.start..end).unwrap_or_default().to_owned();
        let cleaned = self.markup.clean(&source, self.removed);
        let breaks = cleaned.starts_with("<br") || cleaned.starts_with("<wbr");
        let joins = cleaned.starts_with("<wbr") && self.ends_in_macro(state);
        self.flush(state, false, breaks);
        match cleaned.trim().is_empty() || joins {
            // What was there kept marks apart.
            true => state.out.push_str(NOTHING),
            false => escape::markup(&cleaned, true, &mut state.out),
        }
    }

    fn ends_in_macro(&self, state: &Inline) -> bool {
        state.buffer.trim_end_matches(|next: char| next.is_ascii_alphabetic()).ends_with('\\')
    }

    fn link(
        &mut self,
        kind: LinkType,
        url: &str,
        title: &str,
        events: &mut Events,
        state: &mut Inline,
        depth: usize,
    ) -> Result<(), Beyond> {
        self.flush(state, true, false);
        let url = self.with_formulas(url);
        let url = if kind == LinkType::Email { format!("mailto:{url}") } else { url };
        let known = url.strip_prefix('#').filter(|id| self.markup.ids.contains(*id));
        let url = known.and_then(super::super::names::id).map_or(url.clone(), |id| format!("#{id}"));
        let address = escape::address(&url, Place::Link);
        if address.is_none() {
            self.removed.add(Kind::CodeUrl);
        }
        if kind == LinkType::Autolink
            && address.is_some()
            && escape::is_plain_address(&url)
            && !state.out.ends_with('<')
        {
            state.out.push('<');
            state.out.push_str(&url);
            state.out.push('>');
            for (event, _) in events.by_ref() {
                if matches!(event, Event::End(_)) {
                    break;
                }
            }
            return Ok(());
        }
        state.out.push('[');
        state.links += 1;
        self.parts(events, state, depth + 1)?;
        self.flush(state, false, false);
        state.links -= 1;
        self.target(address.as_deref().unwrap_or(NOWHERE), title, state);
        Ok(())
    }

    fn target(&mut self, address: &str, title: &str, state: &mut Inline) {
        state.out.push_str("](");
        state.out.push_str(address);
        let title = self.with_formulas(title);
        if !title.is_empty() && title.len() <= super::MAX_TITLE {
            state.out.push_str(" \"");
            escape::attribute(title.trim(), &mut state.out);
            state.out.push('"');
        }
        state.out.push(')');
    }

    fn image(&mut self, url: &str, title: &str, events: &mut Events, state: &mut Inline) {
        self.flush(state, true, false);
        let mut words = String::new();
        let mut inside = 0_usize;
        for (event, _) in events.by_ref() {
            match event {
                Event::Start(_) => inside += 1,
                Event::End(_) if inside == 0 => break,
                Event::End(_) => inside -= 1,
                Event::Text(text) | Event::Code(text) => words.push_str(&text),
                Event::SoftBreak | Event::HardBreak => words.push(' '),
                _ => {}
            }
        }
        let words = self.with_formulas(&words);
        let mut alt = String::new();
        escape::attribute(&words, &mut alt);
        let url = self.with_formulas(url);
        if url.trim().is_empty() || url.trim_start().starts_with('#') {
            // Nothing to show but its words.
            state.out.push_str(if alt.trim().is_empty() { NOTHING } else { &alt });
            return;
        }
        let attached = url.strip_prefix("attachment:").is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-%".contains(&byte))
        });
        let shown = match attached {
            true => Some(url.clone()),
            false => escape::address(&url, Place::Image)
                .or_else(|| escape::address(&url, Place::Link).filter(|_| self.markup.remote)),
        };
        if let Some(address) = shown {
            state.out.push_str("![");
            state.out.push_str(&alt);
            self.target(&address, title, state);
            return;
        }
        // Without the mark it is a link, which waits for a click.
        let waits = escape::address(&url, Place::Link);
        self.removed.add(if waits.is_some() { Kind::Remote } else { Kind::CodeUrl });
        let alt = if alt.trim().is_empty() { "picture".to_owned() } else { alt };
        if state.links > 0 {
            state.out.push_str(&alt);
            return;
        }
        state.out.push('[');
        state.out.push_str(&alt);
        self.target(waits.as_deref().unwrap_or(NOWHERE), title, state);
    }
}

/// Whether an event is part of a paragraph.
pub fn is_inline(event: &Event) -> bool {
    match event {
        Event::Start(tag) => {
            matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. })
        }
        Event::End(end) => {
            use pulldown_cmark::TagEnd::{Emphasis, Image, Link, Strikethrough, Strong};
            matches!(end, Emphasis | Strong | Strikethrough | Link | Image)
        }
        Event::Text(_) | Event::Code(_) | Event::InlineHtml(_) | Event::SoftBreak | Event::HardBreak => true,
        _ => false,
    }
}

/// The name of an element that is read as a whole, if this is its start tag.
fn whole_element(tag: &str) -> Option<String> {
    let inside = tag.strip_prefix('<')?;
    let length = inside.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'-').unwrap_or(inside.len());
    let name = inside.get(..length)?.to_ascii_lowercase();
    let whole = matches!(name.as_str(), "svg" | "math" | "style")
        || (super::super::html::vanishes(&name) && !super::super::html::is_void(&name));
    let closed = tag.ends_with("/>") && matches!(name.as_str(), "svg" | "math");
    (whole && !closed).then_some(name)
}

fn is_end_of(tag: &str, name: &str) -> bool {
    let Some(inside) = tag.strip_prefix("</") else { return false };
    inside.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        && inside.get(name.len()..).is_some_and(|rest| rest.trim_start().starts_with('>'))
}
