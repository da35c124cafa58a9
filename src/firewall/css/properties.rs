//! CSS properties: which keep an output in its place, which could leave it, and which are refused.

/// How a declaration behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It cannot paint outside its place.
    Calm,
    /// It could: the output that has it must be contained.
    Roaming,
    /// It runs code, or stays on the screen whatever is scrolled.
    Refused,
}

/// These run code, drag windows, or take over the transitions of the page.
const REFUSED: [&str; 7] = [
    "-moz-binding",
    "-ms-behavior",
    "-webkit-app-region",
    "app-region",
    "behavior",
    "view-transition-name",
    "view-transition-class",
];

/// Properties that cannot paint outside their element's place: exact names, sorted.
const CALM: [&str; 63] = [
    "accent-color",
    "align-content",
    "align-items",
    "align-self",
    "appearance",
    "aspect-ratio",
    "border",
    "break-inside",
    "caption-side",
    "caret-color",
    "clear",
    "clip-path",
    "clip-rule",
    "color",
    "color-scheme",
    "column-gap",
    "content",
    "counter-increment",
    "counter-reset",
    "cursor",
    "direction",
    "display",
    "dominant-baseline",
    "empty-cells",
    "fill",
    "fill-opacity",
    "fill-rule",
    "gap",
    "height",
    "hyphens",
    "justify-content",
    "justify-items",
    "justify-self",
    "line-height",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "opacity",
    "order",
    "overflow-wrap",
    "place-content",
    "place-items",
    "pointer-events",
    "quotes",
    "row-gap",
    "shape-rendering",
    "stop-color",
    "stop-opacity",
    "tab-size",
    "table-layout",
    "text-anchor",
    "unicode-bidi",
    "user-select",
    "vertical-align",
    "visibility",
    "white-space",
    "white-space-collapse",
    "width",
    "word-break",
    "word-wrap",
    "writing-mode",
    "zoom",
];

/// The same, for families of properties by their first part.
const CALM_FAMILIES: [&str; 12] = [
    "--",
    "background",
    "border-",
    "flex",
    "float",
    "font",
    "grid",
    "list-style",
    "overflow",
    "padding",
    "stroke",
    "text-align",
];

/// Whether this can be the name of a property: letters, digits, `-` and `_`.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Judges a declaration whose value has been found harmless in itself.
pub fn manner(name: &str, value: &str) -> Manner {
    let name = name.to_ascii_lowercase();
    let value = value.trim();
    if REFUSED.contains(&name.as_str()) {
        return Manner::Refused;
    }
    match name.as_str() {
        "position" => position(value),
        "margin" | "margin-left" | "margin-right" | "margin-top" | "margin-bottom" if pushes_apart(value) => {
            Manner::Calm
        }
        "border-image" | "border-image-outset" => Manner::Roaming,
        "text-decoration" | "text-decoration-line" | "text-transform" | "text-overflow" | "text-wrap" => Manner::Calm,
        name if CALM.contains(&name) || CALM_FAMILIES.iter().any(|family| name.starts_with(family)) => Manner::Calm,
        _ => Manner::Roaming,
    }
}

/// `fixed` and `sticky` follow the reader; a variable could be either.
fn position(value: &str) -> Manner {
    match value.trim_end_matches("!important").trim().to_ascii_lowercase().as_str() {
        "static" => Manner::Calm,
        "relative" | "absolute" | "initial" | "unset" | "revert" => Manner::Roaming,
        _ => Manner::Refused,
    }
}

/// Whether a margin is made of plain lengths, none of them negative.
fn pushes_apart(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .%!".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_stays_in_its_place_or_is_contained() {
        for (name, value, manner_of_it) in [
            ("color", "red", Manner::Calm),
            ("BACKGROUND-COLOR", "red", Manner::Calm),
            ("margin", "0 auto 1em !important", Manner::Calm),
            ("margin-top", "-40px", Manner::Roaming),
            ("margin", "calc(1px - 5px)", Manner::Roaming),
            ("transform", "translate(0)", Manner::Roaming),
            ("box-shadow", "0 0 0 9999px", Manner::Roaming),
            ("position", "relative", Manner::Roaming),
            ("position", "Fixed", Manner::Refused),
            ("position", "sticky !important", Manner::Refused),
            ("position", "var(--x)", Manner::Refused),
            ("behavior", "x", Manner::Refused),
            ("-moz-binding", "x", Manner::Refused),
        ] {
            assert_eq!(manner(name, value), manner_of_it, "{name}: {value}");
        }
    }
}
