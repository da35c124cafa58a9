//! Plotly's attributes by name, and what their values are: written by `attributes.py` from plotly's own schemas.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Lines of `classes: names`.
const TABLE: &str = include_str!("attributes.txt");

/// What values an attribute may have, wherever in a figure it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    /// An object with attributes, or a list of such.
    pub object: bool,
    /// A word out of a list, a number, a switch; or lists of them.
    pub word: bool,
    /// A colour, or lists of them.
    pub colour: bool,
    /// Text that may be shown.
    pub text: bool,
    /// Data of the figure's own: anything.
    pub data: bool,
}

/// What is known of an attribute; nothing if there is none of that name. Subplots and axes are numbered (`xaxis2`).
pub fn classes(name: &str) -> Option<Classes> {
    static NAMES: OnceLock<HashMap<&'static str, Classes>> = OnceLock::new();
    let names = NAMES.get_or_init(read);
    names.get(name).or_else(|| names.get(name.trim_end_matches(|last: char| last.is_ascii_digit()))).copied()
}

fn read() -> HashMap<&'static str, Classes> {
    let mut names = HashMap::new();
    for (kinds, listed) in TABLE.lines().filter_map(|line| line.split_once(':')) {
        let is = |kind: char| kinds.contains(kind);
        let classes =
            Classes { object: is('o'), word: is('w'), colour: is('c'), text: is('t') || is('u'), data: is('d') };
        names.extend(listed.split_whitespace().map(|name| (name, classes)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let listed: usize = TABLE.lines().map(|line| line.split_whitespace().count() - 1).sum();
        assert!(listed > 800 && read().len() == listed);
        assert!(read().values().all(|classes| *classes != Classes::default()));
    }

    #[test]
    fn numbered_attributes_are_those_without_their_numbers() {
        assert_eq!(classes("xaxis12"), classes("xaxis"));
        assert!(classes("y0").is_some_and(|classes| classes.data && !classes.object));
        assert_eq!(classes("evil"), None);
        assert_eq!(classes("7"), None);
    }
}
