//! Tags one by one, for a text that is HTML only in parts: what is between them is somebody else's. Only elements that
//! change nothing about how the rest is read are written, so whatever stands between them stays what it is.

use std::collections::HashSet;

use html5ever::{Attribute, LocalName, local_name};

use super::super::css::{Reading, Scope};
use super::super::removals::{Kind, Removals};
use super::attributes::{self, Labels};
use super::elements::{self, Fate};
use super::write::Writer;

/// The element of the firewall's own box around such a text: nothing in it can end the box by its name.
pub const BOX: &str = "section";

/// Tags that are being cleaned.
#[derive(Debug)]
pub struct Parts<'r> {
    remote: bool,
    scope: Scope<'r>,
    ids: &'r HashSet<String>,
    reading: Reading<'r>,
    out: Writer,
    styled: bool,
}

/// What is left of them.
#[derive(Debug)]
pub struct Done {
    pub text: String,
    /// Whether something may be painted outside its place.
    pub roams: bool,
    /// Whether there is a style sheet.
    pub styled: bool,
}

impl<'r> Parts<'r> {
    pub fn new(remote: bool, scope: Scope<'r>, ids: &'r HashSet<String>, removed: &'r mut Removals) -> Self {
        let reading = Reading { remote, removed, roams: false };
        Self { remote, scope, ids, reading, out: Writer::default(), styled: false }
    }

    /// A start tag.
    pub fn open(&mut self, name: &LocalName, attributes: &[Attribute]) {
        let fate = if &**name == BOX { Fate::Unwrap(None) } else { elements::html(name) };
        match fate {
            Fate::Keep if *name == local_name!("input") && !elements::is_switch(attributes) => {
                self.gone(name, attributes);
                self.reading.removed.add(Kind::Form);
            }
            Fate::Keep if *name == local_name!("wbr") && self.out.ends_in_macro() => {}
            Fate::Keep => {
                self.out.open(name, self.reading.removed);
                let labels = Labels { tree: None, known: &mut None, more: Some(self.ids) };
                attributes::html(name, attributes, labels, &mut self.reading, &mut self.out);
                self.out.opened();
            }
            _ => self.gone(name, attributes),
        }
    }

    /// An end tag.
    pub fn close(&mut self, name: &str) {
        if name != BOX && elements::html(name) == Fate::Keep && !elements::is_void(name) {
            self.out.close(name, self.reading.removed);
        }
    }

    /// Text between tags.
    pub fn text(&mut self, text: &str) {
        self.out.text(text);
    }

    /// An element that is left out: what in it could have run is counted.
    pub fn gone(&mut self, name: &LocalName, attributes: &[Attribute]) {
        if let Fate::Drop(Some(kind)) | Fate::Unwrap(Some(kind)) = elements::html(name) {
            self.reading.removed.add(kind);
        }
        let handlers = attributes.iter().filter(|attribute| attributes::is_handler(&attribute.name.local)).count();
        self.reading.removed.add_many(Kind::Handler, u32::try_from(handlers).unwrap_or(u32::MAX));
    }

    /// An element that is read as a document of its own.
    pub fn whole(&mut self, source: &str) {
        match super::fragment(source, self.remote, self.scope, Some(self.ids), self.reading.removed) {
            Ok(cleaned) => {
                self.out.raw(&cleaned.text, self.reading.removed);
                self.reading.roams |= cleaned.roams;
                self.styled |= cleaned.styled;
            }
            Err(_) => self.reading.removed.add(Kind::TooLarge),
        }
    }

    /// What may stay of them.
    pub fn finish(self) -> Done {
        let text = self.out.finish(self.reading.removed);
        Done { text, roams: self.reading.roams, styled: self.styled }
    }
}
