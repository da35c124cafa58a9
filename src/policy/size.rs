//! Sizes in bytes as people write them: `512 MiB`, `50 MB`.

/// Units from the largest down; those of 1024 before those of 1000.
const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

/// The bytes that `text` means: digits, and a unit if there is one. None if it is anything else or too large.
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = match unit.strip_prefix(' ').unwrap_or(unit) {
        "" | "B" => 1,
        name => UNITS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// The shortest exact text; `parse` takes it back.
pub fn shown(bytes: u64) -> String {
    let whole = UNITS.iter().filter(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    let shortest = whole.map(|(name, unit)| format!("{} {name}", bytes / unit)).min_by_key(String::len);
    shortest.unwrap_or_else(|| bytes.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_known_and_nothing_else() {
        for (text, expected) in [
            ("7", Some(7)),
            ("7 B", Some(7)),
            ("512 MiB", Some(512 << 20)),
            ("50MB", Some(50_000_000)),
            ("1 gib", Some(1 << 30)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5 GiB", None),
            ("1  GiB", None),
            ("1 ell", None),
            ("99999999999 TiB", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(
            (shown(0), shown(5), shown(1 << 30), shown(50_000_000)),
            ("0".into(), "5".into(), "1 GiB".into(), "50 MB".into())
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_is_understood(bytes: u64) {
            prop_assert_eq!(parse(&shown(bytes)), Some(bytes));
        }

        #[test]
        fn any_text_is_judged(text in ".{0,20}") {
            let _ = parse(&text);
        }
    }
}
