//! That a language is named in its own folder, and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

/// What only Python's folder may name, in lower case.
const WORDS: &[&str] = &[
    "python",
    "keyboardinterrupt",
    "memoryerror",
    "recursionerror",
    "oserror",
    "usageerror",
    "site-packages",
    "numpy",
    "pandas",
    "matplotlib",
    "scipy",
    "mplconfig",
    "mplbackend",
    "serve_turn",
    "cellblock_bridge",
    "pyerr_",
];

/// Where it is named all the same: the beginnings of paths below `src`, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("language/python/", "Python's own folder"),
    ("language/mod.rs", "the list of languages, and which is the default"),
    (
        "advice/",
        "a leaf that is given facts only: its catalogue, its list of packages and its search of a cell's source are all about Python",
    ),
    ("policy/keys.rs", "what the documentation of a key says: the errors by the names under which people search them"),
    ("policy/kind.rs", "what the documentation of a key says of its values"),
    ("policy/place.rs", "a leaf that refuses mounts over the guest's own directories"),
    ("setup/pip.rs", "the user's own Python, whose pip fetches"),
    ("setup/fetch.rs", "as above"),
    ("setup/error.rs", "as above"),
    ("cli/doctor.rs", "as above"),
    ("cli/install.rs", "the user's own Python environment, in which Jupyter is"),
    ("cli/jupyter_dirs.rs", "as above"),
];

#[test]
fn python_is_named_in_its_own_folder_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut needed = vec![false; EXCEPTIONS.len()];
    let mut found = Vec::new();
    for path in sources(&root) {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in code(&text, Comments::of(&name)) {
            let lower = line.to_lowercase();
            let Some(word) = WORDS.iter().find(|word| lower.contains(**word)) else { continue };
            match EXCEPTIONS.iter().position(|(start, _)| name.starts_with(start)) {
                Some(exception) => needed[exception] = true,
                None => found.push(format!("src/{name}:{number}: `{word}` in {}", line.trim())),
            }
        }
    }
    assert!(
        found.is_empty(),
        "only src/language/python may name Python: hand over what is needed as a value of `Language`, or say in EXCEPTIONS \
         why that cannot be\n{}",
        found.join("\n")
    );
    let idle: Vec<_> =
        EXCEPTIONS.iter().zip(needed).filter_map(|((start, _), used)| (!used).then_some(start)).collect();
    assert!(idle.is_empty(), "no longer needed in EXCEPTIONS: {idle:?}");
}

/// The Rust files below `dir` that are not all tests.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if stem == "tests" || stem.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Which comments count.
#[derive(Clone, Copy, PartialEq)]
enum Comments {
    None,
    /// Those of items: of a command line's arguments they are its help.
    OfItems,
    /// The sandbox names no language at all.
    All,
}

impl Comments {
    fn of(name: &str) -> Self {
        match name.split('/').next() {
            Some("cli") => Self::OfItems,
            Some("sandbox") => Self::All,
            _ => Self::None,
        }
    }
}

/// The lines of code with their numbers: not what is only there in tests, and of the comments those that count.
fn code(text: &str, comments: Comments) -> Vec<(usize, &str)> {
    let mut code = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let bare = line.trim_start();
        if bare == "#[cfg(test)]" {
            let indent = &line[..line.len() - bare.len()];
            // As rustfmt writes it, an item ends with its first line, or with a bracket under its beginning.
            let whole = lines.by_ref().find(|(line, _)| line.ends_with([';', '{', '}'])).unwrap();
            if whole.0.ends_with('{') {
                lines.by_ref().find(|(line, _)| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with('}')));
            }
            continue;
        }
        match comments {
            Comments::All => code.push((line, number)),
            Comments::OfItems if bare.starts_with("///") => code.push((line, number)),
            _ if bare.starts_with("//") => {}
            _ => code.push((line.split(" // ").next().unwrap_or(line), number)),
        }
    }
    code.into_iter().map(|(line, number)| (number, line)).collect()
}

#[test]
fn comments_and_tests_are_no_code() {
    let text = "//! a\nuse b; // c\n#[cfg(test)]\nmod tests;\n/// d\nfn e() {}\n#[cfg(test)]\nmod tests {\n    fn f() {\n    }\n}\nuse g;\n";
    let words =
        |comments| code(text, comments).into_iter().map(|(number, line)| (number, line.trim())).collect::<Vec<_>>();
    assert_eq!(words(Comments::None), [(2, "use b;"), (6, "fn e() {}"), (12, "use g;")]);
    assert_eq!(words(Comments::OfItems)[1], (5, "/// d"));
    assert_eq!(words(Comments::All)[..2], [(1, "//! a"), (2, "use b; // c")]);
}
