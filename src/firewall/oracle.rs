//! What the tests hold results against: a list of what must not be in HTML, written without a look at the
//! tables of what may. It parses what came out and searches it.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer};

use super::html::parsed_elements;

/// Everything in this HTML that could run or load something; nothing if all is well.
pub fn complaints(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    // As a page reads it, and once more tag by tag, as if no text were ever raw.
    for (name, attributes) in parsed_elements(html).into_iter().chain(tags(html)) {
        let lower = name.to_ascii_lowercase();
        if [
            "script",
            "iframe",
            "frame",
            "frameset",
            "object",
            "embed",
            "applet",
            "base",
            "meta",
            "link",
            "form",
            "button",
            "textarea",
            "select",
            "noscript",
            "template",
            "foreignobject",
            "animate",
            "animatetransform",
            "animatemotion",
            "set",
            "feimage",
            "plaintext",
            "xmp",
            "portal",
            "annotation-xml",
            "mglyph",
            "malignmark",
            "handler",
            "discard",
        ]
        .contains(&lower.as_str())
        {
            found.push(format!("<{name}>"));
        }
        for (attribute, value) in attributes {
            complain_of_attribute(&lower, &attribute.to_ascii_lowercase(), &value, &mut found);
        }
    }
    let lower = unescaped(&html.to_ascii_lowercase());
    for sign in
        ["@import", "@font-face", "expression(", "-moz-binding", "image-set(", "position: fixed", "position:fixed"]
    {
        if sheets(&lower).any(|sheet| sheet.contains(sign)) {
            found.push(format!("{sign} in a style sheet"));
        }
    }
    for url in sheets(&lower).flat_map(|sheet| sheet.split("url(").skip(1)) {
        let url = url.trim_start_matches([' ', '"', '\'']);
        if !url.starts_with('#') && !url.starts_with("data:image/") {
            found.push(format!("url({url:.40} in a style sheet"));
        }
    }
    found
}

/// A text with CSS escapes resolved: `\\75 rl(` is `url(`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let length = part.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        match u32::from_str_radix(&part[..length], 16).ok().and_then(char::from_u32) {
            Some(character) => {
                out.push(character);
                out.push_str(part[length..].strip_prefix(' ').unwrap_or(&part[length..]));
            }
            None => out.push_str(part),
        }
    }
    out
}

fn sheets(html: &str) -> impl Iterator<Item = &str> {
    html.split("<style").skip(1).filter_map(|rest| rest.split("</style").next())
}

fn complain_of_attribute(element: &str, name: &str, value: &str, found: &mut Vec<String>) {
    let value = &unescaped(value);
    // Around a URL browsers ignore every control character, in it only tabs and the ends of lines.
    let squeezed: String = value
        .trim_matches(|character: char| character <= ' ')
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    if name.starts_with("on")
        || ["srcdoc", "action", "formaction", "background", "srcset", "ping", "manifest", "name", "is", "xml:base"]
            .contains(&name)
    {
        found.push(format!("{name}= on <{element}>"));
    }
    if name.starts_with("data-") || name == "contenteditable" {
        found.push(format!("{name}= on <{element}>"));
    }
    let leads = ["href", "xlink:href", "src", "poster"].contains(&name);
    let runs =
        ["javascript:", "vbscript:", "data:text", "data:application", "data:image/svg", "data:,", "blob:", "file:"];
    if leads && runs.iter().any(|start| squeezed.starts_with(start)) {
        found.push(format!("{name}={squeezed:.60} on <{element}>"));
    }
    // Nothing is fetched for an empty address of a picture (HTML, "update the image data"), nor for one in SVG.
    let loads = leads && element != "a" && !(["img", "image"].contains(&element) && squeezed.is_empty());
    if loads
        && !(squeezed.starts_with("data:image/")
            || squeezed.starts_with("data:audio/")
            || squeezed.starts_with("data:video/")
            || squeezed.starts_with('#'))
    {
        found.push(format!("{name}={squeezed:.60} loads on <{element}>"));
    }
    if !leads && name != "title" && name != "alt" {
        let squeezed = without_strings(&squeezed);
        for sign in
            ["url(h", "url(/", "url('h", "url(\"h", "url('/", "url(\"/", "image-set(", "expression(", "position:fixed"]
        {
            if squeezed.contains(sign) && name == "style" {
                found.push(format!("{sign} in style= on <{element}>"));
            }
        }
        if squeezed.contains("url(")
            && !squeezed.contains("url(#")
            && !squeezed.contains("url(\"#")
            && !squeezed.contains("url(data:image/")
            && !squeezed.contains("url(\"data:image/")
            && !squeezed.contains("url('data:image/")
            && name != "d"
        {
            found.push(format!("{squeezed:.60} in {name}= on <{element}>"));
        }
    }
}

/// CSS without the strings that are mere words in it: what they say is nothing that is loaded, unless a function takes it.
fn without_strings(css: &str) -> String {
    let mut out = String::new();
    let mut rest = css;
    while let Some(start) = rest.find(['"', '\'']) {
        let (before, string) = rest.split_at(start);
        let (quote, inside) = string.split_at(1);
        out.push_str(before);
        let whole = inside.split_once(quote).filter(|(words, _)| !words.contains('\\'));
        // A quotation mark in a comment or an address is none, and so nothing is known of those after it.
        let Some((words, after)) = whole.filter(|_| !css.contains("/*") && !before.ends_with('(')) else {
            out.push_str(string);
            return out;
        };
        out.push_str(if words.is_empty() { "" } else { "\"words\"" });
        rest = after;
    }
    out + rest
}

type Tag = (String, Vec<(String, String)>);

/// All start tags of a text, where nothing is raw text and nothing is foreign.
fn tags(html: &str) -> Vec<Tag> {
    #[derive(Default)]
    struct Sink(RefCell<Vec<Tag>>);
    impl TokenSink for Sink {
        type Handle = ();
        fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
            if let Token::TagToken(tag) = token {
                let attributes = tag
                    .attrs
                    .iter()
                    .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()))
                    .collect();
                self.0.borrow_mut().push((tag.name.to_string(), attributes));
            }
            TokenSinkResult::Continue
        }
    }
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Sink::default(), Default::default());
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[test]
fn the_oracle_sees_what_it_should() {
    for html in [
        "<script>x</script>",
        "<img src=http://evil>",
        "<img src=x onerror=y>",
        "<a href=' java\nscript:x'>y</a>",
        "<svg><use href='//evil#x'/></svg>",
        "<p style='background:url(http://evil)'>",
        "<style>@import 'x'</style>",
        "<svg fill='url(http://evil)'>",
        "<svg><set/></svg>",
        "<p style='cursor: url(\"http://evil\")'>",
        "<p style='quotes: \"x\"; background: url(http://evil)'>",
        "<p style='x: \"a; background: url(http://evil)'>",
    ] {
        assert!(!complaints(html).is_empty(), "{html}");
    }
    assert!(
        complaints("<a href='http://x'>x</a><img src='data:image/png;base64,x'><style>a { color: red }</style>")
            .is_empty()
    );
    assert!(complaints("<p style='x: \"url(http://evil)\"'>words</p>").is_empty());
}
