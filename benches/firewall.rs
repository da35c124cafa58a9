//! What the output firewall costs, output by output, and the analysis of a cell. `cargo bench --bench firewall`.
//! What both cost a client is `benches/overhead.py`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use cellblock::advice::{FuelFacts, analyse};
use cellblock::firewall::{Firewall, Removals, Terminal};
use serde_json::{Map, Value};

/// How long each is repeated.
const TIME: Duration = Duration::from_millis(600);

fn main() {
    // `cargo test --benches` and the like ask for a list.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    println!("{:<44} {:>12} {:>12} {:>10}", "what", "bytes", "p50", "MB/s");
    bundle("the result of 1+1", "text/plain", "2".to_owned());
    let frame = table(60, 8);
    bundle("a table of 60 rows", "text/html", frame);
    bundle("a table of 10 MB", "text/html", table(50_000, 8));
    bundle("10 MB that need the second look", "text/html", format!("<svg><p>{}", table(50_000, 8)));
    bundle(
        "4 MB of SVG within HTML",
        "text/html",
        format!("<div><svg>{}</svg></div>", "<path d=\"M0 0L1 1\"/>".repeat(180_000)),
    );
    bundle("1 MB of unclosed elements", "text/html", "<b>".repeat(350_000));
    bundle("1 MB of one attribute", "text/html", format!("<p title=\"{}\">x</p>", "a".repeat(1 << 20)));
    bundle(
        "1 MB of style sheet",
        "text/html",
        format!("<style>{}</style>x", "td.a:hover { color: red; background: blue }\n".repeat(24_000)),
    );
    bundle("1 MB of Markdown", "text/markdown", "# T\n\n* a [link](https://x.org) `code` <b>x</b>\n\n".repeat(21_000));
    bundle("1 MB of LaTeX", "text/latex", "$\\frac{a}{b} \\href{x}{y}$ ".repeat(40_000));
    bundle("a figure as SVG", "image/svg+xml", of_corpus("matplotlib-svg", "image/svg+xml"));
    bundle("a figure as PNG", "image/png", of_corpus("matplotlib-png", "image/png"));
    text("64 KiB of text", "0123456789 plain text\n".repeat(3_000));
    text("64 KiB of coloured text", "\x1b[31m0123456789\x1b[0m text\n".repeat(2_400));
    measure("the analysis of a cell's fuel", 0, || {
        analyse(&FuelFacts {
            consumed: 1_000_000,
            budget: Some(1_000_000_000_000),
            imports: Vec::new(),
            hot_lines: Vec::new(),
        })
    });
}

fn bundle(what: &str, kind: &str, contents: String) {
    let firewall = Firewall::default();
    let data = Map::from_iter([(kind.to_owned(), Value::String(contents.clone()))]);
    measure(what, contents.len(), || {
        let (mut data, mut removed) = (data.clone(), Removals::new());
        firewall.bundle(&mut data, &mut Map::new(), &mut removed);
        data
    });
}

fn text(what: &str, contents: String) {
    let firewall = Firewall::default();
    measure(what, contents.len(), || {
        let mut text = contents.clone();
        firewall.text(&mut Terminal::default(), &mut text, &mut Removals::new());
        text
    });
}

fn measure<T>(what: &str, bytes: usize, mut work: impl FnMut() -> T) {
    let began = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || began.elapsed() < TIME {
        let started = Instant::now();
        std::hint::black_box(work());
        times.push(started.elapsed());
    }
    times.sort();
    let p50 = times.get(times.len() / 2).copied().unwrap_or_default();
    let speed = bytes as f64 / p50.as_secs_f64() / 1e6;
    println!("{what:<44} {bytes:>12} {:>12} {speed:>10.0}", format!("{p50:.1?}"));
}

/// A table as pandas writes it.
fn table(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let cells: String =
            (0..columns).map(|column| format!("      <td>{}.{column}</td>\n", row * 7919 % 1000)).collect();
        format!("    <tr>\n      <th>{row}</th>\n{cells}    </tr>\n")
    };
    let rows: String = (0..rows).map(row).collect();
    format!(
        "<div>\n<style scoped>\n    .dataframe tbody tr th {{ vertical-align: top; }}\n</style>\n\
         <table border=\"1\" class=\"dataframe\">\n  <tbody>\n{rows}  </tbody>\n</table>\n</div>"
    )
}

fn of_corpus(name: &str, kind: &str) -> String {
    let path = format!("{}/tests/firewall/benign/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let item: Value = serde_json::from_str(&text).unwrap_or_default();
    item["bundle"]["data"][kind].as_str().unwrap_or_default().to_owned()
}
