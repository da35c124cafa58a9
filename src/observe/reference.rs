//! `docs/logging.md`, made from the table of events, so that they agree.

use std::fmt::Write as _;

use super::events::EVENTS;

/// What `docs/logging.md` is.
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    for event in EVENTS {
        let _ = write!(text, "\n### `{}`\n\n{}", event.name, event.doc.trim());
        let _ = writeln!(
            text,
            "{}\n",
            if event.level == "info" { String::new() } else { format!(" Level `{}`.", event.level) }
        );
        text.push_str("| field | is | meaning |\n|---|---|---|\n");
        for (name, kind, about) in event.fields {
            let _ = writeln!(text, "| `{name}` | {kind} | {} |", about.trim());
        }
    }
    text
}

const HEAD: &str = include_str!("logging_head.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/logging.md");
        if std::env::var_os("CELLBLOCK_BLESS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), page(), "CELLBLOCK_BLESS=1 writes it anew");
    }

    #[test]
    fn names_are_unique_and_no_field_is_called_like_a_part_of_the_line() {
        let mut names: Vec<_> = EVENTS.iter().map(|event| event.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EVENTS.len());
        for event in EVENTS {
            for (field, ..) in event.fields {
                assert!(!["timestamp", "level", "target", "event", "message"].contains(field), "{}", event.name);
            }
        }
    }
}
