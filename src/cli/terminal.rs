//! The one place that writes to the terminal. Whatever is in a text, a name of a file, an error or a notebook's cell
//! included, the terminal only shows it (`observe::visible`).

use serde_json::Value;

use crate::observe::{shown_json, shown_lines};

/// Lines for people, on the standard output.
pub(super) fn say(text: &str) {
    println!("{}", shown_lines(text));
}

/// A JSON value for programs, on the standard output.
pub(super) fn say_json(value: &Value) {
    println!("{}", shown_json(&format!("{value:#}")));
}

/// Lines for people, on the standard error.
pub(super) fn warn(text: &str) {
    eprintln!("{}", shown_lines(text));
}

/// The beginning of a line, on the standard error.
pub(super) fn warn_part(text: &str) {
    eprint!("{}", shown_lines(text));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn nothing_else_in_this_room_prints() {
        let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
        let mut left = vec![room];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let prints = ["print!(", "println!("].iter().any(|word| text.contains(word));
            assert!(!prints || path.ends_with("terminal.rs"), "{} prints past terminal.rs", path.display());
        }
    }
}
