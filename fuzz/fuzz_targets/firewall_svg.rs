//! A picture in SVG: nothing in it runs or loads, whether it is read as HTML or as XML, and both see the same.
#![no_main]

use cellblock_fuzz::judge::html::{Element, parsed_elements};
use cellblock_fuzz::{complaints, shown_text};
use libfuzzer_sys::fuzz_target;
use roxmltree::Document;

const KIND: &str = "image/svg+xml";

fuzz_target!(|data: &[u8]| {
    let source = String::from_utf8_lossy(data);
    let (Some(once), _) = shown_text(KIND, &source) else { return };
    assert_eq!(complaints(&once), Vec::<String>::new(), "from {source:?} came {once:?}");

    match Document::parse(&once) {
        Ok(document) => assert_eq!(names(parsed_elements(&once)), as_xml(&document), "{once:?}"),
        Err(error) => panic!("no XML: {error}: {once:?}"),
    }

    let (twice, removed) = shown_text(KIND, &once);
    assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {once:?}");
    let twice = twice.expect("of which nothing is removed stays");
    match once.contains("<style") {
        true => assert_eq!(complaints(&twice), Vec::<String>::new(), "from {source:?} came {twice:?}"),
        false => assert_eq!(twice, once),
    }
});

/// Elements with the names of their attributes, but for namespaces, which XML does not count among them.
fn names(elements: Vec<Element>) -> Vec<(String, usize)> {
    let counted = elements.into_iter().map(|(name, attributes)| {
        let own = attributes.iter().filter(|(name, _)| name != "xmlns" && !name.starts_with("xmlns:"));
        (name, own.count())
    });
    counted.collect()
}

fn as_xml(document: &Document) -> Vec<(String, usize)> {
    let elements = document.descendants().filter(|node| node.is_element());
    elements.map(|node| (node.tag_name().name().to_owned(), node.attributes().count())).collect()
}
