//! Text from outside (a guest, a notebook, a stored session, a policy, the names of files) where people read it: in a
//! terminal, in a log, in what Cellblock says itself. One place decides which characters are only seen.
//!
//! The rule is by Unicode's general categories, so that what is assigned tomorrow is safe today: letters, marks,
//! numbers, punctuation, symbols and the space are visible. Controls (C0, C1), formats (bidirectional controls, zero
//! width characters, tags), separators of lines, surrogates, private use and what is not assigned are not.

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// Marks that may follow one another on a character; more of them run over the lines above and below.
const MOST_MARKS: usize = 8;

/// Whether a character does nothing but being seen: it steers no terminal, turns no text around and is not hidden.
pub fn is_visible(char: char) -> bool {
    if char.is_ascii() {
        return matches!(char, ' '..='~');
    }
    !matches!(
        category(char),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

/// Whether a text can be a name: visible throughout, no separators but plain spaces, none at its ends, and nothing
/// that draws blank or is stacked without end.
pub fn is_name(text: &str) -> bool {
    let separates = |char: char| char != ' ' && category(char) == GeneralCategory::SpaceSeparator;
    let plain = text.chars().all(|char| is_visible(char) && !separates(char) && !draws_blank(char));
    !text.is_empty() && text.trim() == text && plain && text.chars().next().is_some_and(|first| !is_mark(first)) && {
        let mut marks = 0;
        text.chars().all(|char| {
            marks = if is_mark(char) { marks + 1 } else { 0 };
            marks <= MOST_MARKS
        })
    }
}

/// At most `most` characters of a text on one line, each that is not only seen as `�`.
pub fn shown(text: &str, most: usize) -> String {
    text.chars().take(most).map(|char| if is_visible(char) { char } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// A text of several lines: its lines and tabs stay, what else is not only seen becomes `�`.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    let stays = |char: char| matches!(char, '\n' | '\t') || is_visible(char);
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|char| if stays(char) { char } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// JSON as it is printed: what is not only seen is escaped, so that it stays the same JSON.
pub fn shown_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for char in json.chars() {
        if char == '\n' || is_visible(char) {
            shown.push(char);
        } else {
            escape(char, &mut shown);
        }
    }
    shown
}

/// Appends a character as JSON escapes it.
pub(super) fn escape(char: char, to: &mut String) {
    for unit in char.encode_utf16(&mut [0; 2]) {
        // Writing to a string never fails.
        let _ = write!(to, "\\u{unit:04x}");
    }
}

fn category(char: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(char)
}

fn is_mark(char: char) -> bool {
    !char.is_ascii()
        && matches!(
            category(char),
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
        )
}

/// Letters and symbols that look like nothing: the fillers of Hangul, the empty pattern of Braille, and marks that
/// choose a variant or join.
fn draws_blank(char: char) -> bool {
    matches!(
        char,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each sort that does more than being seen.
    const ACTS: &[char] = &[
        '\0',
        '\x07',
        '\x08',
        '\r',
        '\x1b',
        '\x7f',
        '\u{85}',
        '\u{9b}',
        '\u{9d}',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{206f}',
        '\u{e000}',
        '\u{feff}',
        '\u{fff9}',
        '\u{ffff}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{f0000}',
        '\u{10ffff}',
        '\u{378}',
    ];

    #[test]
    fn only_what_is_seen_is_shown() {
        for &char in ACTS {
            let text = format!("a{char}b");
            assert_eq!(shown(&text, 10), "a\u{fffd}b", "{}", char.escape_unicode());
            assert!(!is_name(&text), "{}", char.escape_unicode());
            assert_eq!(shown_lines(&text), "a\u{fffd}b", "{}", char.escape_unicode());
        }
        let harmless = "größe 漢字 नमस्ते 🙂 «x» e\u{301} a\u{a0}b";
        assert_eq!(shown(harmless, 100), harmless);
        assert_eq!(shown_lines("one\n\ttwo"), "one\n\ttwo");
        assert_eq!(shown(&"x".repeat(1_000), 10).len(), 10);
    }

    #[test]
    fn json_stays_the_same_json() {
        let text: String = ACTS.iter().collect();
        let json = serde_json::to_string_pretty(&serde_json::json!({ text.as_str(): [text] })).unwrap();
        let shown = shown_json(&json);
        assert!(shown.chars().all(|char| char == '\n' || is_visible(char)), "{shown}");
        let (before, after): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&json).unwrap(), serde_json::from_str(&shown).unwrap());
        assert_eq!(before, after);
    }

    #[test]
    fn names_are_what_people_can_read_and_type() {
        for good in ["a", "before fit", "größe-2", "漢字", "नमस्ते", "v1.2_final (b)", "🙂", "it's"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", " a", "a ", "a\u{a0}b", "a\u{3000}b", "a\tb", "\u{3164}", "\u{2800}", "\u{301}a", "a\u{fe0f}"] {
            assert!(!is_name(bad), "{}", bad.escape_unicode());
        }
        assert!(!is_name(&format!("a{}", "\u{301}".repeat(9))), "marks that run over the lines above");
    }
}
