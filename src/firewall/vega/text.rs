//! What a text may be where no expression stands. In Vega-Lite much of it is written into expressions, some of it as it
//! is: so words are words, and what is between quotation marks stays there.

use super::keys::Rule;
use super::language::Language;
use super::names;

/// Whether a text may stand under a key with this rule.
pub fn fits(rule: Rule, text: &str, language: Language, imputes: bool) -> bool {
    match rule {
        // A number, if written as one.
        Rule::Plain => {
            !text.is_empty()
                && text.len() < 20
                && text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte))
        }
        Rule::Word => names::is_word(text),
        Rule::Text | Rule::Tooltip => language == Language::Vega || names::is_text(text),
        Rule::Name => names::is_name(text),
        Rule::Field => {
            names::is_path(text)
                && (!imputes || text.chars().all(|character| character.is_alphanumeric() || "_.".contains(character)))
        }
        Rule::Font => text.chars().all(|character| character.is_alphanumeric() || " ,'\"-_.".contains(character)),
        Rule::Shape => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ,.+-_\n".contains(&byte)),
        // Older versions of Vega-Lite put it between either kind of quotation marks.
        Rule::Format => is_format(text) && (language == Language::Vega || !text.contains('\'')),
        // Others are names of functions.
        Rule::FormatType => matches!(text, "number" | "time"),
        Rule::Date => is_date(text),
        Rule::Parse => is_parser(text),
        Rule::Delimiter => matches!(text, "," | ";" | "\t" | "|" | ":" | " "),
        _ => false,
    }
}

/// How a number or a time is written: between quotation marks it stays one text, and so where Vega-Lite puts it in place
/// of a part of another expression.
fn is_format(text: &str) -> bool {
    text.len() <= 200
        && names::stays_in_place(text)
        && !text.contains(['"', '\\', '`'])
        && !text.chars().any(char::is_control)
}

/// The name or the number of a part of a date, or how it is written.
pub fn is_date(text: &str) -> bool {
    let short = text.len() <= 12;
    let all = |fits: fn(&u8) -> bool| text.as_bytes().iter().all(fits);
    (short && (all(u8::is_ascii_alphabetic) || all(u8::is_ascii_digit)))
        || (text.trim_start_matches([':', '.']).starts_with('%')
            && is_format(text)
            && !text.contains(['\'', '(', ')', '[', ']']))
}

/// How a column is read.
fn is_parser(text: &str) -> bool {
    matches!(text, "auto" | "boolean" | "number" | "date" | "string" | "utc" | "json")
        || text.split_once(':').is_some_and(|(kind, pattern)| {
            let inner = pattern.strip_prefix(['\'', '"']).and_then(|rest| rest.strip_suffix(['\'', '"']));
            matches!(kind, "date" | "utc") && {
                let pattern = inner.unwrap_or(pattern);
                is_format(pattern) && !pattern.contains('\'')
            }
        })
}
