//! How checking grows with what is checked, for outputs that are JSON and were made to be costly: each at n, 2n and 4n, with
//! the times of the doublings, which are about 2 where checking is linear. `cargo bench --bench firewall_json`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use cellblock::firewall::{CommKind, Comms, Firewall, Message, Removals};
use serde_json::{Map, Value, json};

/// How often each is measured; the best counts.
const TIMES: usize = 5;

/// The smallest of the three sizes, in bytes or so.
const SIZE: usize = 256 << 10;

fn main() {
    // `cargo test --benches` and the like ask for a list.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    println!("{:<40} {:>10} {:>10} {:>10} {:>7} {:>7}", "what", "n", "2n", "4n", "2n/n", "4n/2n");
    for (what, sign) in [
        ("plotly: <", "<"),
        ("plotly: <b x=\"", "<b x=\""),
        ("plotly: <span style='", "<span style='"),
        ("plotly: <span style=\"a:b;\">", "<span style=\"a:b;\">"),
        ("plotly: &", "&"),
        ("plotly: &amp;", "&amp;"),
        ("plotly: &amp;lt;b", "&amp;lt;b"),
        ("plotly: &#60;", "&#60;"),
        ("plotly: $\\href{", "$\\href{"),
        ("plotly: %{", "%{"),
    ] {
        bundle(what, |size| json!({"data": [{"type": "scatter", "text": [sign.repeat(size / sign.len())]}]}));
    }
    bundle("plotly: one attribute", |size| titled(format!("<a href=\"{}\">x</a>", "%6a".repeat(size / 3))));
    bundle("plotly: one style", |size| titled(format!("<b style=\"{}\">x</b>", "color:red;".repeat(size / 10))));
    bundle("plotly: many texts", |size| json!({"data": [{"text": vec!["<b>x</b>"; size / 8]}]}));
    bundle("plotly: many colours", |size| json!({"data": [{"marker": {"color": vec!["rgb(1,2,3)"; size / 11]}}]}));
    bundle(
        "plotly: unknown attributes",
        |size| json!({"layout": (0..size / 8).map(|number| (format!("u{number}"), number.into())).collect::<Map<_, _>>()}),
    );
    bundle("plotly: buttons", |size| {
        let button = json!({"method": "relayout", "args": ["a[0].b.c", "x"]});
        json!({"layout": {"updatemenus": [{"buttons": vec![button; size / 50]}]}})
    });
    bundle("plotly: nested lists", |size| json!({"data": [{"customdata": nested(90, size / 200)}]}));
    measure("JSON: nested lists", |size| {
        let value = nested(90, size / 200);
        move || check("application/json", &value)
    });
    for (what, state) in [
        ("widget: HTML", (|size| json!({"value": "<i class=a>x</i>".repeat(size / 16)})) as fn(usize) -> Value),
        ("widget: unknown traits", |size| {
            (0..size / 8).map(|number| (format!("u{number}"), number.into())).collect::<Map<_, _>>().into()
        }),
        ("widget: classes", |size| json!({"_dom_classes": vec!["jp-x"; size / 6]})),
        ("widget: description", |size| json!({"description": "\\href{".repeat(size / 6)})),
    ] {
        measure(what, |size| {
            let mut state = state(size);
            for (key, value) in [
                ("_model_module", "@jupyter-widgets/controls"),
                ("_model_module_version", "2.0.0"),
                ("_model_name", "HTMLModel"),
                ("_view_name", "HTMLView"),
            ] {
                state[key] = value.into();
            }
            let data = json!({"state": state, "buffer_paths": []});
            move || {
                let (mut data, mut removed) = (data.clone(), Removals::new());
                let message = Message { kind: CommKind::Open, id: "a", target: "jupyter.widget" };
                Firewall::default().comm(&mut Comms::default(), message, &mut data, &mut removed);
            }
        });
    }
}

fn titled(text: String) -> Value {
    json!({"layout": {"title": {"text": text}}})
}

/// So many lists in one another, so many times.
fn nested(depth: usize, times: usize) -> Value {
    let one = (0..depth).fold(json!(1), |inside, _| json!([inside]));
    Value::Array(vec![one; times])
}

fn bundle(what: &str, figure: impl Fn(usize) -> Value) {
    measure(what, |size| {
        let figure = figure(size);
        move || check("application/vnd.plotly.v1+json", &figure)
    });
}

fn check(kind: &str, contents: &Value) {
    let (mut data, mut removed) = (Map::from_iter([(kind.to_owned(), contents.clone())]), Removals::new());
    Firewall::default().bundle(&mut data, &mut Map::new(), &mut removed);
    std::hint::black_box(data);
}

fn measure<W: FnMut()>(what: &str, work: impl Fn(usize) -> W) {
    let times: Vec<Duration> = [SIZE, 2 * SIZE, 4 * SIZE]
        .map(|size| {
            let mut work = work(size);
            let once = |()| {
                let started = Instant::now();
                work();
                started.elapsed()
            };
            std::iter::repeat_n((), TIMES).map(once).min().unwrap_or_default()
        })
        .into();
    let [one, two, four] = times[..] else { return };
    let ratio = |less: Duration, more: Duration| more.as_secs_f64() / less.as_secs_f64().max(1e-9);
    println!(
        "{what:<40} {:>10} {:>10} {:>10} {:>7.1} {:>7.1}",
        format!("{one:.1?}"),
        format!("{two:.1?}"),
        format!("{four:.1?}"),
        ratio(one, two),
        ratio(two, four)
    );
}
