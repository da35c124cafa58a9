//! CSS properties: which keep an output in its place, which could leave it, and which are not in the tables and go.

use super::extent::{self, Reach};

/// How a declaration behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// It cannot paint outside its place.
    Calm,
    /// It could: the output that has it must be contained.
    Roaming,
    /// It is not known to do no harm: it may run code, stay on the screen whatever is scrolled, or take part in what the
    /// page does by names of its own.
    Refused,
}

/// Properties that cannot paint outside their element's place: exact names, sorted.
const CALM: [&str; 144] = [
    "accent-color",
    "align-content",
    "align-items",
    "align-self",
    "alignment-baseline",
    "appearance",
    "aspect-ratio",
    "baseline-shift",
    "block-size",
    "border",
    "box-align",
    "box-decoration-break",
    "box-flex",
    "box-orient",
    "box-pack",
    "box-sizing",
    "break-after",
    "break-before",
    "break-inside",
    "caption-side",
    "caret-color",
    "clear",
    "clip-path",
    "clip-rule",
    "color",
    "color-adjust",
    "color-interpolation",
    "color-interpolation-filters",
    "color-rendering",
    "color-scheme",
    "column-count",
    "column-fill",
    "column-gap",
    "column-rule",
    "column-rule-color",
    "column-rule-style",
    "column-rule-width",
    "column-span",
    "column-width",
    "columns",
    "content",
    "content-visibility",
    "counter-increment",
    "counter-reset",
    "counter-set",
    "cursor",
    "display",
    "dominant-baseline",
    "empty-cells",
    "fill",
    "fill-opacity",
    "fill-rule",
    "flood-color",
    "flood-opacity",
    "font-smoothing",
    "gap",
    "glyph-orientation-horizontal",
    "glyph-orientation-vertical",
    "height",
    "hyphens",
    "image-orientation",
    "image-rendering",
    "inline-size",
    "justify-content",
    "justify-items",
    "justify-self",
    "lighting-color",
    "line-break",
    "line-clamp",
    "line-height",
    "mask-type",
    "max-block-size",
    "max-height",
    "max-inline-size",
    "max-width",
    "min-block-size",
    "min-height",
    "min-inline-size",
    "min-width",
    "object-fit",
    "object-position",
    "opacity",
    "order",
    "orphans",
    "osx-font-smoothing",
    "overflow-wrap",
    "page-break-after",
    "page-break-before",
    "page-break-inside",
    "paint-order",
    "place-content",
    "place-items",
    "place-self",
    "pointer-events",
    "print-color-adjust",
    "quotes",
    "row-gap",
    "ruby-align",
    "ruby-position",
    "scrollbar-color",
    "scrollbar-gutter",
    "scrollbar-width",
    "shape-rendering",
    "stop-color",
    "stop-opacity",
    "tab-size",
    "table-layout",
    "tap-highlight-color",
    "text-anchor",
    "text-combine-upright",
    "text-decoration",
    "text-decoration-color",
    "text-decoration-line",
    "text-decoration-skip",
    "text-decoration-skip-ink",
    "text-decoration-style",
    "text-decoration-thickness",
    "text-fill-color",
    "text-justify",
    "text-orientation",
    "text-overflow",
    "text-rendering",
    "text-size-adjust",
    "text-stroke",
    "text-stroke-color",
    "text-stroke-width",
    "text-transform",
    "text-underline-offset",
    "text-underline-position",
    "text-wrap",
    "text-wrap-mode",
    "text-wrap-style",
    "unicode-bidi",
    "user-select",
    "vector-effect",
    "vertical-align",
    "visibility",
    "white-space",
    "white-space-collapse",
    "widows",
    "width",
    "word-break",
    "word-wrap",
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

/// Properties that could paint outside it, sorted.
const ROAMING: [&str; 93] = [
    "all",
    "backdrop-filter",
    "backface-visibility",
    "bottom",
    "box-shadow",
    "clip",
    "contain",
    "container-type",
    "cx",
    "cy",
    "d",
    "direction",
    "enable-background",
    "filter",
    "inset",
    "inset-block",
    "inset-block-end",
    "inset-block-start",
    "inset-inline",
    "inset-inline-end",
    "inset-inline-start",
    "isolation",
    "left",
    "letter-spacing",
    "margin",
    "margin-block",
    "margin-block-end",
    "margin-block-start",
    "margin-bottom",
    "margin-inline",
    "margin-inline-end",
    "margin-inline-start",
    "margin-left",
    "margin-right",
    "margin-top",
    "marker",
    "marker-end",
    "marker-mid",
    "marker-start",
    "mask",
    "mask-border",
    "mask-clip",
    "mask-composite",
    "mask-image",
    "mask-mode",
    "mask-origin",
    "mask-position",
    "mask-repeat",
    "mask-size",
    "mix-blend-mode",
    "outline",
    "outline-color",
    "outline-offset",
    "outline-style",
    "outline-width",
    "overscroll-behavior",
    "perspective",
    "perspective-origin",
    "position",
    "r",
    "resize",
    "right",
    "rotate",
    "rx",
    "ry",
    "scale",
    "scroll-behavior",
    "shape-margin",
    "shape-outside",
    "text-emphasis",
    "text-emphasis-color",
    "text-emphasis-position",
    "text-emphasis-style",
    "text-indent",
    "text-shadow",
    "top",
    "touch-action",
    "transform",
    "transform-box",
    "transform-origin",
    "transform-style",
    "transition",
    "transition-delay",
    "transition-duration",
    "transition-property",
    "transition-timing-function",
    "translate",
    "will-change",
    "word-spacing",
    "writing-mode",
    "x",
    "y",
    "z-index",
];

/// Properties that say how far away from its place something is.
const OFFSETS: [&str; 27] = [
    "bottom",
    "inset",
    "inset-block",
    "inset-block-end",
    "inset-block-start",
    "inset-inline",
    "inset-inline-end",
    "inset-inline-start",
    "left",
    "margin",
    "margin-block",
    "margin-block-end",
    "margin-block-start",
    "margin-bottom",
    "margin-inline",
    "margin-inline-end",
    "margin-inline-start",
    "margin-left",
    "margin-right",
    "margin-top",
    "perspective-origin",
    "right",
    "scale",
    "top",
    "transform",
    "transform-origin",
    "translate",
];

/// Prefixes of browsers: what stands behind one is judged by its common name, but could differ in what it paints.
const VENDORS: [&str; 4] = ["-webkit-", "-moz-", "-ms-", "-o-"];

/// Whether this can be the name of a property: letters, digits, `-` and `_`.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether a property is in the tables.
pub fn is_known(name: &str) -> bool {
    let family = CALM_FAMILIES.iter().any(|family| name.starts_with(family));
    family || CALM.binary_search(&name).is_ok() || ROAMING.binary_search(&name).is_ok()
}

/// Judges a declaration whose value has been found harmless in itself.
pub fn manner(name: &str, value: &str) -> Manner {
    let name = name.to_ascii_lowercase();
    let value = value.trim();
    if let Some(common) = VENDORS.iter().find_map(|vendor| name.strip_prefix(vendor)) {
        return of_common(common, value).max(Manner::Roaming);
    }
    of_common(&name, value)
}

fn of_common(name: &str, value: &str) -> Manner {
    let is_offset = OFFSETS.binary_search(&name).is_ok();
    // What another property takes from a variable is judged there.
    if !name.starts_with("--") {
        let reach = if name == "scale" { extent::of_scale(value) } else { extent::of(value) };
        match reach {
            Reach::Near => {}
            Reach::Unclear if !is_offset => {}
            // As far up or to the left as it is wide: into what others show.
            Reach::Aside if !is_offset && name != "text-indent" => {}
            _ => return Manner::Refused,
        }
    }
    match name {
        "position" => position(value),
        "margin" | "margin-left" | "margin-right" | "margin-top" | "margin-bottom" if pushes_apart(value) => {
            Manner::Calm
        }
        "border-image" | "border-image-outset" | "overflow-clip-margin" => Manner::Roaming,
        // A drawing is clipped at its edges unless it says so.
        "overflow" | "overflow-x" | "overflow-y" | "overflow-block" | "overflow-inline" if !clips(value) => {
            Manner::Roaming
        }
        _ if ROAMING.binary_search(&name).is_ok() => Manner::Roaming,
        _ if is_known(name) => Manner::Calm,
        _ => Manner::Refused,
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

/// Whether what is too large for its box is not painted beside it.
fn clips(value: &str) -> bool {
    let clips = |word: &str| ["auto", "clip", "hidden", "scroll", "!important"].contains(&word);
    value.to_ascii_lowercase().split_ascii_whitespace().all(clips)
}

/// Whether a margin is made of plain lengths, none of them negative.
fn pushes_apart(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .%!".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searched_tables_are_sorted() {
        assert!(CALM.is_sorted() && ROAMING.is_sorted() && OFFSETS.is_sorted());
    }

    #[test]
    fn an_output_stays_in_its_place_or_is_contained() {
        for (name, value, manner_of_it) in [
            ("color", "red", Manner::Calm),
            ("BACKGROUND-COLOR", "red", Manner::Calm),
            ("margin", "0 auto 1em !important", Manner::Calm),
            ("margin-top", "-40px", Manner::Roaming),
            ("margin-top", "-400px", Manner::Refused),
            ("margin-top", "calc(1px - 500px)", Manner::Refused),
            ("margin-top", "calc(-1px * 500)", Manner::Refused),
            ("top", "var(--x)", Manner::Refused),
            ("top", "-100vh", Manner::Refused),
            ("transform", "translate(-50%, -50%)", Manner::Roaming),
            ("transform", "translateY(-30em)", Manner::Refused),
            ("transform", "matrix(1, 0, 0, 1, -500, -500)", Manner::Refused),
            ("transform", "rotate(-90deg)", Manner::Roaming),
            ("transform", "scale(1.5)", Manner::Roaming),
            ("transform", "rotate(9deg) scale(90)", Manner::Refused),
            ("transform", "scale3d(1, -20, 1)", Manner::Refused),
            ("transform-origin", "left -600px", Manner::Refused),
            ("transform-origin", "50% 50%", Manner::Roaming),
            ("scale", "2", Manner::Roaming),
            ("scale", "200", Manner::Refused),
            ("scale", "calc(200)", Manner::Refused),
            ("height", "1e9px", Manner::Refused),
            ("height", "525px", Manner::Calm),
            ("margin", "calc(1px - 5px)", Manner::Roaming),
            ("transform", "translate(0)", Manner::Roaming),
            ("-webkit-transform", "translate(0)", Manner::Roaming),
            ("box-shadow", "0 0 0 9999px", Manner::Roaming),
            ("position", "relative", Manner::Roaming),
            ("direction", "rtl", Manner::Roaming),
            ("overflow", "visible", Manner::Roaming),
            ("overflow-x", "var(--x)", Manner::Roaming),
            ("overflow", "hidden auto", Manner::Calm),
            ("overflow-clip-margin", "999px", Manner::Roaming),
            ("writing-mode", "vertical-rl", Manner::Roaming),
            ("position", "Fixed", Manner::Refused),
            ("position", "sticky !important", Manner::Refused),
            ("position", "-webkit-sticky", Manner::Refused),
            ("position", "var(--x)", Manner::Refused),
            ("behavior", "x", Manner::Refused),
            ("-moz-binding", "x", Manner::Refused),
            ("view-transition-name", "x", Manner::Refused),
            ("anchor-name", "--x", Manner::Refused),
            ("position-anchor", "--x", Manner::Refused),
            ("animation", "x 1s", Manner::Refused),
            ("-webkit-animation-name", "x", Manner::Refused),
            ("-webkit-app-region", "drag", Manner::Refused),
            ("overlay", "auto", Manner::Refused),
            ("never-heard-of", "x", Manner::Refused),
        ] {
            assert_eq!(manner(name, value), manner_of_it, "{name}: {value}");
        }
    }
}
