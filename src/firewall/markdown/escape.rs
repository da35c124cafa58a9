//! How texts, addresses and markup are written so that every reader of Markdown takes them for the same.

use super::super::url::{Place, Verdict, judge};

/// The longest address of a link, in bytes.
const MAX_ADDRESS: usize = 16 << 10;

/// Stands before a character of a text that was escaped, and so is no mark.
pub const ESCAPED: char = '\u{10fffc}';

/// Stands before and after the number of a formula: punctuation, as what front-ends put there, that no text has.
pub const FORMULA: char = '\u{2e4f}';

/// A text's characters as references by number, where any reader could take them for more.
pub fn reference(character: char, out: &mut String) {
    out.push_str("&#");
    out.push_str(&u32::from(character).to_string());
    out.push(';');
}

/// The text between other parts of a paragraph. `next_is_link` says that a link comes next, `in_table` and `in_link` where
/// it stands.
pub fn text(text: &str, next_is_link: bool, in_table: bool, in_link: bool, out: &mut String) {
    let mut escaped = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == ESCAPED {
            escaped = true;
            continue;
        }
        let after = text.get(at + character.len_utf8()..).unwrap_or_default();
        let next = after.chars().next();
        match character {
            '*' | '_' | '~' if !std::mem::take(&mut escaped) => out.push(character),
            '*' | '_' | '~' => reference(character, out),
            '<' if next.is_some_and(|next| next.is_ascii() && !next.is_ascii_alphabetic() && !"/!?".contains(next)) => {
                out.push('<')
            }
            '<' => out.push_str("&lt;"),
            '&' if begins_reference(after) => out.push_str("&amp;"),
            FORMULA if is_in_word_with_address(out) => {
                // A reader that makes links of words would take it for a part of the address.
                out.push_str(super::NOTHING);
                out.push(FORMULA);
                copy_number(&mut characters, out);
            }
            FORMULA => {
                out.push(FORMULA);
                copy_number(&mut characters, out);
            }
            '\\' if next.is_some_and(|next| next.is_ascii_alphanumeric() || next == ' ')
                && !after.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("begin"))
                && !after.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("end")) =>
            {
                out.push('\\')
            }
            '`' | '$' | '\\' => reference(character, out),
            '[' | ']' if in_link => reference(character, out),
            ']' if after.trim_start().starts_with(['(', ':']) || after.trim_start().is_empty() => {
                reference(character, out)
            }
            '!' if next.is_none() && next_is_link => reference(character, out),
            '|' if in_table => reference(character, out),
            '@' if out.ends_with('@') => reference(character, out),
            ':' if after.starts_with("//") && !follows_page_scheme(out) => reference(character, out),
            '\u{a0}' => out.push_str("&nbsp;"),
            _ => out.push(character),
        }
        escaped = false;
    }
}

/// The number of a formula, and what ends it.
fn copy_number(characters: &mut std::iter::Peekable<std::str::CharIndices>, out: &mut String) {
    for (_, character) in characters.by_ref() {
        out.push(character);
        if character == FORMULA {
            return;
        }
    }
}

/// Whether what follows an ampersand makes it the beginning of a reference to a character; at the end of a text nobody
/// knows.
fn begins_reference(after: &str) -> bool {
    let name = after.strip_prefix('#').unwrap_or(after);
    let length = name.bytes().take(40).take_while(u8::is_ascii_alphanumeric).count();
    match name.as_bytes().get(length) {
        Some(byte) => length > 0 && *byte == b';',
        None => true,
    }
}

/// How far back an address is looked for in a word.
const MAX_WORD: usize = 256;

/// Whether what was written ends in a word that a reader may take for an address: it would take for a part of that
/// address whatever comes next.
pub fn is_in_word_with_address(out: &str) -> bool {
    let bytes = out.as_bytes();
    let length = bytes.iter().rev().take(MAX_WORD).take_while(|byte| !b" \n\t<".contains(byte)).count();
    if length == MAX_WORD {
        return true;
    }
    let word = bytes.get(bytes.len() - length..).unwrap_or_default();
    word.contains(&b':') || word.windows(4).any(|part| part.eq_ignore_ascii_case(b"www.")) || word.contains(&b'@')
}

/// Whether what was written ends in a scheme that leads to a page, or in none: readers make links of words.
fn follows_page_scheme(out: &str) -> bool {
    let length = out.bytes().rev().take(16).take_while(u8::is_ascii_alphanumeric).count();
    let word = out.get(out.len() - length..).unwrap_or_default();
    word.is_empty() || word.eq_ignore_ascii_case("http") || word.eq_ignore_ascii_case("https")
}

/// The address of a link or picture; none if it may not be one.
pub fn address(url: &str, place: Place) -> Option<String> {
    if judge(url, place) != Verdict::Fine {
        return None;
    }
    let data = place == Place::Image;
    let url = url.trim_matches(|character: char| character <= ' ');
    if !data && url.len() > MAX_ADDRESS {
        return None;
    }
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            b'&' => out.push_str("&amp;"),
            b'@' if out.ends_with('@') => out.push_str("%40"),
            _ if byte.is_ascii_alphanumeric() || b"-._~:/?#@!+,;=%".contains(&byte) => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // Every reader reads it like this one.
    (judge(&out, place) == Verdict::Fine).then_some(out)
}

/// Whether an address may stand in angle brackets as it is.
pub fn is_plain_address(address: &str) -> bool {
    address.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#@!+,;=%".contains(&byte))
        && !address.contains("@@")
}

/// The text of an attribute, as of a title.
pub fn attribute(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            _ if character.is_alphanumeric() || " .,;:/-+=()?!%#'".contains(character) => out.push(character),
            _ if !character.is_ascii() && !character.is_control() => out.push(character),
            _ => reference(character, out),
        }
    }
}

/// Markup that the HTML firewall has written, such that a reader that takes it for text has nothing to find in it. Line
/// ends within `<pre>` and attributes become references, and no line is empty.
pub fn markup(html: &str, one_line: bool, out: &mut String) {
    let mut rest = html;
    let mut in_pre = 0_usize;
    while !rest.is_empty() {
        let (text, tail) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        markup_text(text, in_pre > 0, one_line, out);
        let (tag, after) = tail.split_at(end_of_tag(tail));
        if tag.starts_with("<pre>") || tag.starts_with("<pre ") {
            in_pre += 1;
        } else if tag == "</pre>" {
            in_pre = in_pre.saturating_sub(1);
        }
        markup_tag(tag, out);
        rest = after;
        if tag.starts_with("<style") {
            // What is in it is CSS, where references mean nothing; it has no line ends that matter.
            let (sheet, after) = rest.split_at(rest.find("</style>").unwrap_or(rest.len()));
            out.push_str(sheet.replace('\n', " ").trim_end());
            rest = after;
        }
    }
}

/// The length of a tag that the HTML firewall wrote: attributes are in quotation marks, and hold no angle brackets.
fn end_of_tag(tail: &str) -> usize {
    tail.find('>').map_or(tail.len(), |at| at + 1)
}

fn markup_text(text: &str, in_pre: bool, one_line: bool, out: &mut String) {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' if in_pre => out.push_str("&#10;"),
            '\n' if one_line => out.push(' '),
            '\n' => {
                while characters.next_if(|next| matches!(next, ' ' | '\t' | '\n')).is_some() {}
                if !out.is_empty() && !out.ends_with('\n') {
                    out.push('\n');
                }
            }
            '*' | '_' | '`' | '[' | ']' | '~' | '$' | '\\' | '|' => reference(character, out),
            '@' if out.ends_with('@') => reference(character, out),
            _ => out.push(character),
        }
    }
}

fn markup_tag(tag: &str, out: &mut String) {
    for character in tag.chars() {
        match character {
            '\n' | '\t' | '\r' | '*' | '_' | '`' | '[' | ']' | '~' | '$' | '\\' | '|' | '{' | '}' => {
                reference(character, out)
            }
            '@' if out.ends_with('@') => reference(character, out),
            _ => out.push(character),
        }
    }
}

/// A formula as it may stand in Markdown: to a reader that knows none it is text without a link, a tag or code.
pub fn formula(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    // Of the signs that begin and end it, those within.
    let inner = source.trim_start_matches('$').trim_end_matches('$');
    let mut left = inner.matches('$').count();
    let mut begun = false;
    let mut characters = source.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        begun |= character != '$';
        if character == '$' && begun && left > 0 {
            left -= 1;
            // A reader for which a formula begins here would put it into the link that it makes of the word before.
            if is_in_word_with_address(&out) {
                out.push(' ');
            }
        }
        match character {
            '`' => out.push('\u{2035}'),
            ESCAPED | FORMULA => {}
            _ => out.push(character),
        }
        let apart = match character {
            '<' => next.is_some_and(|next| next.is_ascii_alphabetic() || "/!?".contains(next)),
            ']' => next.is_some_and(|next| "([:".contains(next)),
            '!' => next == Some('['),
            '~' | '@' => next == Some(character),
            _ => false,
        };
        if apart {
            out.push(' ');
        }
    }
    out
}

/// What lines of a paragraph could begin another block with: that is escaped. So are spaces at their ends.
pub fn lines(paragraph: &str) -> String {
    let mut out = String::with_capacity(paragraph.len());
    for (number, line) in paragraph.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let (line, last) = match line.strip_suffix(' ') {
            Some(line) => (line, "&#32;"),
            None => (line, ""),
        };
        if super::markup::line_begins_block(line, number == 0) {
            out.push_str(super::NOTHING);
        }
        out.push_str(&line_start(line));
        out.push_str(last);
    }
    out
}

fn line_start(line: &str) -> String {
    let mut characters = line.chars();
    let Some(first) = characters.next() else { return String::new() };
    let rest = characters.as_str();
    let blank_next = rest.is_empty() || rest.starts_with([' ', '\t']);
    let only = |signs: &str| line.chars().all(|next| signs.contains(next));
    let rule = only("-:| \t") && line.contains('-');
    let begins = match first {
        ' ' | '\t' => true,
        '#' => {
            let after = rest.trim_start_matches('#');
            after.is_empty() || after.starts_with([' ', '\t'])
        }
        '>' => true,
        '-' | '+' => blank_next || rule || rest.starts_with('-'),
        '*' | '_' => blank_next || only("* \t") || only("_ \t"),
        '=' => only("= \t"),
        '~' => rest.starts_with("~~"),
        '|' | ':' => rule,
        // A task.
        '[' => {
            ["x]", "X]", " ]"].iter().any(|done| rest.starts_with(done))
                && matches!(rest.as_bytes().get(2), None | Some(b' ' | b'\t'))
        }
        _ => false,
    };
    if begins {
        let mut out = String::with_capacity(line.len() + 8);
        match first {
            '\t' => out.push_str("&#32;"),
            _ => reference(first, &mut out),
        }
        if first == '~' {
            out.push_str(&rest.replacen('~', "&#126;", 2));
        } else {
            out.push_str(rest);
        }
        return out;
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let after = line.get(digits..).unwrap_or_default();
    let numbered = (1..10).contains(&digits)
        && after.starts_with(['.', ')'])
        && after.get(1..).is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t']));
    match numbered {
        true => format!("{}\\{after}", line.get(..digits).unwrap_or_default()),
        false => line.to_owned(),
    }
}
