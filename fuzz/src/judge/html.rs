//! Another reader of HTML than the firewall's: html5ever with the tree of its own tests.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// An element's name and its attributes.
pub type Element = (String, Vec<(String, String)>);

/// Every element of a document with its attributes, in order.
pub fn parsed_elements(html: &str) -> Vec<Element> {
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let dom = parse_fragment(RcDom::default(), ParseOpts::default(), context, Vec::new(), true).one(html);
    // The one child is the `<html>` that the parser puts around a fragment.
    let mut left: Vec<Handle> = dom.document.children.borrow().iter().flat_map(children).collect();
    let mut found = Vec::new();
    while let Some(node) = left.pop() {
        if let NodeData::Element { name, attrs, .. } = &node.data {
            let attributes = attrs.borrow();
            let pairs = attributes.iter().map(|attribute| {
                let prefix = attribute.name.prefix.as_ref().map(|prefix| format!("{prefix}:")).unwrap_or_default();
                let written = format!("{prefix}{}", attribute.name.local);
                (written.trim_start_matches(':').to_owned(), attribute.value.to_string())
            });
            found.push((name.local.to_string(), pairs.collect()));
        }
        left.extend(children(&node));
    }
    found
}

/// The last first, for a stack. What is in a template is not among a node's children.
fn children(node: &Handle) -> Vec<Handle> {
    let mut all: Vec<Handle> = node.children.borrow().iter().rev().cloned().collect();
    if let NodeData::Element { template_contents, .. } = &node.data
        && let Some(contents) = template_contents.borrow().as_ref()
    {
        all.push(contents.clone());
    }
    all
}
