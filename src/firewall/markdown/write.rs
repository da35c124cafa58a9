//! Markdown, read with a parser of CommonMark and written anew: the blocks.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, OffsetIter, Options, Parser, Tag, TagEnd};

use super::super::diagrams;
use super::super::removals::Removals;
use super::inline::is_inline;
use super::markup::{self, Markup};
use super::{MAX_DEPTH, escape};

/// The longest line after the fence of a piece of code.
const MAX_INFO: usize = 200;

/// What is read.
pub type Events<'s> = Peekable<OffsetIter<'s>>;

/// How much is written as HTML that Markdown has marks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Nothing.
    Plain,
    /// Code in which there are dollars, where a reader could take them for those of a formula.
    Full,
}

/// Why a text is not written anew: it is nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond;

/// A text that is being written.
#[derive(Debug)]
pub struct Writing<'a> {
    /// The text, with formulas as numbers.
    pub source: &'a str,
    /// The formulas as they were.
    pub formulas: &'a [&'a str],
    pub care: Care,
    pub markup: Markup<'a>,
    /// Whether the item of a list that is being read is a task, and whether it is done.
    pub task: Option<bool>,
    /// Whether a macro in the text can be given anything.
    pub has_braces: bool,
    pub removed: &'a mut Removals,
}

/// What Markdown is read with: what GitHub's and Jupyter's readers have in common.
pub fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

/// A block, and whether it is a paragraph that stands apart.
struct Block {
    text: String,
    apart: bool,
}

impl Writing<'_> {
    /// The whole text, formulas still as numbers.
    pub fn document(&mut self) -> Result<String, Beyond> {
        let mut events = Parser::new_ext(self.source, options()).into_offset_iter().peekable();
        let blocks = self.blocks(&mut events, 0)?;
        let texts: Vec<String> = blocks.into_iter().map(|block| block.text).collect();
        Ok(texts.join("\n\n"))
    }

    /// The source of what may hold numbers of formulas.
    pub fn with_formulas(&self, text: &str) -> String {
        with_sources(text, self.formulas)
    }

    /// Blocks up to the end of what contains them, which is read as well.
    fn blocks(&mut self, events: &mut Events, depth: usize) -> Result<Vec<Block>, Beyond> {
        if depth > MAX_DEPTH {
            return Err(Beyond);
        }
        let mut blocks = Vec::new();
        while let Some((event, _)) = events.peek() {
            if is_inline(event) {
                let text = self.inline(events, false)?;
                blocks.push(Block { text: escape::lines(&text), apart: false });
                continue;
            }
            let Some((event, range)) = events.next() else { break };
            let text = match event {
                Event::Start(Tag::Paragraph) => {
                    if let Some((Event::TaskListMarker(done), _)) =
                        events.next_if(|(event, _)| matches!(event, Event::TaskListMarker(_)))
                    {
                        self.task = Some(done);
                    }
                    let text = self.inline(events, false)?;
                    events.next();
                    blocks.push(Block { text: escape::lines(&text), apart: true });
                    continue;
                }
                Event::Start(Tag::Heading { level, .. }) => self.heading(level as usize, events)?,
                Event::Start(Tag::BlockQuote(_)) => {
                    let inner = self.blocks(events, depth + 1)?;
                    let texts: Vec<String> = inner.into_iter().map(|block| block.text).collect();
                    prefixed(&texts.join("\n\n"), "> ", "> ")
                }
                Event::Start(Tag::List(_)) => self.list(events, depth + 1)?,
                Event::Start(Tag::CodeBlock(kind)) => self.code_block(&kind, events, depth),
                Event::Start(Tag::HtmlBlock) => self.html_block(events),
                Event::Start(Tag::Table(columns)) => self.table(&columns, events)?,
                Event::Rule => "___".to_owned(),
                Event::TaskListMarker(done) => {
                    self.task = Some(done);
                    continue;
                }
                Event::End(_) => break,
                _ => {
                    debug_assert!(false, "an event of an extension that is not read: {range:?}");
                    continue;
                }
            };
            blocks.push(Block { text, apart: false });
        }
        Ok(blocks)
    }

    fn heading(&mut self, level: usize, events: &mut Events) -> Result<String, Beyond> {
        let text = self.inline(events, false)?.replace("\\\n", " ").replace('\n', " ");
        events.next();
        let mut text = text.trim().to_owned();
        if text.ends_with('#') {
            text.pop();
            escape::reference('#', &mut text);
        }
        Ok(format!("{} {text}", "#".repeat(level)).trim_end().to_owned())
    }

    fn list(&mut self, events: &mut Events, depth: usize) -> Result<String, Beyond> {
        let mut items: Vec<(String, Vec<Block>)> = Vec::new();
        while let Some((event, range)) = events.next() {
            match event {
                Event::Start(Tag::Item) => {
                    let marker = marker(self.source.get(range).unwrap_or_default());
                    let outer = self.task.take();
                    let mut blocks = self.blocks(events, depth)?;
                    let task = std::mem::replace(&mut self.task, outer);
                    if let (Some(done), Some(first)) = (task, blocks.first_mut()) {
                        first.text.insert_str(0, if done { "[x] " } else { "[ ] " });
                    }
                    items.push((marker, blocks));
                }
                _ => break,
            }
        }
        let loose = items.iter().any(|(_, blocks)| blocks.iter().any(|block| block.apart));
        let between = if loose { "\n\n" } else { "\n" };
        let items = items.into_iter().map(|(marker, blocks)| {
            let texts: Vec<String> = blocks.into_iter().map(|block| block.text).collect();
            let first = format!("{marker} ");
            prefixed(&texts.join(between), &first, &" ".repeat(first.len()))
        });
        Ok(items.collect::<Vec<String>>().join(between))
    }

    fn code_block(&mut self, kind: &CodeBlockKind, events: &mut Events, depth: usize) -> String {
        let mut code = String::new();
        for (event, _) in events.by_ref() {
            match event {
                Event::Text(text) => code.push_str(&text),
                _ => break,
            }
        }
        let code = self.with_formulas(&code);
        let info = match kind {
            CodeBlockKind::Fenced(info) => plain_info(&self.with_formulas(info)),
            CodeBlockKind::Indented => String::new(),
        };
        let info = if self.markup.remote { info } else { diagrams::drawn_as(&info, &code, self.removed) };
        // A front-end looks for formulas within code, but for code that begins with its line.
        if self.care == Care::Full && depth > 0 && code.contains('$') {
            return code_as_html(&info, &code);
        }
        let longest = code.split(|next| next != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let end = if code.is_empty() || code.ends_with('\n') { "" } else { "\n" };
        format!("{fence}{info}\n{code}{end}{fence}")
    }

    fn html_block(&mut self, events: &mut Events) -> String {
        let mut source = String::new();
        for (event, _) in events.by_ref() {
            match event {
                Event::Html(text) | Event::Text(text) => source.push_str(&text),
                _ => break,
            }
        }
        let mut out = String::new();
        markup::block(&self.markup.clean(&source, self.removed), &mut out);
        out
    }

    fn table(&mut self, columns: &[Alignment], events: &mut Events) -> Result<String, Beyond> {
        let mut lines = Vec::new();
        let mut line = String::new();
        while let Some((event, _)) = events.next() {
            match event {
                Event::Start(Tag::TableCell) => {
                    let cell = self.inline(events, true)?.replace("\\\n", " ").replace('\n', " ");
                    events.next();
                    line.push_str("| ");
                    line.push_str(cell.trim());
                    line.push(' ');
                }
                Event::End(end @ (TagEnd::TableHead | TagEnd::TableRow)) => {
                    line.push('|');
                    lines.push(std::mem::take(&mut line));
                    if end == TagEnd::TableHead {
                        let rule = columns.iter().map(|column| match column {
                            Alignment::None => "---|",
                            Alignment::Left => ":--|",
                            Alignment::Center => ":-:|",
                            Alignment::Right => "--:|",
                        });
                        lines.push(format!("|{}", rule.collect::<String>()));
                    }
                }
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        Ok(lines.join("\n"))
    }
}

/// A text's lines with something before the first and something before the others. Nothing stands before an empty line
/// but what ends in a mark.
fn prefixed(text: &str, first: &str, others: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let prefix = if number == 0 { first } else { others };
        out.push_str(if line.is_empty() { prefix.trim_end() } else { prefix });
        out.push_str(line);
    }
    out
}

/// The mark of a list's item, as it stands there.
fn marker(item: &str) -> String {
    let item = item.trim_start();
    let digits = item.bytes().take_while(u8::is_ascii_digit).take(9).count();
    let sign = item.get(digits..).and_then(|rest| rest.chars().next()).unwrap_or('-');
    match (digits, sign) {
        (0, '-' | '*' | '+') => sign.to_string(),
        (1.., '.' | ')') => format!("{}{sign}", item.get(..digits).unwrap_or("1")),
        _ => "-".to_owned(),
    }
}

/// What may stay of the line after a fence: front-ends write it into an attribute.
fn plain_info(info: &str) -> String {
    let plain = |next: &char| next.is_ascii_alphanumeric() || " _+#.,:;=/(){}-".contains(*next);
    let kept: String = info.chars().take(MAX_INFO).filter(plain).collect();
    kept.trim().to_owned()
}

fn code_as_html(info: &str, code: &str) -> String {
    let mut html = String::from("<pre><code");
    let language = info.split(' ').next().unwrap_or_default();
    let is_word = language.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+#-_.".contains(&byte));
    if !language.is_empty() && is_word && language.len() <= 32 {
        html.push_str(" class=\"language-");
        html.push_str(language);
        html.push('"');
    }
    html.push('>');
    super::super::html::escape(code, &mut html);
    html.push_str("</code></pre>");
    let mut out = String::new();
    escape::markup(&html, false, &mut out);
    out
}

/// A text with each number of a formula replaced by what stands for it.
pub fn restored<'f>(text: &str, mut formula: impl FnMut(usize) -> Option<Cow<'f, str>>) -> String {
    if !text.contains(escape::FORMULA) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(escape::FORMULA) {
        out.push_str(before);
        let Some((number, after)) = after.split_once(escape::FORMULA) else {
            rest = after;
            continue;
        };
        if let Some(formula) = number.parse().ok().and_then(&mut formula) {
            out.push_str(&formula);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A text with the formulas as they were.
pub fn with_sources(text: &str, formulas: &[&str]) -> String {
    restored(text, |number| formulas.get(number).map(|source| Cow::Owned((*source).to_owned())))
}

/// A text with its formulas as numbers.
pub fn numbered(text: &str, formulas: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (number, range) in formulas.iter().enumerate() {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push(escape::FORMULA);
        out.push_str(&number.to_string());
        out.push(escape::FORMULA);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
