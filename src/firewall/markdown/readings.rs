//! Other readings of a text that was written: by a reader that knows no formulas, and by one that finds them where it
//! finds marks. It need not be the same to them, but it must be harmless.

use std::collections::HashSet;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use super::super::css::{Root, Scope};
use super::super::removals::Removals;
use super::super::url::{Place, Verdict, judge};
use super::super::{diagrams, names};
use super::markup::Markup;
use super::{escape, write};

/// Whether a text is harmless to readers that do not look for formulas first.
pub fn are_harmless(text: &str, remote: bool) -> bool {
    if !text.contains('$') && !text.contains('\\') {
        return true;
    }
    [write::options(), write::options() | Options::ENABLE_MATH]
        .into_iter()
        .all(|options| is_harmless(text, options, remote))
}

fn is_harmless(text: &str, options: Options, remote: bool) -> bool {
    let mut block = String::new();
    let mut info: Option<String> = None;
    let mut code = String::new();
    for event in Parser::new_ext(text, options) {
        let fine = match event {
            Event::Start(Tag::HtmlBlock) => {
                block.clear();
                true
            }
            Event::Html(part) => {
                block.push_str(&part);
                true
            }
            Event::End(pulldown_cmark::TagEnd::HtmlBlock) => markup_is_harmless(&block, remote),
            Event::InlineHtml(tag) => markup_is_harmless(&tag, remote),
            Event::Start(Tag::Link { dest_url, .. }) => {
                dest_url.contains('@') && !dest_url.contains(':') || judge(&dest_url, Place::Link) == Verdict::Fine
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                let fine = judge(&dest_url, Place::Image) == Verdict::Fine;
                fine || dest_url.starts_with("attachment:")
                    || (remote && judge(&dest_url, Place::Link) == Verdict::Fine)
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(line))) => {
                info = Some(line.to_string());
                code.clear();
                true
            }
            Event::Text(part) if info.is_some() => {
                code.push_str(&part);
                true
            }
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => {
                remote || info.take().is_none_or(|info| diagrams::is_harmless(&info, &code))
            }
            _ => true,
        };
        if !fine {
            return false;
        }
    }
    true
}

/// Whether HTML is what the firewall would write.
fn markup_is_harmless(source: &str, remote: bool) -> bool {
    let class = names::of_box(0);
    let ids = HashSet::new();
    let scope = Scope { class: &class, root: Root::Around };
    let mut removed = Removals::new();
    let mut markup = Markup { remote, scope, ids: &ids, formulas: &[], roams: false, styled: false };
    let source = super::unscoped(source, &class);
    let cleaned = super::unscoped(&markup.clean(&source, &mut removed), &class);
    let mut written = String::new();
    escape::markup(&cleaned, false, &mut written);
    removed.is_empty() && tags(&written) == tags(&source.replace("<!-- -->", ""))
}

/// What begins like a tag, up to where it ends.
fn tags(markup: &str) -> Vec<&str> {
    let begins =
        |rest: &&str| rest.starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'));
    markup.split('<').skip(1).filter(begins).map(|rest| rest.split('>').next().unwrap_or_default()).collect()
}
