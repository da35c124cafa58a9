//! Text from the guest made fit to be part of an answer, and numbers for people.

use crate::observe::is_visible;

/// Characters of a name, path or line that are shown at most.
pub const NAME_MAX: usize = 80;
/// Characters of a line of source that are shown at most.
pub const LINE_MAX: usize = 160;

/// `text` as one line of at most `most` characters: what cannot be seen is replaced, what is too long is cut.
pub fn clean(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (index, letter) in text.trim().chars().enumerate() {
        if index == most {
            shown.push('…');
            break;
        }
        shown.push(visible(letter));
    }
    shown
}

/// As [`clean`], for what stands between backticks in a sentence.
pub fn clean_name(text: &str) -> String {
    clean(text, NAME_MAX).replace('`', "'")
}

/// Controls could drive a terminal, and direction marks make text read other than it is.
fn visible(letter: char) -> char {
    match letter {
        '\t' => ' ',
        letter if is_visible(letter) => letter,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// With commas between thousands.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Fuel in billions, or millions where that says more.
pub fn fuel(count: u64) -> String {
    let (unit, word) = if count >= 100_000_000 { (1e9, "billion") } else { (1e6, "million") };
    #[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
    let amount = count as f64 / unit;
    let digits = if amount >= 100.0 { 0 } else { 2 };
    format!("{amount:.digits$} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unseen_gets_through_and_nothing_long() {
        assert_eq!(clean(" a\tb\u{1b}[2J\u{202e}c\n", 80), "a b\u{fffd}[2J\u{fffd}c");
        assert_eq!(clean(&"é".repeat(500), 10), format!("{}…", "é".repeat(10)));
        assert_eq!(clean_name("a`b"), "a'b");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(
            (fuel(1_234_567_890), fuel(12_300_000), fuel(500_000_000_000)),
            ("1.23 billion".into(), "12.30 million".into(), "500 billion".into())
        );
    }
}
