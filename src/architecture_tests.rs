//! Which room may use which: reads the imports, and fails on an arrow that points up. Tests are left out, which may build
//! what they need from anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rooms from the top down, each with those that it may use. What it may use has to stand below it, so there is no circle.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "jupyter/kernel",
            "jupyter/sockets",
            "jupyter/wire",
            "session",
            "store",
            "workspace",
            "timeline",
            "setup",
            "language",
            "sandbox",
            "policy",
            "observe",
        ],
    ),
    ("jupyter/kernel", &["jupyter/sockets", "jupyter/wire", "session", "language", "observe", "heap"]),
    ("jupyter/sockets", &["jupyter/wire", "heap"]),
    ("jupyter/wire", &["json"]),
    (
        "session",
        &[
            "store",
            "workspace",
            "timeline",
            "setup",
            "language",
            "sandbox",
            "firewall",
            "advice",
            "policy",
            "observe",
            "heap",
        ],
    ),
    ("store", &["workspace", "timeline", "observe"]),
    ("workspace", &[]),
    ("timeline", &["observe"]),
    ("setup", &["language", "sandbox", "observe"]),
    ("language", &["sandbox"]),
    ("heap", &["sandbox"]),
    ("sandbox", &["json"]),
    ("firewall", &[]),
    ("advice", &["observe"]),
    ("policy", &[]),
    ("observe", &[]),
    ("json", &[]),
];

/// The room of a module path's or a file's first parts.
fn room(parts: &[&str]) -> Option<&'static str> {
    let of = |name: String| ROOMS.iter().map(|(room, _)| *room).find(|room| *room == name);
    let first = parts.first()?;
    of((*first).to_owned()).or_else(|| of(format!("{first}/{}", parts.get(1)?)))
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// A file's code without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The first two parts of every path of the crate's own that `code` names; `here` is its module.
fn named<'a>(code: &'a str, here: &[&'a str]) -> Vec<Vec<&'a str>> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("::") {
        let before = rest.get(..at).unwrap_or_default();
        let start = before.rfind(|char| !is_part(char)).map_or(0, |place| place + 1);
        let after = rest.get(at..).unwrap_or_default();
        let end = after.find(|char| !is_part(char) && char != ':').unwrap_or(after.len());
        let path = rest.get(start..at + end).unwrap_or_default();
        let parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
        let ups = parts.iter().take_while(|part| **part == "super").count();
        match parts.first() {
            Some(&"crate") => found.push(parts.into_iter().skip(1).collect()),
            Some(&"super") => {
                let base = here.iter().copied().take(here.len().saturating_sub(ups));
                found.push(base.chain(parts.iter().copied().skip(ups)).collect());
            }
            _ => {}
        }
        rest = after.get(end..).unwrap_or_default();
    }
    found
}

#[test]
fn rooms_use_only_what_is_below_them() {
    for (place, (room, uses)) in ROOMS.iter().enumerate() {
        for used in *uses {
            let below = ROOMS.iter().skip(place + 1).any(|(other, _)| other == used);
            assert!(below, "{room} may not use {used}: it does not stand below");
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = BTreeMap::<_, BTreeSet<_>>::new();
    let mut arrows = 0;
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        if name.ends_with("tests.rs") || name.contains("/tests/") || name == "main.rs" || name == "lib.rs" {
            continue;
        }
        let mut here: Vec<&str> = name.trim_end_matches(".rs").split('/').collect();
        let Some(own) = room(&here) else {
            assert_eq!(name, "jupyter/mod.rs", "{name} belongs to no room: add it to the list above");
            continue;
        };
        here.retain(|part| *part != "mod");
        let text = code(&std::fs::read_to_string(&file).unwrap());
        let allowed = ROOMS.iter().find(|(room, _)| *room == own).map_or(&[][..], |(_, uses)| *uses);
        for used in named(&text, &here).iter().filter_map(|parts| room(parts)).filter(|used| *used != own) {
            arrows += 1;
            if !allowed.contains(&used) {
                wrong.entry(format!("{own} -> {used}")).or_default().insert(name.clone());
            }
        }
    }
    assert!(arrows > 100, "the imports are read: {arrows}");
    assert!(wrong.is_empty(), "arrows that the house does not have (docs/architecture.md): {wrong:#?}");
}

#[test]
fn only_faces_and_the_set_up_read_the_environment_or_look_for_a_home() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for room in ["session", "store", "workspace", "sandbox", "language", "firewall", "advice", "policy", "observe"] {
        sources(&root.join(room), &mut files);
    }
    assert!(files.len() > 100);
    // `reference.rs`: what writes the generated pages, in tests alone.
    let is_test = |file: &Path| {
        let name = file.to_string_lossy();
        name.ends_with("tests.rs") || name.contains("/tests/") || name.ends_with("/reference.rs")
    };
    for file in files.iter().filter(|file| !is_test(file.as_path())) {
        let text = code(&std::fs::read_to_string(file).unwrap());
        for word in ["ProjectDirs", "env::var", "home_dir"] {
            assert!(!text.contains(word), "{}: `{word}`: hand it over as a value", file.display());
        }
    }
}

#[test]
fn what_is_named_is_found() {
    let text = "use crate::store::{Log, View};\nuse super::super::wire::Header;\nlet x = crate::observe::shown(y); Vec::new();";
    let found = named(text, &["jupyter", "kernel", "shell"]);
    let firsts: Vec<String> = found.iter().map(|parts| parts.join("::")).collect();
    assert_eq!(firsts, ["store", "jupyter::wire::Header", "observe::shown"]);
    assert_eq!(room(&["jupyter", "wire", "Header"]), Some("jupyter/wire"));
}
