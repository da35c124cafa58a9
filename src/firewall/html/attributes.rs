//! Which attributes may stay, and what of their values.

use std::borrow::Cow;
use std::collections::HashSet;

use html5ever::{Attribute, LocalName, local_name, ns};

use super::super::css::{self, Reading};
use super::super::removals::Kind;
use super::super::url::{Place, Verdict, judge};
use super::elements;
use super::tree::Tree;
use super::write::Writer;

/// The longest class list, id and other name.
const MAX_NAME: usize = 4096;

/// Classes with which the pages around outputs lay themselves out over everything else.
const PAGE_CLASSES: [&str; 12] =
    ["jp-", "lm-", "p-widget", "p-mod", "cm-", "bp3-", "bp4-", "bp5-", "monaco-", "modal", "navbar", "ui-dialog"];

/// The beginnings of names by which those pages find their own elements and settings.
const PAGE_IDS: [&str; 16] = [
    "jp-", "jupyter", "lm-", "mathjax", "__", "ipython", "require", "define", "webpack", "plotly", "bokeh", "vega",
    "mermaid", "main", "modal", "document",
];

/// The ids of a document, for labels that refer to them.
pub struct Labels<'t, 'l> {
    pub tree: &'t Tree,
    pub known: &'l mut Option<HashSet<&'t str>>,
}

impl Labels<'_, '_> {
    fn has(self, id: &str) -> bool {
        let known = self.known.get_or_insert_with(|| {
            let all = self.tree.elements().flat_map(|(_, attributes)| attributes);
            all.filter(|attribute| attribute.name.local == local_name!("id"))
                .map(|attribute| &*attribute.value)
                .collect()
        });
        known.contains(id)
    }
}

/// Whether an attribute of this name is an event handler, or one that JupyterLab takes for a command.
pub fn is_handler(name: &str) -> bool {
    if name.starts_with("data-commandlinker") {
        return true;
    }
    name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("on")) && name.len() > 2
}

/// Writes the attributes of an HTML element.
pub fn html<'t>(
    element: &LocalName,
    attributes: &'t [Attribute],
    labels: Labels<'t, '_>,
    reading: &mut Reading,
    out: &mut Writer,
) {
    let mut leaves = false;
    for Attribute { name, value } in attributes {
        let name = &*name.local;
        match name {
            _ if is_handler(name) => reading.removed.add(Kind::Handler),
            "style" | "class" | "id" => common(name, value, None, reading, out),
            "href" if *element == local_name!("a") => {
                if link("href", value, reading, out) {
                    leaves |= !value.trim_start().starts_with('#');
                }
            }
            "src" if *element == local_name!("img") => load("src", value, Place::Image, reading, out),
            "src" if matches!(&**element, "audio" | "video" | "source") => {
                load("src", value, Place::Media, reading, out)
            }
            "poster" if *element == local_name!("video") => load("poster", value, Place::Image, reading, out),
            "target" if *element == local_name!("a") && value.eq_ignore_ascii_case("_blank") => {
                out.attribute(name, "_blank")
            }
            "for" if *element == local_name!("label") => {
                if (Labels { tree: labels.tree, known: &mut *labels.known }).has(value) && id_is_fine(value) {
                    out.attribute(name, value);
                }
            }
            // What else loads, or leads somewhere.
            "srcset" | "imagesrcset" | "background" | "lowsrc" | "dynsrc" | "src" | "poster" | "data" | "manifest"
            | "longdesc" | "ping" | "href" | "action" | "formaction" | "xlink:href" | "codebase" | "profile" => {
                lost(value, reading)
            }
            _ if elements::html_attribute(name) => out.attribute(name, value),
            _ => {}
        }
    }
    if leaves {
        out.attribute("rel", "noopener noreferrer");
    }
}

/// Writes the attributes of an SVG element, and a class that it gets besides.
pub fn svg(
    element: &LocalName,
    attributes: &[Attribute],
    mut class: Option<&str>,
    reading: &mut Reading,
    out: &mut Writer,
) {
    for Attribute { name, value } in attributes {
        let local = &*name.local;
        if name.ns == ns!(xmlns) {
            namespace(local, value, out);
            continue;
        }
        if name.ns == ns!(xml) {
            match local {
                "space" | "lang" => out.attribute(if local == "space" { "xml:space" } else { "xml:lang" }, value),
                _ => reading.removed.add(Kind::PageSetting),
            }
            continue;
        }
        match local {
            _ if is_handler(local) => reading.removed.add(Kind::Handler),
            "href" => {
                let written = if name.ns == ns!(xlink) { "xlink:href" } else { "href" };
                match &**element {
                    "a" => _ = link(written, value, reading, out),
                    "image" => load(written, value, Place::Image, reading, out),
                    _ => load(written, value, Place::Fragment, reading, out),
                }
            }
            "style" | "id" => common(local, value, None, reading, out),
            "class" => common(local, value, class.take(), reading, out),
            "xmlns" => {}
            _ if name.ns != ns!() => {}
            _ if elements::svg_attribute(local) => {
                reading.roams |= local == "overflow" && !value.eq_ignore_ascii_case("hidden");
                if css::value_is_fine(value, reading.remote, reading.removed) || holds_data(local) {
                    out.attribute(local, value);
                }
            }
            _ if local.starts_with("aria-") && elements::html_attribute(local) => out.attribute(local, value),
            _ => {}
        }
    }
    if let Some(class) = class {
        out.attribute("class", class);
    }
}

/// Writes the attributes of a MathML element.
pub fn mathml(attributes: &[Attribute], reading: &mut Reading, out: &mut Writer) {
    for Attribute { name, value } in attributes {
        let local = &*name.local;
        match local {
            _ if name.ns == ns!(xmlns) => namespace(local, value, out),
            _ if name.ns != ns!() => lost(value, reading),
            _ if is_handler(local) => reading.removed.add(Kind::Handler),
            "href" | "src" | "altimg" | "cdgroup" | "definitionURL" => lost(value, reading),
            "style" | "class" | "id" => common(local, value, None, reading, out),
            _ if elements::mathml_attribute(local) => {
                // Negative spaces draw over what stands before.
                reading.roams |= value.contains('-')
                    && matches!(local, "width" | "height" | "depth" | "lspace" | "rspace" | "voffset");
                out.attribute(local, value);
            }
            _ => {}
        }
    }
}

/// Writes the attributes of a `<style>`.
pub fn style(attributes: &[Attribute], out: &mut Writer) {
    for Attribute { name, value } in attributes {
        match &*name.local {
            "scoped" => out.attribute("scoped", ""),
            "type" if value.eq_ignore_ascii_case("text/css") => out.attribute("type", "text/css"),
            // Without its condition it would hold where it is not meant to; what is no plain condition never holds.
            "media" if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -():,.".contains(&byte)) => {
                out.attribute("media", value)
            }
            "media" => out.attribute("media", "not all"),
            _ => {}
        }
    }
}

fn common(name: &str, value: &str, more: Option<&str>, reading: &mut Reading, out: &mut Writer) {
    match name {
        "style" => {
            let style = css::declarations(value, reading);
            if !style.trim().is_empty() {
                out.attribute(name, style.trim_end());
            }
        }
        "class" => {
            let classes = classes(value, reading);
            match more {
                Some(more) => out.attribute(name, format!("{more} {classes}").trim_end()),
                None => out.attribute(name, &classes),
            }
        }
        _ if id_is_fine(value) => out.attribute(name, value),
        _ => reading.removed.add(Kind::Style),
    }
}

fn classes<'v>(value: &'v str, reading: &mut Reading) -> Cow<'v, str> {
    if value.split_ascii_whitespace().all(class_is_fine) {
        return Cow::Borrowed(value);
    }
    reading.removed.add(Kind::Style);
    Cow::Owned(value.split_ascii_whitespace().filter(|class| class_is_fine(class)).collect::<Vec<_>>().join(" "))
}

/// Whether a class is not one of the page's own.
pub fn class_is_fine(class: &str) -> bool {
    class.len() <= MAX_NAME && !PAGE_CLASSES.iter().any(|start| has_prefix(class, start))
}

/// Whether an id cannot be taken for one of the page's own, nor for a name that its scripts look up.
fn id_is_fine(id: &str) -> bool {
    id.len() <= MAX_NAME && !PAGE_IDS.iter().any(|start| has_prefix(id, start))
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn link(name: &str, value: &str, reading: &mut Reading, out: &mut Writer) -> bool {
    let fine = judge(value, Place::Link) == Verdict::Fine;
    match fine {
        true => out.attribute(name, value),
        false => reading.removed.add(Kind::CodeUrl),
    }
    fine
}

fn load(name: &str, value: &str, place: Place, reading: &mut Reading, out: &mut Writer) {
    match judge(value, place) {
        Verdict::Fine => out.attribute(name, value),
        Verdict::Remote if reading.remote => out.attribute(name, value),
        Verdict::Remote => reading.removed.add(Kind::Remote),
        Verdict::Code => reading.removed.add(Kind::CodeUrl),
    }
}

/// Counts a URL that is left out.
fn lost(value: &str, reading: &mut Reading) {
    match judge(value, Place::Image) {
        Verdict::Fine => {}
        Verdict::Remote => reading.removed.add(Kind::Remote),
        Verdict::Code => reading.removed.add(Kind::CodeUrl),
    }
}

fn namespace(local: &str, value: &str, out: &mut Writer) {
    match (local, value) {
        ("xmlns", "http://www.w3.org/2000/svg" | "http://www.w3.org/1998/Math/MathML") => out.attribute("xmlns", value),
        ("xlink", "http://www.w3.org/1999/xlink") => out.attribute("xmlns:xlink", value),
        _ => {}
    }
}

/// SVG attributes that are numbers or names, never CSS: whatever they hold, nothing is loaded.
fn holds_data(name: &str) -> bool {
    matches!(
        name,
        "d" | "points" | "version" | "systemLanguage" | "values" | "tableValues" | "viewBox" | "result" | "in" | "in2"
    )
}
