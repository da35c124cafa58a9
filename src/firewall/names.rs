//! The names that an output gives its elements: classes and ids. The page around it finds and styles its own elements
//! by theirs, so an output's stand under a prefix that no page uses, in the markup, in its style sheets and wherever one
//! part of the output refers to another. A few classes stay: honest outputs have them for the page to style, and no page
//! places anything by them.

use std::borrow::Cow;

/// What the names of outputs begin with.
const PREFIX: &str = "cb-";

/// The longest name.
const MAX_NAME: usize = 512;

/// Classes that pages style within outputs, sorted.
const SHARED: [&str; 11] = [
    "alert",
    "alert-block",
    "alert-danger",
    "alert-info",
    "alert-success",
    "alert-warning",
    "dataframe",
    "highlight",
    "mathjax_ignore",
    "tex2jax_ignore",
    "widget-interact",
];

/// Pygments' classes for the parts of a piece of code, which pages colour, sorted.
#[rustfmt::skip]
const CODE: [&str; 76] = [
    "bp", "c", "c1", "ch", "cm", "cp", "cpf", "cs", "dl", "err", "esc", "fm", "gd", "ge", "ges", "gh",
    "gi", "go", "gp", "gr", "gs", "gt", "gu", "hll", "il", "k", "kc", "kd", "kn", "kp", "kr", "kt",
    "ld", "m", "mb", "mf", "mh", "mi", "mo", "n", "na", "nb", "nc", "nd", "ne", "nf", "ni", "nl",
    "nn", "no", "nt", "nv", "nx", "o", "ow", "p", "pm", "py", "s", "s1", "s2", "sa", "sb", "sc",
    "sd", "se", "sh", "si", "sr", "ss", "sx", "vc", "vg", "vi", "vm", "w",
];

/// How the class begins that the firewall's box around an output with style sheets has, and how long its number is.
const BOX: &str = "cellblock-";
const BOX_DIGITS: usize = 12;

/// The class of a box.
pub fn of_box(number: u64) -> String {
    format!("{BOX}{:012x}", number & 0xffff_ffff_ffff)
}

/// A class as it stands in what is shown; none if it is too long.
pub fn class(name: &str) -> Option<Cow<'_, str>> {
    let shared = SHARED.binary_search(&name).is_ok() || CODE.binary_search(&name).is_ok();
    match shared || is_language(name) || is_box(name) {
        true => Some(Cow::Borrowed(name)),
        false => id(name),
    }
}

/// An id as it stands in what is shown; none if it is too long.
pub fn id(name: &str) -> Option<Cow<'_, str>> {
    if name.is_empty() || name.len() > MAX_NAME {
        return None;
    }
    match name.starts_with(PREFIX) {
        true => Some(Cow::Borrowed(name)),
        false => Some(Cow::Owned(format!("{PREFIX}{name}"))),
    }
}

/// A list of classes; what was too long is left out.
pub fn classes(list: &str) -> Cow<'_, str> {
    each(list, class)
}

/// A list of ids, as `aria-labelledby` has it.
pub fn ids(list: &str) -> Cow<'_, str> {
    each(list, id)
}

/// A reference to an id, `#name`.
pub fn reference(fragment: &str) -> Option<Cow<'_, str>> {
    match id(fragment.strip_prefix('#')?)? {
        Cow::Borrowed(_) => Some(Cow::Borrowed(fragment)),
        Cow::Owned(name) => Some(Cow::Owned(format!("#{name}"))),
    }
}

fn each<'l>(list: &'l str, rule: impl Fn(&str) -> Option<Cow<'_, str>>) -> Cow<'l, str> {
    let stays = |name: &str| matches!(rule(name), Some(Cow::Borrowed(_)));
    if list.split_ascii_whitespace().all(stays) {
        return Cow::Borrowed(list);
    }
    let names: Vec<Cow<str>> = list.split_ascii_whitespace().filter_map(rule).collect();
    Cow::Owned(names.join(" "))
}

fn is_box(name: &str) -> bool {
    let Some(number) = name.strip_prefix(BOX) else { return false };
    number.len() == BOX_DIGITS && number.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `language-python`: the language of a piece of code.
fn is_language(name: &str) -> bool {
    let Some(language) = name.strip_prefix("language-") else { return false };
    language.len() <= 32 && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+#-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_page_are_not_taken() {
        for name in
            ["Toastify__toast-container", "jp-Dialog", "lm-Menu", "monaco-editor", "modal", "main", "T_1", "cbx"]
        {
            assert_eq!(class(name).unwrap(), format!("cb-{name}"));
            assert_eq!(id(name).unwrap(), format!("cb-{name}"));
        }
        assert!(SHARED.is_sorted() && CODE.is_sorted());
        assert_eq!(class("kn").unwrap(), "kn");
        assert_eq!(class("dataframe").unwrap(), "dataframe");
        assert_eq!(id("dataframe").unwrap(), "cb-dataframe");
        assert_eq!(class("language-c++").unwrap(), "language-c++");
        assert_eq!(class(&"x".repeat(MAX_NAME + 1)), None);
    }

    #[test]
    fn a_name_gets_the_prefix_once() {
        let once = classes(" a\tdataframe b ").into_owned();
        assert_eq!(once, "cb-a dataframe cb-b");
        assert_eq!(classes(&once), once);
        assert_eq!(reference("#x").unwrap(), "#cb-x");
        assert_eq!(reference("#cb-x").unwrap(), "#cb-x");
        assert_eq!(reference("x"), None);
    }
}
