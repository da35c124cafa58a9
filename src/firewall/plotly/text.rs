//! Plotly's texts: not HTML, but a little language that looks like it, read by regular expressions that have changed
//! over the years. What a tag is, and which attributes it has, each of them sees otherwise, and otherwise than a
//! browser. So texts are read strictly here and written anew in a dialect that all of them read alike: a few tags,
//! each attribute once and in double quotes, with no quotation mark, bracket or entity in its value. Whatever else
//! could begin a tag gets a space without width, so that it begins none.
//!
//! Texts are put together in the page (`%{customdata[0]}` in a template, a prefix before a number), so that a piece of
//! one must not become a tag by what comes before or after it: every string of a figure is written so.

use std::borrow::Cow;

use crate::firewall::latex;
use crate::firewall::removals::{Kind, Removals};
use crate::firewall::url::{Place, Verdict, judge};

/// The tags of the dialect. `extra` is not for showing: it sets apart a part of a hover text.
const TAGS: [&str; 11] = ["b", "i", "u", "s", "em", "sub", "sup", "span", "a", "br", "extra"];

/// A `<` that begins no tag, whatever comes after it: no tag's name begins with this space, which has no width. It is
/// one for those too that decode `&lt;` before they look for tags.
const UNNAMED: &str = "<\u{200b}";

/// The longest tag that is read as one.
const MAX_TAG: usize = 8 << 10;

/// What a style may set: how text looks, and not where it is.
const PROPERTIES: [&str; 18] = [
    "color",
    "fill",
    "fill-opacity",
    "opacity",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "letter-spacing",
    "word-spacing",
    "text-decoration",
    "text-transform",
    "baseline-shift",
];

/// The names of characters that plotly knows, as they are between `&` and `;`.
const NAMED: [(&str, char); 8] = [
    ("mu", 'μ'),
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("nbsp", '\u{a0}'),
    ("times", '×'),
    ("plusmn", '±'),
    ("deg", '°'),
];

/// The dialect's form of a text; nothing if it has it. What it would not let pass is counted. `typeset` says that
/// there are formulas in the figure: a part of one may be any text.
pub fn normalised(text: &str, typeset: bool, removed: &mut Removals) -> Option<String> {
    let unfilled = unfilled(text, removed);
    let text = unfilled.as_deref().unwrap_or(text);
    if !text.contains(['<', '&', '\\']) {
        return unfilled;
    }
    let mut written = written(text, removed).or_else(|| unfilled.clone());
    // Tags that are shorter now may stand in what is a template's name now: `%{<a x>:<=9}`.
    if let Some(filled) = written.as_deref().and_then(|written| self::unfilled(written, removed)) {
        written = Some(filled);
    }
    if let Some(plain) = read_twice(written.as_deref().unwrap_or(text), removed) {
        written = Some(plain);
    }
    if let Some(place) = begun_entity(written.as_deref().unwrap_or(text)) {
        let mut apart = written.unwrap_or_else(|| text.to_owned());
        apart.insert(place, '\u{200b}');
        written = Some(apart);
    }
    if typeset && text.contains('\\') {
        let mut formula = written.clone().unwrap_or_else(|| text.to_owned());
        latex::macros(&mut formula, true, removed);
        if formula != written.as_deref().unwrap_or(text) {
            written = Some(formula);
        }
    }
    written
}

/// Whether a format fills numbers up with a sign that could begin a tag, an entity or a macro, by what comes after it:
/// `<=9c` writes `<` before any text.
pub fn fills_with_signs(format: &str) -> bool {
    let mut characters = format.chars();
    let (Some(fill), Some(side)) = (characters.next(), characters.next()) else { return false };
    matches!(side, '<' | '>' | '=' | '^') && !(fill.is_alphanumeric() || " *_-+.,#~=/".contains(fill))
}

/// A text whose templates, `%{name:format}`, fill nothing up with such a sign; nothing if none does.
fn unfilled(text: &str, removed: &mut Removals) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    for (place, _) in text.match_indices("%{") {
        let rest = text.get(place + 2..).unwrap_or_default();
        let is_name = |next: char| !(next.is_whitespace() || "%{}:".contains(next));
        let mut format = rest.trim_start_matches(is_name).strip_prefix(':').unwrap_or_default();
        let start = text.len() - format.len();
        // What is left when one sign is gone could be such a format again.
        while fills_with_signs(format) {
            format = format.get(format.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
        }
        let end = text.len() - format.len();
        if start < end {
            out.push_str(text.get(done..start).unwrap_or_default());
            done = end;
            removed.add(Kind::PlotCode);
        }
    }
    (done > 0).then(|| out + text.get(done..).unwrap_or_default())
}

fn written(text: &str, removed: &mut Removals) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find('<')).map(|found| at + found) {
        let rest = text.get(start + 1..).unwrap_or_default();
        at = start + 1;
        let (tag, length) = match inside(rest).and_then(|inside| Some((tag(inside, removed)?, inside.len() + 1))) {
            Some(tag) => tag,
            None if stands_alone(rest) => continue,
            None => {
                if begins_tag(rest) {
                    removed.add(Kind::PlotCode);
                }
                (UNNAMED.to_owned(), 0)
            }
        };
        let end = start + 1 + length;
        if text.get(start..end) != Some(tag.as_str()) {
            out.push_str(text.get(done..start).unwrap_or_default());
            out.push_str(&tag);
            done = end;
        }
        at = end;
    }
    (done > 0).then(|| out + text.get(done..).unwrap_or_default())
}

/// What is between `<` and the next `>`, if no `<` comes before it.
fn inside(rest: &str) -> Option<&str> {
    let end = rest.bytes().take(MAX_TAG).position(|byte| byte == b'<' || byte == b'>')?;
    rest.get(..end).filter(|_| rest.as_bytes().get(end) == Some(&b'>'))
}

/// Whether this is the beginning of one of the dialect's tags, with attributes, whose end is not there.
fn begins_tag(rest: &str) -> bool {
    let length = rest.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(length);
    let inside = rest.split(['<', '>']).next().unwrap_or_default();
    rest.starts_with(' ') && inside.contains('=') && TAGS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether a `<` before this cannot begin a tag, whatever is put after it: a sign between numbers or words.
fn stands_alone(rest: &str) -> bool {
    const SIGNS: [char; 9] = [' ', '\n', '\t', '=', '-', '+', '.', '$', '\u{200b}'];
    rest.starts_with(|next: char| next.is_ascii_digit() || SIGNS.contains(&next))
}

/// A tag as it is written, `<` and `>` included; nothing if it is none of the dialect's.
fn tag(inside: &str, removed: &mut Removals) -> Option<String> {
    let (closes, rest) = match inside.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, inside),
    };
    let length = rest.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (name, mut rest) = rest.split_at(length);
    let name = name.to_ascii_lowercase();
    if !TAGS.contains(&name.as_str()) || !(rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r', '/'])) {
        return None;
    }
    if closes {
        return Some(format!("</{name}>"));
    }
    // As they were written, tags without attributes stay as they are: `<br />`.
    if rest.trim_matches(' ').trim_end_matches('/').trim_matches(' ').is_empty() {
        return Some(format!("<{name}{rest}>"));
    }
    let (mut href, mut target, mut style) = (None, None, None);
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        if rest.is_empty() || rest == "/" {
            break;
        }
        let Some((key, value, after)) = attribute(rest) else {
            removed.add(Kind::PlotCode);
            break;
        };
        rest = after;
        let value = decoded(value);
        match key.to_ascii_lowercase().as_str() {
            "href" if name == "a" && href.is_none() => href = link(&value, removed),
            // Without one plotly opens a window for the link; any other could be the page's own.
            "target" if name == "a" && target.is_none() && value == "_blank" => target = Some(value.into_owned()),
            "style" if style.is_none() => style = styled(&value, removed),
            key => removed.add(if key.starts_with("on") { Kind::Handler } else { Kind::PlotCode }),
        }
    }
    let mut out = format!("<{name}");
    for (key, value) in [("href", href), ("target", target), ("style", style)] {
        if let Some(value) = value {
            out.push_str(&format!(" {key}=\"{value}\""));
        }
    }
    out.push('>');
    Some(out)
}

/// One attribute: its name, what is in its quotation marks, and what comes after it.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let length = text.bytes().position(|byte| !(byte.is_ascii_alphabetic() || byte == b'-'))?;
    let (name, rest) = text.split_at(length);
    let rest = rest.trim_start_matches(' ').strip_prefix('=')?.trim_start_matches(' ');
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, after) = rest.get(1..)?.split_once(quote)?;
    (!name.is_empty() && (after.is_empty() || after.starts_with([' ', '\t', '\n', '\r', '/'])))
        .then_some((name, value, after))
}

/// An address that may be clicked, in the form of an attribute's value. Some versions of plotly decode `%6a` before
/// they use an address and after they have judged it.
fn link(value: &str, removed: &mut Removals) -> Option<String> {
    // What goes goes first: without it something else may stand there.
    let stays = |character: &char| *character == ' ' || !(character.is_control() || character.is_whitespace());
    let value: &str = &value.chars().filter(stays).collect::<String>();
    let unescaped = percent_decoded(value);
    let fine = |url: &str| judge(url, Place::Link) == Verdict::Fine && has_plain_scheme(url);
    // What is put in here by the page is not known yet.
    if !fine(value) || !fine(&unescaped) || value.contains("%{") {
        removed.add(Kind::CodeUrl);
        return None;
    }
    let mut out = String::new();
    for (place, character) in value.char_indices() {
        match character {
            '&' if entity(value.get(place..).unwrap_or_default()).is_some() => out.push_str("&amp;"),
            '"' => out.push_str("%22"),
            '\'' => out.push_str("%27"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            ' ' => out.push_str("%20"),
            '\\' => out.push('/'),
            character => out.push(character),
        }
    }
    Some(out)
}

/// Whether what stands before a colon, if that comes before all else, is a scheme to the letter. `=javascript:` is none
/// to a browser; but a `=` more or less is what the versions disagree in.
fn has_plain_scheme(url: &str) -> bool {
    let head = url.trim_start().split(['/', '?', '#', '\\']).next().unwrap_or_default();
    head.split_once(':')
        .is_none_or(|(scheme, _)| ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}

/// The declarations of a style that may stay.
fn styled(style: &str, removed: &mut Removals) -> Option<String> {
    let mut out = String::new();
    for declaration in style.split(';').filter(|declaration| !declaration.trim().is_empty()) {
        let kept = declaration.split_once(':').and_then(|(name, value)| {
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().replace(['"', '\''], ""));
            (PROPERTIES.contains(&name.as_str()) && is_plain_value(&value)).then_some((name, value))
        });
        let Some((name, value)) = kept else {
            removed.add(Kind::Style);
            continue;
        };
        if !out.is_empty() {
            out.push(';');
        }
        out.push_str(&format!("{name}:{value}"));
    }
    (!out.is_empty()).then_some(out)
}

/// Words, numbers and colours. A page may put something in for `%` and what follows it, unless that is a percentage.
pub fn is_plain_value(value: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" #.,%()+-/_".contains(byte);
    let mut last = ' ';
    let percentages = value.chars().all(|character| {
        let fine = character != '%' || last.is_ascii_digit();
        let fine = fine && !(last == '%' && character.is_ascii_alphanumeric());
        last = character;
        fine
    });
    let mut word = 0;
    let mut functions = true;
    for (place, byte) in value.bytes().enumerate() {
        match byte {
            b'(' => functions &= value.get(word..place).is_some_and(is_colour_function),
            byte if byte.is_ascii_alphanumeric() || byte == b'-' => continue,
            _ => {}
        }
        word = place + 1;
    }
    value.len() <= 256 && value.as_bytes().iter().all(plain) && percentages && functions
}

fn is_colour_function(name: &str) -> bool {
    let known =
        ["rgb", "rgba", "hsl", "hsla", "hsv", "hsva", "hwb", "lab", "lch", "oklab", "oklch", "color", "cmyk", ""];
    known.contains(&name.to_ascii_lowercase().as_str())
}

/// Old versions decode characters before they look for tags. What of a text has to be written otherwise for them
/// is then written without tags at all.
fn read_twice(text: &str, removed: &mut Removals) -> Option<String> {
    if !text.contains('&') {
        return None;
    }
    let mut plain = Cow::Borrowed(text);
    for _ in 0..8 {
        match decoded(&plain) {
            Cow::Owned(further) if further != *plain => plain = Cow::Owned(further),
            _ => break,
        }
    }
    if !plain.contains('<') {
        return None;
    }
    written(&plain, removed)?;
    Some(plain.replace('<', UNNAMED).replace('&', "&amp;"))
}

/// With its entities as the characters that they are, once.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(place) = rest.find('&') {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        match entity(from) {
            Some((character, length)) => {
                out.push(character);
                rest = from.get(length..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The entity at the beginning, with its length.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(16).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix('x') {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?).unwrap_or('\u{fffd}')
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((character, end + 1))
}

/// Where to set apart the beginning of an entity that a text ends with: what is put after it could be the rest.
fn begun_entity(text: &str) -> Option<usize> {
    let (before, name) = text.rsplit_once('&')?;
    let digits = name.strip_prefix("#x").or_else(|| name.strip_prefix('#'));
    let begun = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        || NAMED.iter().any(|(known, _)| known.starts_with(name));
    begun.then_some(before.len() + 1)
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (byte == b'%').then(|| [ahead.next(), ahead.next()]);
        let number = digits.and_then(|digits| {
            let [Some(high), Some(low)] = digits else { return None };
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        });
        match number {
            Some(number) => {
                out.push(number);
                bytes = ahead;
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
