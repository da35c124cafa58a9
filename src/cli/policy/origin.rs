//! Where a value came from, for people and for programs.

use serde_json::{Value, json};

use crate::policy::Origin;

/// For people: `default of strict`, `p.toml:3`.
pub(super) fn text(origin: &Origin) -> String {
    match origin {
        Origin::Default(profile) => format!("default of {}", profile.as_str()),
        Origin::File(path, line) => format!("{}:{line}", path.display()),
        Origin::Flag => "--profile".to_owned(),
    }
}

/// For programs.
pub(super) fn json(origin: &Origin) -> Value {
    match origin {
        Origin::Default(profile) => json!({"default": profile.as_str()}),
        Origin::File(path, line) => json!({"file": path.to_string_lossy(), "line": line}),
        Origin::Flag => json!({"flag": "--profile"}),
    }
}
