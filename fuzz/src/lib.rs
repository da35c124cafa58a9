//! The kernel's own source files that read bytes from outside, compiled here without wasmtime, and what
//! the targets share. The files are those of the kernel, not copies.

#![deny(unsafe_code)]

pub mod allocated;
#[path = "../../src/sandbox/frame.rs"]
pub mod door;
#[path = "../../src/firewall/mod.rs"]
pub mod firewall;
#[path = "../../src/json.rs"]
pub mod json;
#[path = "../../src/setup/rewrite.rs"]
pub mod rewrite;

/// The messaging protocol, and the sockets as far as they read bytes.
#[path = "../../src/jupyter"]
pub mod jupyter {
    pub mod wire;
    pub mod sockets {
        pub mod zmtp;
    }
}
pub use jupyter::sockets::zmtp;
pub use jupyter::wire;

/// Which characters are visible, which names of saved states have to be.
#[path = "../../src/observe"]
pub mod observe {
    mod visible;
    pub use visible::*;
}

/// Which states a session can go to.
#[path = "../../src/timeline.rs"]
pub mod timeline;

/// The lists of a session's files.
#[allow(dead_code)]
#[path = "../../src/workspace"]
pub mod workspace {
    pub mod manifest;
}

/// What reads a stored session; the rest of the store needs a store.
#[path = "../../src/store"]
pub mod store {
    pub mod identity;
    pub mod index;
    /// Without the packing of pages, which is in terms of the store.
    pub mod record {
        pub mod frame;
        pub mod header;
        pub mod parsed;
        pub mod runs;
        pub use frame::Hash;
    }
    pub mod state;
}

/// The firewall's oracle, over a document that was not read by the firewall's own code.
pub mod judge {
    #[path = "../../../src/firewall/oracle.rs"]
    pub mod oracle;

    #[path = "../../../src/firewall/plotly/reading.rs"]
    pub mod plotly;

    pub mod html;
}

use bytes::Bytes;
use serde_json::{Map, Value};

use firewall::{Firewall, Removals};

/// Takes a fuzzer's input apart; beyond its end there are zeros and empty slices.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub fn number(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// The frames of a multipart message: separated by 0xff, which no UTF-8 has.
pub fn pieces(data: &[u8]) -> Vec<Bytes> {
    data.split(|byte| *byte == 0xff).map(Bytes::copy_from_slice).collect()
}

/// What the firewall leaves of a bundle with this type alone, under the default policy.
pub fn shown(kind: &str, contents: impl Into<Value>) -> (Option<Value>, Removals) {
    let mut removed = Removals::new();
    let mut data = Map::from_iter([(kind.to_owned(), contents.into())]);
    Firewall::default().bundle(&mut data, &mut Map::new(), &mut removed);
    assert!(data.len() == 1, "nothing is shown in place of what was removed, or more than one thing");
    (data.remove(kind), removed)
}

/// The same for types whose contents are text.
pub fn shown_text(kind: &str, contents: &str) -> (Option<String>, Removals) {
    let (left, removed) = shown(kind, contents);
    let text = left.map(|left| left.as_str().expect("text stays text").to_owned());
    (text, removed)
}

/// What the oracle says of HTML, but for `url(` in attributes that nobody takes for CSS, such as a class.
pub fn complaints(html: &str) -> Vec<String> {
    const CSS: [&str; 11] = [
        "style",
        "fill",
        "stroke",
        "filter",
        "mask",
        "clip-path",
        "marker",
        "marker-start",
        "marker-mid",
        "marker-end",
        "cursor",
    ];
    let mut found = judge::oracle::complaints(html);
    if found.is_empty() {
        return found;
    }
    let uncommented = judge::oracle::complaints(&without_comments(html));
    found.retain(|complaint| {
        // Nor is what a style sheet has in a comment.
        if complaint.ends_with(" in a style sheet") {
            return uncommented.contains(complaint);
        }
        let place = complaint.rsplit_once("= on <").and_then(|(rest, _)| rest.rsplit_once(" in "));
        place.is_none_or(|(_, name)| CSS.contains(&name))
    });
    found
}

fn without_comments(html: &str) -> String {
    let mut parts = html.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + " " + part.split_once("*/").map_or("", |(_, after)| after))
}
