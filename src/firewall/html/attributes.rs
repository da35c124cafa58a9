//! Which attributes may stay, and what of their values.

use std::collections::HashSet;

use html5ever::{Attribute, LocalName, local_name, ns};

use super::super::css::{self, Reading};
use super::super::names;
use super::super::removals::Kind;
use super::super::url::{Place, Verdict, judge, leads_away};
use super::elements;
use super::tree::Tree;
use super::write::Writer;

/// The largest number in an attribute that says how large something is.
const MAX_LENGTH: u32 = 30_000;

/// Attributes of HTML that refer to elements by their ids.
const REFERENCES: [&str; 9] = [
    "aria-activedescendant",
    "aria-controls",
    "aria-describedby",
    "aria-details",
    "aria-errormessage",
    "aria-flowto",
    "aria-labelledby",
    "aria-owns",
    "headers",
];

/// The ids of a document, for labels that refer to them.
pub struct Labels<'t, 'l> {
    pub tree: Option<&'t Tree>,
    pub known: &'l mut Option<HashSet<&'t str>>,
    /// Names that are known besides, as those of the rest of a text in Markdown.
    pub more: Option<&'t HashSet<String>>,
}

impl Labels<'_, '_> {
    fn have(&mut self, id: &str) -> bool {
        let known = self.known.get_or_insert_with(|| {
            let all = self.tree.into_iter().flat_map(Tree::elements).flat_map(|(_, attributes)| attributes);
            all.filter(|attribute| attribute.name.local == local_name!("id"))
                .map(|attribute| &*attribute.value)
                .collect()
        });
        known.contains(id) || self.more.is_some_and(|more| more.contains(id))
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
    mut labels: Labels<'t, '_>,
    reading: &mut Reading,
    out: &mut Writer,
) {
    let mut leaves = false;
    let mut away = false;
    let mut blank = false;
    for Attribute { name, value } in attributes {
        let name = &*name.local;
        match name {
            _ if is_handler(name) => reading.removed.add(Kind::Handler),
            "style" | "class" | "id" => common(name, value, None, reading, out),
            "href" if *element == local_name!("a") => {
                let fragment = names::reference(value).filter(|_| value.get(1..).is_some_and(|id| labels.have(id)));
                if let Some(reference) = fragment {
                    out.attribute("href", &reference);
                } else if link("href", value, reading, out) {
                    leaves |= !value.trim_start().starts_with('#');
                    away |= leads_away(value);
                }
            }
            "src" if *element == local_name!("img") => load("src", value, Place::Image, reading, out),
            "src" if matches!(&**element, "audio" | "video" | "source") => {
                load("src", value, Place::Media, reading, out)
            }
            "poster" if *element == local_name!("video") => load("poster", value, Place::Image, reading, out),
            "target" if *element == local_name!("a") && value.eq_ignore_ascii_case("_blank") => blank = true,
            "for" if *element == local_name!("label") => {
                if let Some(id) = names::id(value).filter(|_| labels.have(value)) {
                    out.attribute(name, &id);
                }
            }
            _ if REFERENCES.contains(&name) => out.attribute(name, &names::ids(value)),
            // In their own order among the page's elements they would come before them.
            "tabindex" => out.attribute(name, if value.trim() == "0" { "0" } else { "-1" }),
            "height" | "width" | "border" | "hspace" | "vspace" | "cellpadding" | "cellspacing" | "size" => {
                if is_moderate(value) {
                    out.attribute(name, value);
                }
            }
            // What is too wide for its place begins to the left of it.
            "dir" => {
                reading.roams |= !value.eq_ignore_ascii_case("ltr");
                out.attribute(name, value);
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
    // Another site has no place in the page's own window.
    if blank || away {
        out.attribute("target", "_blank");
    }
    if leaves {
        out.attribute("rel", "noopener noreferrer");
    }
}

/// Whether an attribute that says how large something is names no vast number.
fn is_moderate(value: &str) -> bool {
    let digits = value.trim_start().trim_start_matches('+').split(|next: char| !next.is_ascii_digit()).next();
    digits.is_none_or(|digits| digits.is_empty() || digits.parse::<u32>().is_ok_and(|number| number <= MAX_LENGTH))
}

/// Writes the attributes of an SVG element, and a class that it gets besides.
pub fn svg(
    element: &LocalName,
    attributes: &[Attribute],
    mut class: Option<&str>,
    outermost: bool,
    reading: &mut Reading,
    out: &mut Writer,
) {
    let mut leaves = false;
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
                    "a" => leaves |= link(written, value, reading, out) && !value.trim_start().starts_with('#'),
                    "image" => load(written, value, Place::Image, reading, out),
                    _ => match names::reference(value) {
                        Some(reference) => out.attribute(written, &reference),
                        None => load(written, value, Place::Fragment, reading, out),
                    },
                }
            }
            "style" | "id" => common(local, value, None, reading, out),
            "class" => common(local, value, class.take(), reading, out),
            "xmlns" => {}
            _ if name.ns != ns!() => {}
            _ if REFERENCES.contains(&local) => out.attribute(local, &names::ids(value)),
            // These move or distort the box itself, which stands among the page's.
            "transform" | "filter" | "mask" | "clip-path" if outermost => reading.removed.add(Kind::Style),
            "width" | "height" if outermost && !is_moderate(value) => {}
            _ if elements::svg_attribute(local) => {
                reading.roams |= local == "overflow" && !value.eq_ignore_ascii_case("hidden");
                match css::single(value, reading.remote, reading.removed) {
                    Some(value) => out.attribute(local, &value),
                    None if holds_data(local) => out.attribute(local, value),
                    None => {}
                }
            }
            _ if local.starts_with("aria-") && elements::html_attribute(local) => out.attribute(local, value),
            _ => {}
        }
    }
    if let Some(class) = class {
        out.attribute("class", class);
    }
    // A page looks after links of HTML alone: this one would take its place.
    if leaves {
        out.attribute("target", "_blank");
        out.attribute("rel", "noopener noreferrer");
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
                let size = matches!(local, "width" | "height" | "depth" | "lspace" | "rspace" | "voffset");
                // What is moved up or down, or aside, is moved by little in a formula, in whichever direction.
                let moves = matches!(local, "height" | "depth" | "voffset" | "lspace");
                let back = format!("-{}", value.trim_start_matches(['-', '+', ' ']));
                if size && !(css::is_near(value) && (!moves || css::is_near(&back))) {
                    reading.removed.add(Kind::Style);
                    continue;
                }
                reading.roams |= matches!(local, "height" | "depth" | "voffset") || (size && value.contains('-'));
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
            let classes = names::classes(value);
            match more {
                Some(more) => out.attribute(name, format!("{more} {classes}").trim_end()),
                None => out.attribute(name, &classes),
            }
        }
        _ => {
            if let Some(id) = names::id(value.trim()) {
                out.attribute(name, &id);
            }
        }
    }
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
