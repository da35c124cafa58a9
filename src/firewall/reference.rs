//! `docs/firewall.md`: its tables are made from the firewall's own.

use std::fmt::Write as _;

use super::bundle::TYPES;
use super::removals::KINDS;

/// Where the prose ends.
const MARK: &str = "<!-- From here on written by the tests, from src/firewall (CELLBLOCK_BLESS=1). -->\n";

fn tables() -> String {
    let mut text = String::from("\n## What is done with each MIME type\n\n| type | what happens to it |\n|---|---|\n");
    for (names, _, does) in TYPES {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "| {} | {does} |", names.join(", "));
    }
    text.push_str("| any other | goes |\n\n## What can be removed\n\n");
    text.push_str("| name in `outputs_removed` | what it is | policy key that allows it |\n|---|---|---|\n");
    for (_, name, one, _, key) in KINDS {
        let key = key.map_or("none".to_owned(), |key| format!("`{key}`"));
        let _ = writeln!(text, "| `{name}` | {one} | {key} |");
    }
    text
}

#[test]
fn the_page_is_what_the_tables_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/firewall.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (prose, _) = page.split_once(MARK).expect("the mark");
    let wanted = format!("{prose}{MARK}{}", tables());
    if std::env::var_os("CELLBLOCK_BLESS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == wanted, "docs/firewall.md: write it anew with CELLBLOCK_BLESS=1");
}
