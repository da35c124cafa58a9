//! What may stay of HTML, SVG and MathML: tables of elements and attributes. What is not in them goes.

use html5ever::{Attribute, local_name};

use super::super::removals::Kind;

/// What happens to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Keep,
    /// A `<style>`: kept with what may stay of its text.
    Style,
    /// Its children take its place.
    Unwrap(Option<Kind>),
    /// It goes with all that is in it.
    Drop(Option<Kind>),
}

/// HTML that only shows something.
const HTML: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "dd",
    "del",
    "details",
    "dfn",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "i",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "li",
    "main",
    "mark",
    "menu",
    "meter",
    "nav",
    "ol",
    "p",
    "picture",
    "pre",
    "progress",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "section",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];

const SVG: &[&str] = &[
    "a",
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "g",
    "image",
    "line",
    "linearGradient",
    "marker",
    "mask",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "svg",
    "switch",
    "symbol",
    "text",
    "textPath",
    "title",
    "tspan",
    "use",
];

const MATHML: &[&str] = &[
    "annotation",
    "math",
    "menclose",
    "merror",
    "mfenced",
    "mfrac",
    "mi",
    "mlabeledtr",
    "mmultiscripts",
    "mn",
    "mo",
    "mover",
    "mpadded",
    "mphantom",
    "mprescripts",
    "mroot",
    "mrow",
    "ms",
    "mspace",
    "msqrt",
    "mstyle",
    "msub",
    "msubsup",
    "msup",
    "mtable",
    "mtd",
    "mtext",
    "mtr",
    "munder",
    "munderover",
    "none",
    "semantics",
];

/// Attributes of every HTML element, beyond those that are looked at one by one.
const HTML_ATTRIBUTES: &[&str] = &[
    "abbr",
    "align",
    "alt",
    "autoplay",
    "axis",
    "bgcolor",
    "border",
    "bordercolor",
    "cellpadding",
    "cellspacing",
    "char",
    "charoff",
    "checked",
    "clear",
    "color",
    "colspan",
    "compact",
    "controls",
    "datetime",
    "dir",
    "disabled",
    "face",
    "frame",
    "halign",
    "headers",
    "height",
    "hidden",
    "high",
    "hspace",
    "lang",
    "loop",
    "low",
    "max",
    "min",
    "muted",
    "noshade",
    "nowrap",
    "open",
    "optimum",
    "reversed",
    "role",
    "rowspan",
    "rules",
    "scope",
    "scoped",
    "size",
    "span",
    "start",
    "tabindex",
    "title",
    "translate",
    "type",
    "valign",
    "value",
    "vspace",
    "width",
];

const SVG_ATTRIBUTES: &[&str] = &[
    "alignment-baseline",
    "amplitude",
    "aria-hidden",
    "azimuth",
    "baseFrequency",
    "baseProfile",
    "baseline-shift",
    "bias",
    "class",
    "clip",
    "clip-path",
    "clip-rule",
    "clipPathUnits",
    "color",
    "color-interpolation",
    "color-interpolation-filters",
    "contentScriptType",
    "cursor",
    "cx",
    "cy",
    "d",
    "diffuseConstant",
    "direction",
    "display",
    "divisor",
    "dominant-baseline",
    "dx",
    "dy",
    "edgeMode",
    "elevation",
    "enable-background",
    "exponent",
    "fill",
    "fill-opacity",
    "fill-rule",
    "filter",
    "filterUnits",
    "flood-color",
    "flood-opacity",
    "font",
    "font-family",
    "font-size",
    "font-size-adjust",
    "font-stretch",
    "font-style",
    "font-variant",
    "font-weight",
    "fr",
    "fx",
    "fy",
    "gradientTransform",
    "gradientUnits",
    "height",
    "image-rendering",
    "in",
    "in2",
    "intercept",
    "k1",
    "k2",
    "k3",
    "k4",
    "kernelMatrix",
    "kernelUnitLength",
    "lang",
    "lengthAdjust",
    "letter-spacing",
    "lighting-color",
    "limitingConeAngle",
    "marker-end",
    "marker-mid",
    "marker-start",
    "markerHeight",
    "markerUnits",
    "markerWidth",
    "mask",
    "mask-type",
    "maskContentUnits",
    "maskUnits",
    "method",
    "mode",
    "numOctaves",
    "offset",
    "opacity",
    "operator",
    "order",
    "orient",
    "overflow",
    "paint-order",
    "pathLength",
    "patternContentUnits",
    "patternTransform",
    "patternUnits",
    "pointer-events",
    "points",
    "pointsAtX",
    "pointsAtY",
    "pointsAtZ",
    "preserveAlpha",
    "preserveAspectRatio",
    "primitiveUnits",
    "r",
    "radius",
    "refX",
    "refY",
    "result",
    "role",
    "rotate",
    "rx",
    "ry",
    "scale",
    "seed",
    "shape-rendering",
    "side",
    "slope",
    "space",
    "spacing",
    "specularConstant",
    "specularExponent",
    "spreadMethod",
    "startOffset",
    "stdDeviation",
    "stitchTiles",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "surfaceScale",
    "systemLanguage",
    "tableValues",
    "targetX",
    "targetY",
    "text-anchor",
    "text-decoration",
    "text-rendering",
    "textLength",
    "transform",
    "transform-origin",
    "type",
    "unicode-bidi",
    "values",
    "vector-effect",
    "version",
    "viewBox",
    "visibility",
    "width",
    "word-spacing",
    "writing-mode",
    "x",
    "x1",
    "x2",
    "xChannelSelector",
    "y",
    "y1",
    "y2",
    "yChannelSelector",
    "z",
    "zoomAndPan",
];

const MATHML_ATTRIBUTES: &[&str] = &[
    "accent",
    "accentunder",
    "align",
    "alttext",
    "bevelled",
    "class",
    "close",
    "columnalign",
    "columnlines",
    "columnspacing",
    "columnspan",
    "depth",
    "dir",
    "display",
    "displaystyle",
    "encoding",
    "fence",
    "form",
    "frame",
    "height",
    "largeop",
    "linethickness",
    "lspace",
    "mathbackground",
    "mathcolor",
    "mathsize",
    "mathvariant",
    "maxsize",
    "minsize",
    "movablelimits",
    "notation",
    "open",
    "rowalign",
    "rowlines",
    "rowspacing",
    "rowspan",
    "rspace",
    "scriptlevel",
    "separator",
    "separators",
    "side",
    "stretchy",
    "subscriptshift",
    "superscriptshift",
    "symmetric",
    "voffset",
    "width",
];

/// Whether HTML of this name is in the table.
pub fn is_html(name: &str) -> bool {
    HTML.binary_search(&name).is_ok()
}

/// What happens to an HTML element.
pub fn html(name: &str) -> Fate {
    if is_html(name) {
        return Fate::Keep;
    }
    match name {
        "style" => Fate::Style,
        "script" => Fate::Drop(Some(Kind::Script)),
        "iframe" | "frame" | "frameset" | "object" | "embed" | "applet" | "portal" | "fencedframe" => {
            Fate::Drop(Some(Kind::Frame))
        }
        "link" | "meta" | "base" => Fate::Drop(Some(Kind::PageSetting)),
        "form" => Fate::Unwrap(Some(Kind::Form)),
        "button" | "select" | "textarea" | "option" | "optgroup" | "datalist" | "keygen" | "isindex" => {
            Fate::Drop(Some(Kind::Form))
        }
        // Text that is not markup, contents that are not shown, and elements that change how the rest is read.
        "title" | "template" | "noscript" | "noembed" | "noframes" | "xmp" | "plaintext" | "marquee" | "canvas"
        | "image" | "param" => Fate::Drop(None),
        "track" => Fate::Drop(Some(Kind::Remote)),
        _ => Fate::Unwrap(None),
    }
}

/// What happens to an SVG element.
pub fn svg(name: &str) -> Fate {
    match name {
        "style" => Fate::Style,
        "script" => Fate::Drop(Some(Kind::Script)),
        "foreignObject" => Fate::Drop(Some(Kind::Frame)),
        "animate" | "animateMotion" | "animateTransform" | "set" | "discard" | "handler" | "listener" => {
            Fate::Drop(Some(Kind::Handler))
        }
        "feImage" => Fate::Drop(Some(Kind::Remote)),
        name if SVG.contains(&name) => Fate::Keep,
        _ => Fate::Drop(None),
    }
}

/// What happens to a MathML element.
pub fn mathml(name: &str) -> Fate {
    match MATHML.binary_search(&name) {
        Ok(_) => Fate::Keep,
        Err(_) => Fate::Drop(None),
    }
}

/// Whether an HTML attribute stays whatever its value.
pub fn html_attribute(name: &str) -> bool {
    HTML_ATTRIBUTES.binary_search(&name).is_ok() || name.strip_prefix("aria-").is_some_and(is_word)
}

/// Whether an SVG attribute stays if its value is harmless CSS.
pub fn svg_attribute(name: &str) -> bool {
    SVG_ATTRIBUTES.contains(&name)
}

/// Whether a MathML attribute stays whatever its value.
pub fn mathml_attribute(name: &str) -> bool {
    MATHML_ATTRIBUTES.binary_search(&name).is_ok()
}

/// Elements that hold nothing and have no end tag.
pub fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "image"
            | "img"
            | "input"
            | "isindex"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether an element goes with all that is in it.
pub fn vanishes(name: &str) -> bool {
    matches!(html(name), Fate::Drop(_))
}

/// Whether an input is a checkbox or a radio button, with which pages fold and unfold without scripts.
pub fn is_switch(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .find(|attribute| attribute.name.local == local_name!("type"))
        .is_some_and(|kind| kind.value.eq_ignore_ascii_case("checkbox") || kind.value.eq_ignore_ascii_case("radio"))
}

/// All names in the tables, for the second sanitizer.
pub fn tables() -> impl Iterator<Item = (&'static [&'static str], &'static [&'static str])> {
    [(HTML, HTML_ATTRIBUTES), (SVG, SVG_ATTRIBUTES), (MATHML, MATHML_ATTRIBUTES)].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searched_tables_are_sorted() {
        for table in [HTML, MATHML, HTML_ATTRIBUTES, MATHML_ATTRIBUTES] {
            assert!(table.is_sorted());
        }
    }

    #[test]
    fn nothing_that_handles_events_is_in_a_table() {
        for (_, attributes) in tables() {
            assert!(attributes.iter().all(|name| !name.starts_with("on") && !name.contains("href") && *name != "src"));
        }
    }
}
