//! What hostile markup costs the firewall, at three sizes: HTML, SVG, Markdown and LaTeX that parsers have been slow with.
//! `cargo bench --bench adversarial_markup`. The time for a byte must not grow with the size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use cellblock::firewall::{Firewall, Removals};
use serde_json::{Map, Value};

/// The smallest size, in bytes; the others are twice and four times as large.
const SIZE: usize = 256 << 10;

/// How much longer four times as much may take before it is pointed at.
const GROWTH: f64 = 6.0;

const PIECES: [&str; 74] = [
    "![",
    "<img ",
    "[",
    "](",
    "](<",
    "[a](",
    "`",
    "` `` ",
    "<!--",
    "<![CDATA[",
    "</",
    "&#",
    "&",
    "<a href=",
    "<a href=\"",
    "style=\"",
    "<p style=\"",
    "url(",
    "@import",
    "/*",
    "{{{{",
    "<svg>",
    "<math>",
    "<svg><p>",
    "<math><mtext><table>",
    "\\begin{",
    "\\begin{a}",
    "$$",
    "$ ",
    "<b>",
    "<div>",
    "<p><b>",
    "<table><b>",
    "<a><b><i>",
    "> ",
    "- ",
    "1. ",
    "*",
    "**a ",
    "_a",
    "~~a ",
    "|",
    "|a|\n|-|\n",
    "#",
    "\\",
    "\\href{",
    "\\url{",
    "\\bbox[",
    "\\let",
    "<style>",
    "<style>a{",
    "<style>a{color:red}</style>",
    "<script>",
    "<textarea>",
    "<template>",
    "<select>",
    "<option>",
    "<ul><li>",
    "<nobr>",
    "<table><tr><td>",
    "<svg><desc><b>",
    "[a]: b\n",
    "[a][b] ",
    "http://a",
    "***a",
    "$a$",
    "```\n",
    "~~~a\n",
    "<b a",
    "\0",
    "\r",
    "a\n===\n",
    "<br>",
    "<path d=\"",
];

fn main() {
    // `cargo test --benches` and the like ask for a list.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    println!("{:<16} {:<28} {:>10} {:>10} {:>10}", "type", "repeated", "n", "2n", "4n");
    for kind in ["text/markdown", "text/html", "image/svg+xml", "text/latex"] {
        for piece in PIECES {
            let start = if kind == "image/svg+xml" { "<svg>" } else { "" };
            measure(kind, piece, |size| format!("{start}{}", piece.repeat(size / piece.len())));
        }
    }
    for kind in ["text/markdown", "text/html"] {
        measure(kind, "an attribute of its own", |size| {
            format!("<a {}>x", (0..size / 8).map(|n| format!("a{n} ")).collect::<String>())
        });
        measure(kind, "formatting of its own", |size| (0..size / 12).map(|n| format!("<p><b a{n}>")).collect());
    }
    measure("text/markdown", "code of each length", |size| {
        (1..)
            .map(|n| "`".repeat(n) + "a")
            .scan(0, |sum, part| {
                *sum += part.len();
                (*sum < size).then_some(part)
            })
            .collect()
    });
    measure("text/markdown", "quotes as deep as long", |size| {
        let side = size.isqrt();
        format!("{}\n", ">".repeat(side)).repeat(side)
    });
    measure("text/html", "declarations", |size| format!("<p style=\"{}\">x", "color:red;".repeat(size / 10)));
    measure("text/html", "selectors", |size| format!("<style>{}a{{color:red}}</style>x", ".a,".repeat(size / 3)));
    measure("text/html", "brackets in a value", |size| format!("<p style=\"width:{}\">x", "(".repeat(size)));
}

fn measure(kind: &str, what: &str, text: impl Fn(usize) -> String) {
    let times: Vec<Duration> = [SIZE, 2 * SIZE, 4 * SIZE].into_iter().map(|size| time(kind, text(size))).collect();
    let shown: Vec<String> = times.iter().map(|time| format!("{:>10}", format!("{time:.1?}"))).collect();
    let grows = match times.as_slice() {
        [few, .., many] => many.as_secs_f64() / few.as_secs_f64().max(0.005) > GROWTH,
        _ => false,
    };
    println!("{kind:<16} {:<28} {}{}", format!("{what:?}"), shown.join(" "), if grows { "  grows" } else { "" });
}

fn time(kind: &str, text: String) -> Duration {
    let firewall = Firewall::default();
    let mut data = Map::from_iter([(kind.to_owned(), Value::String(text))]);
    let started = Instant::now();
    firewall.bundle(&mut data, &mut Map::new(), &mut Removals::new());
    started.elapsed()
}
