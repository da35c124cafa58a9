//! `docs/guest-patches.md`.

use std::fmt::Write as _;

use super::PATCHES;
use crate::language::patch::{Change, Op, Patch};

const HEAD: &str = include_str!("guest_patches_head.md");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn listed(ops: &[Op]) -> String {
    ops.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn described(patch: &Patch) -> String {
    match &patch.change {
        Change::Edit { expected, times, replacement } => {
            let places = if *times == 1 { String::new() } else { format!(" ({times} places)") };
            format!("`{}`{places} becomes `{}`", listed(expected), listed(replacement))
        }
        Change::Wrap { body, .. } => format!("wrapped: `{}`", listed(body)),
        Change::WrapEach { copies, wrapped, about, .. } => format!("{wrapped} of {copies} wrapped: {about}"),
        Change::WrapMade { about, .. } => format!("wrapped: {about}"),
        Change::Add { about, .. } => format!("added: {about}"),
        Change::Text { expected, replacement, .. } => format!("\"{expected}\" becomes \"{replacement}\""),
    }
}

fn page() -> String {
    let mut text = HEAD.to_owned();
    for theme in PATCHES.themes {
        let _ = writeln!(
            text,
            "\n## {}\n\n{}\n\n| function | change | why | test |\n|---|---|---|---|",
            theme.title, theme.about
        );
        // Those that are changed alike for the same reason share a row.
        let row = |patch: &Patch| (described(patch), patch.reason, patch.test);
        for alike in theme.patches.iter().flat_map(|patches| patches.chunk_by(|one, next| row(one) == row(next))) {
            let functions = alike.iter().map(|patch| format!("`{}`", patch.function)).collect::<Vec<_>>().join(", ");
            for patch in alike.iter().take(1) {
                let (described, test) = (described(patch), patch.test.rsplit('/').next().unwrap_or_default());
                let _ = writeln!(text, "| {functions} | {described} | {} | `{test}` |", patch.reason);
            }
        }
    }
    text
}

#[test]
fn the_page_is_what_the_table_says() {
    let path = format!("{ROOT}/docs/guest-patches.md");
    if std::env::var_os("CELLBLOCK_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page(), "CELLBLOCK_BLESS=1 writes it anew");
}

#[test]
fn every_patch_has_a_reason_and_a_test_that_is_there() {
    for patch in PATCHES.all() {
        let (file, test) = patch.test.split_once("::").unwrap();
        let text = std::fs::read_to_string(format!("{ROOT}/{file}")).unwrap();
        assert!(text.contains(&format!("def {test}(")), "{}: {}", patch.function, patch.test);
        assert!(!patch.reason.is_empty());
    }
}
