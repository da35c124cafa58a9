//! Columns for people. What comes from stored sessions may contain anything, so nothing of it is printed that a
//! terminal would act upon.

use chrono::{DateTime, Local, Utc};

use crate::observe::is_visible;

/// A column's values stand at its left or its right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Rows below their titles, each column as wide as it has to be.
pub(super) fn table(columns: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    let titles: Vec<String> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&titles).chain(rows).collect();
    let width = |index: usize| all.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).map(|index| width(index).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(columns).zip(&widths).map(|((cell, (_, side)), width)| match side {
            Side::Left => format!("{cell:<width$}"),
            Side::Right => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Text of others, on one line and harmless.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|char| if is_visible(char) { char } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// The end of a text that is too long for a column: of a path it says the most.
pub(super) fn end_of(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let end: String = text.chars().skip(count - most.saturating_sub(1)).collect();
    format!("…{end}")
}

/// Bytes, rounded.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "it is rounded to a tenth")]
    let mut scaled = bytes as f64 / 1000.0;
    let mut unit = 0;
    // What would be rounded to 1000.0 is one of the next.
    while scaled >= 999.95 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS.get(unit).unwrap_or(&"PB"))
}

/// A time, on the user's clock.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_have_to_be() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["länger".to_owned(), "100".to_owned()]];
        let text = table(&[("name", Side::Left), ("n", Side::Right)], &rows);
        assert_eq!(text, "name      n\na         1\nlänger  100");
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_act_upon() {
        assert_eq!(plain("a\x1b[31mb\nc\u{202e}d\u{9b}e"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}e");
        assert_eq!(plain("größe 漢字"), "größe 漢字");
    }

    #[test]
    fn sizes_and_long_paths_are_short() {
        let sizes = [0, 999, 1000, 1_234_567, 999_999, 150_000_000_000, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "1.2 MB", "1.0 MB", "150.0 GB", "18446.7 PB"]);
        assert_eq!((end_of("abc", 3), end_of("abcd", 3)), ("abc".to_owned(), "…cd".to_owned()));
    }
}
