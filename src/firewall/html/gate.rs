//! The second opinion: ammonia, with tables as narrow as ours, over everything that is more than plain markup. It
//! costs five times what the first pass does, so that a large plain table does not go through it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::elements;

static BUILDER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut tags = HashSet::from(["style"]);
    let mut attributes = HashSet::from([
        "class", "id", "style", "href", "src", "poster", "target", "rel", "for", "media", "xmlns", "xlink",
    ]);
    for (names, their_attributes) in elements::tables() {
        tags.extend(names);
        attributes.extend(their_attributes);
    }
    let mut builder = Builder::empty();
    builder
        .tags(tags)
        .clean_content_tags(HashSet::from(["script", "iframe", "object", "template", "noscript"]))
        .tag_attributes(HashMap::new())
        .generic_attributes(attributes)
        .generic_attribute_prefixes(HashSet::from(["aria-"]))
        .url_schemes(HashSet::from(["http", "https", "mailto", "data"]))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(None)
        .strip_comments(true);
    builder
});

/// What ammonia leaves of a document.
pub fn pass(html: &str) -> String {
    BUILDER.clean(html).to_string()
}
