//! Writes HTML so that every parser reads it the same: all attributes quoted, all text escaped, adjacent texts
//! as one. LaTeX in text is checked here, where it stands as the page's typesetter will see it.

use super::super::latex;
use super::super::removals::Removals;

#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    /// Text since the last tag.
    text: String,
    /// Whether that text follows a line break, which typesetters take for a part of it.
    after_break: bool,
    /// How far the formulas so far are moved.
    moves: latex::Moves,
}

impl Writer {
    /// The document. Nothing can be written after it.
    pub fn finish(mut self, removed: &mut Removals) -> String {
        self.flush(false, removed);
        self.out
    }

    pub fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Whether the text so far ends in what could go on as the name of a LaTeX macro.
    pub fn ends_in_macro(&self) -> bool {
        self.text.trim_end_matches(|character: char| character.is_ascii_alphabetic()).ends_with('\\')
    }

    /// Begins a start tag.
    pub fn open(&mut self, name: &str, removed: &mut Removals) {
        let is_break = name == "br";
        self.flush(is_break, removed);
        self.after_break = is_break;
        self.out.push('<');
        self.out.push_str(name);
    }

    /// One attribute of the start tag. The name is one of our own tables.
    pub fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(value, &mut self.out);
        self.out.push('"');
    }

    /// Ends the start tag.
    pub fn opened(&mut self) {
        self.out.push('>');
    }

    /// A line end right after a start tag that a parser leaves out.
    pub fn line_end(&mut self) {
        self.out.push('\n');
    }

    /// Text that is the same escaped or not.
    pub fn verbatim(&mut self, text: &str) {
        debug_assert!(!text.contains(['<', '&']));
        self.out.push_str(text);
    }

    /// Markup that has been written by another of these.
    pub fn raw(&mut self, markup: &str, removed: &mut Removals) {
        self.flush(true, removed);
        self.after_break = true;
        self.out.push_str(markup);
    }

    /// An end tag.
    pub fn close(&mut self, name: &str, removed: &mut Removals) {
        self.flush(false, removed);
        self.after_break = false;
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn flush(&mut self, goes_on: bool, removed: &mut Removals) {
        if self.text.is_empty() {
            return;
        }
        latex::macros_after(&mut self.text, goes_on || self.after_break, &mut self.moves, removed);
        escape(&self.text, &mut self.out);
        self.text.clear();
    }
}

/// Escapes what could be markup, in texts and in attributes alike.
pub fn escape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\r' | 0)) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        out.push_str(match after.as_bytes().first() {
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'&') => "&amp;",
            Some(b'"') => "&quot;",
            Some(b'\r') => "&#13;",
            _ => "\u{fffd}",
        });
        rest = after.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}
