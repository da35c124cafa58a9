//! The walk over a parsed document that writes what may stay of it. HTML stays in HTML, SVG in SVG and MathML
//! in MathML: elements never change sides, which is where browsers and sanitizers come to differ.

use std::collections::HashSet;

use html5ever::{Attribute, LocalName, QualName, local_name, ns};

use super::super::css::{self, Reading, Root, Scope};
use super::super::removals::{Kind, Removals};
use super::attributes::{self, Labels};
use super::elements::{self, Fate};
use super::tree::{BeyondBounds, Content, Id, MAX_DEPTH, Tree};
use super::write::Writer;

/// How a document is to be cleaned.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Whether remote URLs may stay.
    pub remote: bool,
    /// The class under which stylesheets are put; without one their selectors stay as they are.
    pub scope: Option<Scope<'a>>,
    /// The ids of what stands around it, for labels and links that refer to them.
    pub ids: Option<&'a HashSet<String>>,
}

/// What is left of a document.
#[derive(Debug)]
pub struct Cleaned {
    pub text: String,
    /// Whether elements were mended, unwrapped or foreign, so that reading it again may give something else.
    pub unusual: bool,
    /// Whether something may be painted outside its place.
    pub roams: bool,
    /// Whether a stylesheet is left.
    pub styled: bool,
    /// Whether there is anything to be seen.
    pub visible: bool,
}

/// Cleans a parsed document.
pub fn clean(tree: &Tree, rules: Rules, removed: &mut Removals) -> Result<Cleaned, BeyondBounds> {
    let mut walk = Walk {
        tree,
        rules,
        reading: Reading { remote: rules.remote, removed, roams: false },
        out: Writer::default(),
        labels: None,
        unusual: tree.mended,
        styled: false,
        visible: false,
        root_svg: matches!(rules.scope, Some(Scope { root: Root::Svg, .. })),
        depth: 0,
    };
    for child in tree.children(tree.root()) {
        walk.node(child, Side::Html)?;
    }
    let text = walk.out.finish(walk.reading.removed);
    Ok(Cleaned { text, unusual: walk.unusual, roams: walk.reading.roams, styled: walk.styled, visible: walk.visible })
}

/// Which language the parent belongs to, and what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Html,
    Svg,
    Mathml,
    /// Text only.
    Text,
}

struct Walk<'t, 'r> {
    tree: &'t Tree,
    rules: Rules<'t>,
    reading: Reading<'r>,
    out: Writer,
    /// The ids of the document, gathered when first needed.
    labels: Option<HashSet<&'t str>>,
    unusual: bool,
    styled: bool,
    visible: bool,
    /// Whether the next `<svg>` is the root that gets the scope's class.
    root_svg: bool,
    depth: u16,
}

impl<'t> Walk<'t, '_> {
    fn node(&mut self, id: Id, side: Side) -> Result<(), BeyondBounds> {
        match self.tree.content(id) {
            Content::Text(text) => {
                self.visible = self.visible || text.bytes().any(|byte| !byte.is_ascii_whitespace());
                self.out.text(text);
                Ok(())
            }
            Content::Element { name, attributes } => {
                if self.depth > MAX_DEPTH {
                    return Err(BeyondBounds);
                }
                self.depth += 1;
                let done = self.element(id, name, attributes, side);
                self.depth -= 1;
                done
            }
            Content::Comment | Content::Top => Ok(()),
        }
    }

    fn element(
        &mut self,
        id: Id,
        name: &'t QualName,
        attributes: &'t [Attribute],
        side: Side,
    ) -> Result<(), BeyondBounds> {
        let local = &*name.local;
        let (own, fate) = if name.ns == ns!(html) {
            (Side::Html, elements::html(local))
        } else if name.ns == ns!(svg) {
            (Side::Svg, elements::svg(local))
        } else {
            (Side::Mathml, elements::mathml(local))
        };
        let enters = match own {
            Side::Svg => name.local == local_name!("svg"),
            _ => name.local == local_name!("math"),
        };
        if own != side && !(side == Side::Html && enters) {
            self.unusual = true;
            return self.dropped(id, name, attributes, None);
        }
        self.unusual |= own != Side::Html;
        match fate {
            Fate::Keep if name.local == local_name!("input") && !elements::is_switch(attributes) => {
                self.dropped(id, name, attributes, Some(Kind::Form))
            }
            Fate::Keep => self.kept(id, name, attributes, own, side),
            Fate::Style => {
                self.style(id, attributes);
                Ok(())
            }
            Fate::Unwrap(kind) => {
                self.unusual = true;
                self.count(kind);
                self.handlers(attributes);
                self.tree.children(id).try_for_each(|child| self.node(child, own))
            }
            Fate::Drop(kind) => {
                self.unusual |= !matches!(kind, Some(Kind::Script | Kind::Frame | Kind::PageSetting))
                    && name.local != local_name!("title");
                self.dropped(id, name, attributes, kind)
            }
        }
    }

    fn kept(
        &mut self,
        id: Id,
        name: &'t QualName,
        attributes: &'t [Attribute],
        own: Side,
        side: Side,
    ) -> Result<(), BeyondBounds> {
        let local = &*name.local;
        if name.local == local_name!("wbr") && self.out.ends_in_macro() {
            return Ok(());
        }
        self.out.open(local, self.reading.removed);
        let mut class = None;
        if self.root_svg && own == Side::Svg {
            self.root_svg = false;
            class = self.rules.scope.map(|scope| scope.class);
        }
        let labels = Labels { tree: Some(self.tree), known: &mut self.labels, more: self.rules.ids };
        match own {
            Side::Html => attributes::html(&name.local, attributes, labels, &mut self.reading, &mut self.out),
            Side::Svg => {
                let outermost = side != Side::Svg;
                attributes::svg(&name.local, attributes, class, outermost, &mut self.reading, &mut self.out)
            }
            _ => attributes::mathml(attributes, &mut self.reading, &mut self.out),
        }
        self.out.opened();
        self.visible |= own != Side::Html || is_seen(&name.local);
        if own == Side::Html && elements::is_void(local) {
            return Ok(());
        }
        let inside = match (own, local) {
            (Side::Svg, "title" | "desc") | (Side::Mathml, "annotation") => Side::Text,
            _ => own,
        };
        let mut starts = name.local == local_name!("pre");
        for child in self.tree.children(id) {
            if std::mem::take(&mut starts)
                && matches!(self.tree.content(child), Content::Text(text) if text.starts_with('\n'))
            {
                // A parser leaves out the first line end of a `<pre>`.
                self.out.line_end();
            }
            self.node(child, inside)?;
        }
        self.out.close(local, self.reading.removed);
        Ok(())
    }

    fn style(&mut self, id: Id, attributes: &[Attribute]) {
        let mut text = String::new();
        for child in self.tree.children(id) {
            if let Content::Text(part) = self.tree.content(child) {
                text.push_str(part);
            }
        }
        let sheet = css::sheet(&text, self.rules.scope, &mut self.reading);
        if sheet.is_empty() {
            return;
        }
        self.styled = true;
        self.out.open("style", self.reading.removed);
        attributes::style(attributes, &mut self.out);
        self.out.opened();
        self.out.verbatim(&sheet);
        self.out.close("style", self.reading.removed);
    }

    /// Leaves an element out; what in it could have run is counted.
    fn dropped(
        &mut self,
        id: Id,
        name: &QualName,
        attributes: &[Attribute],
        kind: Option<Kind>,
    ) -> Result<(), BeyondBounds> {
        self.count(kind);
        self.handlers(attributes);
        if kind.is_none() && name.local != local_name!("title") {
            self.count_inside(id, 0);
        }
        Ok(())
    }

    fn count_inside(&mut self, id: Id, depth: u16) {
        if depth > MAX_DEPTH {
            return;
        }
        for child in self.tree.children(id) {
            if let Content::Element { name, attributes } = self.tree.content(child) {
                self.handlers(attributes);
                match elements::html(&name.local) {
                    Fate::Drop(kind) | Fate::Unwrap(kind) => self.count(kind),
                    Fate::Keep | Fate::Style => {}
                }
                self.count_inside(child, depth + 1);
            }
        }
    }

    fn count(&mut self, kind: Option<Kind>) {
        if let Some(kind) = kind {
            self.reading.removed.add(kind);
        }
    }

    fn handlers(&mut self, attributes: &[Attribute]) {
        let number = attributes.iter().filter(|attribute| attributes::is_handler(&attribute.name.local)).count();
        self.reading.removed.add_many(Kind::Handler, u32::try_from(number).unwrap_or(u32::MAX));
    }
}

fn is_seen(name: &LocalName) -> bool {
    matches!(&**name, "img" | "hr" | "input" | "audio" | "video" | "meter" | "progress")
}
