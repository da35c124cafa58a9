//! The document tree that html5ever builds, in one vector: a table of ten megabytes has a million nodes. It
//! notes what the parser had to mend, and stops at bounds on depth, nodes and time.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, LocalName, Namespace, ParseOpts, QualName, local_name, ns, parse_fragment};

/// How deep elements may be nested. Browsers flatten what is deeper than 512, so it would not be what was checked.
pub const MAX_DEPTH: u16 = 200;

/// Bytes between two looks at the bounds.
const CHUNK: usize = 8 << 10;

/// The time for a document, and what each megabyte adds to it. Only hostile documents come near it.
const TIME: Duration = Duration::from_secs(2);
const TIME_FOR_A_MEGABYTE: Duration = Duration::from_millis(200);

/// The steps of the parser for each byte, and those that any document may take: looking through open elements for one that
/// ends, through formatting that is taken up again, and the like. An honest table takes four.
const STEPS_FOR_A_BYTE: usize = 40;
const STEPS: usize = 200_000;

/// The most attributes of one tag: a parser compares each with all before it.
const MAX_ATTRIBUTES: usize = 512;

/// The place of a node in the tree.
pub type Id = u32;

const NONE: Id = Id::MAX;

/// What a node is.
#[derive(Debug)]
pub enum Content {
    /// The top of a fragment, or of a template's contents.
    Top,
    Element {
        name: QualName,
        attributes: Vec<Attribute>,
    },
    Text(StrTendril),
    /// A comment or a processing instruction: never passed on, so its text is not kept.
    Comment,
}

#[derive(Debug)]
struct Node {
    content: Content,
    parent: Id,
    first: Id,
    last: Id,
    before: Id,
    after: Id,
    depth: u16,
}

/// A parsed fragment.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    root: Id,
    /// Whether the parser moved nodes about, so that what is written may be read differently.
    pub mended: bool,
    /// How many steps the parser took.
    #[cfg(test)]
    pub steps: usize,
}

/// Why a document is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeyondBounds;

impl Tree {
    /// Parses a fragment as a browser does that puts it into a `<div>` of a page with scripts.
    pub fn parse(source: &str) -> Result<Self, BeyondBounds> {
        if has_too_many_attributes(source) {
            return Err(BeyondBounds);
        }
        let megabytes = u32::try_from(source.len() >> 20).unwrap_or(u32::MAX);
        let end = Instant::now() + TIME + TIME_FOR_A_MEGABYTE.saturating_mul(megabytes);
        let context = QualName::new(None, ns!(html), local_name!("div"));
        let mut parser = parse_fragment(Sink::default(), ParseOpts::default(), context, Vec::new(), true);
        let whole = StrTendril::from_slice(source);
        let mut at = 0;
        while at < source.len() {
            let mut next = (at + CHUNK).min(source.len());
            while !source.is_char_boundary(next) {
                next += 1;
            }
            // Tendrils count in 32 bits; the caller's bound on sizes is far below that.
            let (Ok(start), Ok(length)) = (u32::try_from(at), u32::try_from(next - at)) else {
                return Err(BeyondBounds);
            };
            parser.process(whole.subtendril(start, length));
            at = next;
            let sink = &parser.tokenizer.sink.sink;
            // No honest document has more nodes than bytes: formatting elements that are taken up again and again do.
            let works_too_much = sink.steps.get() > at.saturating_mul(STEPS_FOR_A_BYTE) + STEPS;
            let too_many = sink.nodes.borrow().len() > at + 1000;
            if sink.too_deep.get() || too_many || works_too_much || Instant::now() > end {
                return Err(BeyondBounds);
            }
        }
        let sink = parser.finish();
        if sink.too_deep.get() {
            return Err(BeyondBounds);
        }
        let mut tree = Self {
            #[cfg(test)]
            steps: sink.steps.get(),
            nodes: sink.nodes.into_inner(),
            root: 0,
            mended: sink.mended.get(),
        };
        // A fragment's nodes stand below an `<html>` of the parser's own.
        let is_html =
            |id: &Id| matches!(tree.content(*id), Content::Element { name, .. } if name.local == local_name!("html"));
        let root = tree.children(0).find(is_html);
        tree.root = root.unwrap_or(0);
        Ok(tree)
    }

    /// The node whose children are the fragment.
    pub fn root(&self) -> Id {
        self.root
    }

    pub fn content(&self, id: Id) -> &Content {
        self.nodes.get(id as usize).map_or(&Content::Comment, |node| &node.content)
    }

    pub fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        let mut next = self.nodes.get(id as usize).map_or(NONE, |node| node.first);
        std::iter::from_fn(move || {
            let here = next;
            next = self.nodes.get(here as usize)?.after;
            Some(here)
        })
    }

    /// Every element's attributes, in the order of the document's making.
    pub fn elements(&self) -> impl Iterator<Item = (&QualName, &[Attribute])> {
        self.nodes.iter().filter_map(|node| match &node.content {
            Content::Element { name, attributes } => Some((name, attributes.as_slice())),
            _ => None,
        })
    }
}

/// Whether a tag has more attributes than any honest one.
pub fn has_too_many_attributes(source: &str) -> bool {
    let bytes = source.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'<')) {
        at += found + 1;
        if bytes.get(at..at + 3) == Some(b"!--") {
            at = source.get(at..).and_then(|rest| rest.find("-->")).map_or(bytes.len(), |end| at + end);
            continue;
        }
        at += usize::from(bytes.get(at) == Some(&b'/'));
        if !bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let (count, length) = attributes(bytes.get(at..).unwrap_or_default());
        if count > MAX_ATTRIBUTES {
            return true;
        }
        at += length;
    }
    false
}

/// How many attributes follow a tag's name, and how long all that is.
fn attributes(tag: &[u8]) -> (usize, usize) {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | b'\x0c');
    let mut count = 0;
    let mut at = tag.iter().position(|byte| is_space(byte) || matches!(byte, b'/' | b'>')).unwrap_or(tag.len());
    while let Some(byte) = tag.get(at) {
        match byte {
            b'>' => break,
            b'=' => {
                at += 1;
                at += tag.get(at..).unwrap_or_default().iter().take_while(|byte| is_space(byte)).count();
                let quote = tag.get(at).copied();
                let rest = tag.get(at + 1..).unwrap_or_default();
                at += match quote {
                    Some(quote @ (b'"' | b'\'')) => {
                        rest.iter().position(|byte| *byte == quote).map_or(rest.len(), |end| end + 1) + 1
                    }
                    _ => {
                        let value = tag.get(at..).unwrap_or_default();
                        value.iter().position(|byte| is_space(byte) || *byte == b'>').unwrap_or(value.len())
                    }
                };
            }
            byte if is_space(byte) || *byte == b'/' => at += 1,
            _ => {
                count += 1;
                let name = tag.get(at..).unwrap_or_default();
                let end = name.iter().skip(1).position(|byte| is_space(byte) || matches!(byte, b'/' | b'>' | b'='));
                at += end.map_or(name.len(), |end| end + 1);
            }
        }
    }
    (count, at.min(tag.len()))
}

struct Sink {
    /// What the parser has looked at so far.
    steps: Cell<usize>,
    nodes: RefCell<Vec<Node>>,
    too_deep: Cell<bool>,
    mended: Cell<bool>,
}

impl Default for Sink {
    fn default() -> Self {
        let sink = Self {
            steps: Cell::new(0),
            nodes: RefCell::default(),
            too_deep: Cell::new(false),
            mended: Cell::new(false),
        };
        sink.add(Content::Top);
        sink
    }
}

/// The name of an element, apart from the tree.
#[derive(Debug)]
struct Name(Namespace, LocalName);

impl html5ever::interface::ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0
    }

    fn local_name(&self) -> &LocalName {
        &self.1
    }
}

impl Sink {
    fn add(&self, content: Content) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        // The bound on sizes keeps this far below the number of places.
        let id = Id::try_from(nodes.len()).unwrap_or(NONE);
        nodes.push(Node { content, parent: NONE, first: NONE, last: NONE, before: NONE, after: NONE, depth: 0 });
        id
    }

    fn detach(&self, id: Id) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(node) = nodes.get_mut(id as usize) else { return };
        let (parent, before, after) = (node.parent, node.before, node.after);
        (node.parent, node.before, node.after) = (NONE, NONE, NONE);
        match nodes.get_mut(before as usize) {
            Some(sibling) => sibling.after = after,
            None => {
                if let Some(parent) = nodes.get_mut(parent as usize) {
                    parent.first = after;
                }
            }
        }
        match nodes.get_mut(after as usize) {
            Some(sibling) => sibling.before = before,
            None => {
                if let Some(parent) = nodes.get_mut(parent as usize) {
                    parent.last = before;
                }
            }
        }
    }

    /// Puts a node under a parent, before a sibling or at the end.
    fn insert(&self, parent: Id, sibling: Id, id: Id) {
        self.steps.set(self.steps.get().saturating_add(1));
        self.detach(id);
        let mut nodes = self.nodes.borrow_mut();
        let Some(above) = nodes.get_mut(parent as usize) else { return };
        let depth = above.depth.saturating_add(1);
        let before = match sibling {
            NONE => std::mem::replace(&mut above.last, id),
            _ => nodes.get(sibling as usize).map_or(NONE, |node| node.before),
        };
        if let Some(node) = nodes.get_mut(id as usize) {
            (node.parent, node.before, node.after, node.depth) = (parent, before, sibling, depth);
        }
        match nodes.get_mut(before as usize) {
            Some(node) => node.after = id,
            None => {
                if let Some(parent) = nodes.get_mut(parent as usize) {
                    parent.first = id;
                }
            }
        }
        if let Some(node) = nodes.get_mut(sibling as usize) {
            node.before = id;
        }
        if depth > MAX_DEPTH {
            self.too_deep.set(true);
        }
    }

    /// Adds text to a text node that ends where it is to stand.
    fn extend(&self, id: Id, text: &StrTendril) -> bool {
        match self.nodes.borrow_mut().get_mut(id as usize).map(|node| &mut node.content) {
            Some(Content::Text(before)) => {
                before.push_tendril(text);
                true
            }
            _ => false,
        }
    }

    fn last_child(&self, id: Id) -> Id {
        self.nodes.borrow().get(id as usize).map_or(NONE, |node| node.last)
    }

    fn parent(&self, id: Id) -> Id {
        self.nodes.borrow().get(id as usize).map_or(NONE, |node| node.parent)
    }
}

impl TreeSink for Sink {
    type Handle = Id;
    type Output = Self;
    type ElemName<'a> = Name;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Name {
        self.steps.set(self.steps.get().saturating_add(1));
        match self.nodes.borrow().get(*target as usize).map(|node| &node.content) {
            Some(Content::Element { name, .. }) => Name(name.ns.clone(), name.local.clone()),
            _ => Name(ns!(), local_name!("")),
        }
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Id {
        self.add(Content::Element { name, attributes })
    }

    fn create_comment(&self, _: StrTendril) -> Id {
        self.add(Content::Comment)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Id {
        self.add(Content::Comment)
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        match child {
            NodeOrText::AppendNode(id) => self.insert(*parent, NONE, id),
            NodeOrText::AppendText(text) => {
                if !self.extend(self.last_child(*parent), &text) {
                    self.insert(*parent, NONE, self.add(Content::Text(text)));
                }
            }
        }
    }

    fn append_based_on_parent_node(&self, element: &Id, previous: &Id, child: NodeOrText<Id>) {
        match self.parent(*element) {
            NONE => self.append(previous, child),
            _ => self.append_before_sibling(element, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Id) -> Id {
        // Nothing of a template is passed on: its contents may as well stand in it.
        *target
    }

    fn same_node(&self, one: &Id, other: &Id) -> bool {
        self.steps.set(self.steps.get().saturating_add(1));
        one == other
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Id, node: NodeOrText<Id>) {
        self.mended.set(true);
        let parent = self.parent(*sibling);
        match node {
            NodeOrText::AppendNode(id) => self.insert(parent, *sibling, id),
            NodeOrText::AppendText(text) => {
                let before = self.nodes.borrow().get(*sibling as usize).map_or(NONE, |node| node.before);
                if !self.extend(before, &text) {
                    self.insert(parent, *sibling, self.add(Content::Text(text)));
                }
            }
        }
    }

    fn add_attrs_if_missing(&self, target: &Id, attributes: Vec<Attribute>) {
        if let Some(Content::Element { attributes: had, .. }) =
            self.nodes.borrow_mut().get_mut(*target as usize).map(|node| &mut node.content)
        {
            let missing: Vec<Attribute> =
                attributes.into_iter().filter(|new| had.iter().all(|old| old.name != new.name)).collect();
            had.extend(missing);
        }
    }

    fn remove_from_parent(&self, target: &Id) {
        self.mended.set(true);
        self.detach(*target);
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
        self.mended.set(true);
        loop {
            let first = self.nodes.borrow().get(*node as usize).map_or(NONE, |node| node.first);
            if first == NONE {
                return;
            }
            self.insert(*new_parent, NONE, first);
        }
    }
}
