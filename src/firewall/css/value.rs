//! CSS values, token by token: which functions may stand in them, and where their URLs lead.

use cssparser::{ParseError, Parser, ToCss, Token};
use std::borrow::Cow;

use super::super::names;
use super::super::removals::{Kind, Removals};
use super::super::url::{Place, Verdict, judge};
use super::{Reading, parser};

/// Functions that only compute.
const FUNCTIONS: [&str; 72] = [
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "attr",
    "blur",
    "brightness",
    "calc",
    "circle",
    "clamp",
    "color",
    "color-mix",
    "conic-gradient",
    "contrast",
    "cos",
    "counter",
    "counters",
    "cubic-bezier",
    "drop-shadow",
    "ellipse",
    "env",
    "exp",
    "fit-content",
    "grayscale",
    "hsl",
    "hsla",
    "hue-rotate",
    "hwb",
    "hypot",
    "inset",
    "invert",
    "lab",
    "lch",
    "light-dark",
    "linear-gradient",
    "log",
    "matrix",
    "matrix3d",
    "max",
    "min",
    "minmax",
    "mod",
    "oklab",
    "oklch",
    "opacity",
    "path",
    "perspective",
    "polygon",
    "pow",
    "radial-gradient",
    "rect",
    "rem",
    "repeat",
    "repeating-conic-gradient",
    "repeating-linear-gradient",
    "repeating-radial-gradient",
    "rgb",
    "rgba",
    "rotate",
    "rotate3d",
    "round",
    "saturate",
    "scale",
    "sepia",
    "sin",
    "skew",
    "sqrt",
    "steps",
    "tan",
    "translate",
    "var",
];
const FAMILIES: [&str; 4] = ["rotate", "scale", "skew", "translate"];

/// Functions that name something to load.
const LOADERS: [&str; 7] =
    ["url", "src", "image", "image-set", "-webkit-image-set", "cross-fade", "-webkit-cross-fade"];

/// What one value turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Fine,
    /// Not CSS that a browser would take.
    Nonsense,
    Remote,
    Code,
}

/// Reads a value up to the end of the input. It comes back as written where that is beyond doubt, else written
/// anew; not at all if it may not stay.
pub fn read<'i>(input: &mut Parser<'i>, reading: &mut Reading) -> Option<Cow<'i, str>> {
    let start = input.position();
    let mut normal = Normal::default();
    let found = tokens(input, reading.remote, &mut normal);
    let written = input.slice_from(start);
    let Normal { text: normal, renames } = normal;
    match found {
        Found::Fine if !renames && !written.contains(['\\', '\0']) && !written.contains("/*") && is_closed(written) => {
            Some(Cow::Borrowed(written))
        }
        // Escapes and comments are gone now, and all is closed; the same rules hold for what is left.
        Found::Fine if tokens(&mut parser(&normal), reading.remote, &mut Normal::default()) == Found::Fine => {
            Some(Cow::Owned(normal))
        }
        Found::Fine | Found::Nonsense => None,
        Found::Remote => {
            reading.removed.add(Kind::Remote);
            None
        }
        Found::Code => {
            reading.removed.add(Kind::Style);
            None
        }
    }
}

/// Whether what follows such a value is not taken for a part of it, as after a string without its end.
fn is_closed(written: &str) -> bool {
    if !written.contains(['(', '[', '"', '\'']) {
        return true;
    }
    let followed = format!("{written};end");
    let mut input = parser(&followed);
    let mut last_two = [false; 2];
    while let Ok(token) = input.next() {
        last_two = match token {
            Token::Semicolon => [true, false],
            Token::Ident(name) => [last_two[0], &**name == "end"],
            _ => [false; 2],
        };
    }
    last_two == [true, true]
}

/// Whether a single value may stay; if not, that is counted.
pub fn value_is_fine(value: &str, remote: bool, removed: &mut Removals) -> bool {
    single(value, remote, removed).is_some()
}

/// What may stay of a single value, as of an attribute of SVG; if it may not, that is counted.
pub fn single<'v>(value: &'v str, remote: bool, removed: &mut Removals) -> Option<Cow<'v, str>> {
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .,#%-+".contains(&byte));
    if plain {
        return Some(Cow::Borrowed(value));
    }
    if value.len() > super::MAX_CSS {
        removed.add(Kind::TooLarge);
        return None;
    }
    read(&mut parser(value), &mut Reading { remote, removed, roams: false })
}

/// A value as it is written anew.
#[derive(Default)]
struct Normal {
    text: String,
    /// Whether it refers to a part of the output by a name that gets its prefix here.
    renames: bool,
}

fn tokens(input: &mut Parser, remote: bool, normal: &mut Normal) -> Found {
    let mut found = Found::Fine;
    // Whether what comes next stands right after a word or a number.
    let mut joined = false;
    loop {
        let token = match input.next_including_whitespace_and_comments() {
            Ok(token) => token.clone(),
            Err(_) => return found,
        };
        if let Token::Comment(_) = token {
            // Not nothing: `u/**/rl(` must not become `url(`.
            normal.text.push(' ');
            continue;
        }
        if !matches!(token, Token::UnquotedUrl(_)) {
            let _ = token.to_css(&mut normal.text);
        }
        let here = match &token {
            Token::UnquotedUrl(url) => {
                let _ = Token::UnquotedUrl(renamed(url, &mut normal.renames).into()).to_css(&mut normal.text);
                target(url, remote)
            }
            Token::Function(name) => function(name, input, remote, normal),
            // `#url(…)` is no function, but looks like one to whoever reads less closely.
            Token::ParenthesisBlock if joined => nested(input, remote, normal, ')').max(Found::Nonsense),
            Token::ParenthesisBlock => nested(input, remote, normal, ')'),
            Token::SquareBracketBlock => nested(input, remote, normal, ']'),
            Token::CurlyBracketBlock => {
                let _ = nested(input, remote, normal, '}');
                Found::Nonsense
            }
            Token::Ident(_)
            | Token::Hash(_)
            | Token::IDHash(_)
            | Token::QuotedString(_)
            | Token::Number { .. }
            | Token::Percentage { .. }
            | Token::Dimension { .. }
            | Token::WhiteSpace(_)
            | Token::Comma
            | Token::Colon
            | Token::Delim('+' | '-' | '*' | '/' | '!' | '.' | '=' | '%') => Found::Fine,
            Token::BadUrl(_) => Found::Remote,
            _ => Found::Nonsense,
        };
        found = found.max(here);
        joined = !matches!(token, Token::WhiteSpace(_) | Token::Comma | Token::Colon | Token::Delim(_));
    }
}

fn nested(input: &mut Parser, remote: bool, normal: &mut Normal, end: char) -> Found {
    let found = input.parse_nested_block(|input| Ok::<_, ParseError<()>>(tokens(input, remote, normal)));
    normal.text.push(end);
    // Nested deeper than the parser goes.
    found.unwrap_or(Found::Code)
}

fn function(name: &str, input: &mut Parser, remote: bool, normal: &mut Normal) -> Found {
    let name = name.to_ascii_lowercase();
    if name == "url" {
        return url(input, remote, normal);
    }
    let inside = nested(input, remote, normal, ')');
    match name.as_str() {
        name if FUNCTIONS.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family)) => inside,
        name if LOADERS.contains(&name) => inside.max(Found::Remote),
        "element" | "paint" | "expression" => Found::Code,
        _ => inside.max(Found::Nonsense),
    }
}

/// `url("…")`; without the quotation marks it is a token of its own.
fn url(input: &mut Parser, remote: bool, normal: &mut Normal) -> Found {
    let found = input.parse_nested_block(|input| {
        let address = input.expect_string_cloned().map_err(ParseError::<()>::from)?;
        let _ = Token::QuotedString(renamed(&address, &mut normal.renames).into()).to_css(&mut normal.text);
        input.expect_exhausted().map_err(ParseError::<()>::from)?;
        Ok(target(&address, remote))
    });
    normal.text.push(')');
    found.unwrap_or(Found::Remote)
}

/// A URL, with the prefix of the output's names if it refers to one of them.
fn renamed(url: &str, renames: &mut bool) -> String {
    match names::reference(url.trim_matches(|character: char| character <= ' ')) {
        Some(Cow::Owned(name)) => {
            *renames = true;
            name
        }
        _ => url.to_owned(),
    }
}

fn target(url: &str, remote: bool) -> Found {
    // Older browsers load the page itself for it.
    if url.trim().is_empty() {
        return Found::Nonsense;
    }
    if judge(url, Place::Fragment) == Verdict::Fine {
        return Found::Fine;
    }
    match judge(url, Place::Image) {
        Verdict::Fine => Found::Fine,
        Verdict::Remote if remote => Found::Fine,
        Verdict::Remote => Found::Remote,
        Verdict::Code => Found::Code,
    }
}
