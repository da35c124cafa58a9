//! The macros that pages know: written by `macros.mjs` from the tables of those that typeset formulas there.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Lines of `class: names`.
const TABLE: &str = include_str!("macros.txt");

/// What a macro does with what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Shows it where it stands.
    Plain,
    /// Moves it, or lets what is beside it come nearer.
    Moves,
    /// `\bbox`, which takes colours, lengths and styles.
    Box,
    /// Takes an address that can be followed.
    Links,
    /// Anything else: loads, sets attributes, classes or options, or writes somewhere.
    Refused,
}

/// What is known of a macro; nothing if no page knows it: then it shows its name.
pub fn class(name: &str) -> Option<Class> {
    static NAMES: OnceLock<HashMap<&'static str, Class>> = OnceLock::new();
    NAMES.get_or_init(read).get(name).copied()
}

fn read() -> HashMap<&'static str, Class> {
    let mut names = HashMap::new();
    for (class, listed) in TABLE.lines().filter_map(|line| line.split_once(':')) {
        let class = match class {
            "plain" => Class::Plain,
            "moves" => Class::Moves,
            "box" => Class::Box,
            "links" => Class::Links,
            _ => Class::Refused,
        };
        names.extend(listed.split_whitespace().map(|name| (name, class)));
    }
    names
}

#[cfg(test)]
pub fn of(wanted: Class) -> Vec<&'static str> {
    read().into_iter().filter_map(|(name, class)| (class == wanted).then_some(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let listed: usize = TABLE.lines().map(|line| line.split_whitespace().count() - 1).sum();
        assert!(listed > 1700 && read().len() == listed);
        assert_eq!((of(Class::Links).len(), of(Class::Box)), (2, vec!["bbox"]));
    }

    #[test]
    fn what_sets_something_is_refused_and_mathematics_is_not() {
        for name in ["htmlStyle", "class", "data", "require", "setOptions", "mmlToken", "includegraphics", "toggle"] {
            assert_eq!(class(name), Some(Class::Refused), "{name}");
        }
        for name in ["frac", "alpha", "begin", "mathbb", "ce", "bra", "operatorname", "DeclareMathOperator", "ldots"] {
            assert_eq!(class(name), Some(Class::Plain), "{name}");
        }
        assert_eq!(class("toprule"), None);
    }
}
