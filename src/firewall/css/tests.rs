use proptest::prelude::*;

use super::*;

fn style(text: &str) -> String {
    let mut removed = Removals::new();
    declarations(text, &mut Reading { remote: false, removed: &mut removed, roams: false }).into_owned()
}

fn scoped(text: &str) -> String {
    scoped_under("cb", text)
}

fn scoped_under(class: &str, text: &str) -> String {
    let mut removed = Removals::new();
    let scope = Some(Scope { class, root: Root::Around });
    sheet(text, scope, &mut Reading { remote: false, removed: &mut removed, roams: false }).replace('\n', "")
}

#[test]
fn harmless_styles_stay_as_they_are_written() {
    for text in [
        "color: red",
        "width:10em;  height : 80%;background: linear-gradient(90deg, #d65f5f 50.0%, transparent 50.0%);",
        "background: rgba(1, 2, 3, .5) url(data:image/png;base64,iVBORw0KGgo=) no-repeat",
        "fill: url(#cb-gradient); --x: var(--jp-content-font-color1, #000)",
        "font-family: \"Courier New\", monospace; margin: 0 auto !important",
        "grid-template-columns: [a] 1fr [b] minmax(10px, 1fr)",
    ] {
        assert_eq!(style(text), text);
    }
}

#[test]
fn nothing_is_loaded() {
    for text in [
        "background: url(http://evil/x)",
        "shape-outside: url()",
        "background: cross#url(http://evil)",
        "background: 1px(url(http://evil))",
        "background: url(' ')",
        "background: url('//evil/x')",
        "background: URL( \"https://evil\" )",
        "background: u\\72l(http://evil)",
        "background: \\75 rl(http://evil/)",
        "background: u/**/rl(http://evil)",
        "background: image-set('http://evil/a.png' 1x)",
        "background: -webkit-image-set(url(http://evil) 1x)",
        "background: cross-fade(url(http://evil), red)",
        "--x: url(http://evil); background: var(--y, url(http://evil))",
        "list-style: url(http://evil)",
        "cursor: url(http://evil/c.cur), auto",
        "background: url(http://evil/a'b)",
        "background: url(x.png)",
        "background: url(http:",
        "src: src('http://evil')",
        "filter: url(http://evil/x.svg#f)",
        "content: url(data:image/svg+xml,<svg/>)",
    ] {
        let out = style(text).to_lowercase();
        assert!(!out.contains("http:") && !out.contains("url(") && !out.contains("//"), "{text} became {out}");
    }
}

#[test]
fn nothing_runs_and_nothing_follows_the_reader() {
    for text in [
        "width: expression(alert(1))",
        "behavior: url(#x)",
        "-moz-binding: url(#x)",
        "position: fixed",
        "position:/**/fixed",
        "p\\6fsition: fixed",
        "position: f\\69xed",
        "position: var(--p)",
        "color: red } body { color: blue",
        "-webkit-app-region: drag",
        "background: element(#jp-main)",
    ] {
        let out = style(text);
        assert!(
            !out.contains("fixed") && !out.contains("expression") && !out.contains("x)") && !out.contains('}'),
            "{text} became {out}"
        );
    }
}

#[test]
fn what_is_left_out_takes_nothing_along() {
    assert_eq!(style("color: red; position: fixed; width: 1px"), "color: red; width: 1px; ");
    assert_eq!(style("color: red; nonsense; { a: b }; width: 1px"), "color: red; width: 1px; ");
}

#[test]
fn what_could_roam_is_said() {
    for (text, roams) in [
        ("color: red; margin: 1px", false),
        ("margin-top: -9px", true),
        ("position: absolute", true),
        ("transform: none", true),
    ] {
        let mut removed = Removals::new();
        let mut reading = Reading { remote: false, removed: &mut removed, roams: false };
        declarations(text, &mut reading);
        assert_eq!(reading.roams, roams, "{text}");
    }
}

#[test]
fn selectors_hold_for_the_output_alone() {
    for (text, out) in [
        (
            "#T_a1_row0_col1, .x > td { color: red }",
            ":where(.cb) #cb-T_a1_row0_col1, :where(.cb) .cb-x > td { color: red; }",
        ),
        ("* { margin: 0 }", ":where(.cb) * { margin: 0; }"),
        (
            "td:nth-child(2n+1):not(.a, .b) [data-x=\"y\"] ~ p::before { color: red }",
            ":where(.cb) td:nth-child(2n+1):not(.cb-a, .cb-b) [data-x=\"y\"] ~ p::before { color: red; }",
        ),
        (":root { --a: 1 }", ":root :where(.cb) { --a: 1; }"),
        ("html[theme=dark] body.x .y { color: red }", "html[theme=\"dark\"] body.x :where(.cb) .cb-y { color: red; }"),
        ("html body { color: red }", "html body :where(.cb) { color: red; }"),
        ("body > p { color: red }", "body :where(.cb) > p { color: red; }"),
        ("html { color: red }", "html :where(.cb) { color: red; }"),
        ("bodyguard { color: red }", ":where(.cb) bodyguard { color: red; }"),
        ("@media (max-width: 3px) { a { color: red } }", "@media (max-width: 3px) {:where(.cb) a { color: red; }}"),
    ] {
        assert_eq!(scoped(text), out);
    }
}

#[test]
fn what_would_reach_out_of_the_scope_goes() {
    for text in [
        "~ div { color: red }",
        "+ div { color: red }",
        "> div { color: red }",
        "body ~ x { color: red }",
        "& ~ div { color: red }",
        ", { color: red }",
        "@import url(http://evil);",
        "@import 'http://evil';",
        "@font-face { font-family: x; src: url(http://evil) }",
        "@keyframes x { from { color: red } }",
        "@scope (body) { a { color: red } }",
        "@layer a { b { color: red } }",
        "a { ~ b { color: red } }",
        "@media (a: url(http://evil)) { a { color: red } }",
        "@charset 'utf-7';",
    ] {
        assert_eq!(scoped(text), "", "{text}");
    }
}

#[test]
fn a_style_element_cannot_be_ended_from_within() {
    let out = scoped("a::before { content: '</style><script>x</script>' } [x='</style>'] { color: red }");
    assert!(!out.contains('<'), "{out}");
    assert!(out.contains("content"));
}

#[test]
fn what_is_not_closed_takes_nothing_along() {
    for text in [
        "a { background: url( } b { color: red }",
        "a { width: calc('x)",
        "a { content: 'x\"",
        "a { color: rgb(1,2,3",
        "a { content: \"(\"",
    ] {
        let out = scoped(text);
        assert!(!out.contains("color: red"), "{out}");
        assert_eq!(scoped(&format!("{out} p {{ color: blue }}")).matches("blue").count(), 1, "{text} became {out}");
    }
}

#[test]
fn deep_nesting_is_refused_and_ends_soon() {
    let text = format!("a {{ color: {}red }} b {{ color: blue }}", "calc(".repeat(100_000));
    assert_eq!(scoped(&text), "");
    scoped(&"@media (a) {".repeat(50_000));
    scoped(&"[".repeat(100_000));
    style(&"{".repeat(100_000));
}

fn css() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ";",
        ":",
        ",",
        "url(",
        "'",
        "\"",
        "\\",
        "/*",
        "*/",
        "@media ",
        "@import ",
        "http://evil",
        "x",
        " ",
        "\n",
        "#i",
        ".c",
        "~",
        ">",
        "!important",
        "position",
        "fixed",
        "\\75",
        "-",
        "0",
        "</style>",
        "&",
        "body",
        ":root",
        "not(",
        "1e3",
        "--v",
        "color:red",
    ]);
    prop::collection::vec(piece, 0..25).prop_map(|pieces| pieces.concat())
}

/// Whether there is an address outside of strings, which load nothing. A string ends with its line.
fn loads(text: &str) -> bool {
    let (mut outside, mut quote, mut escaped) = (String::new(), None, false);
    for character in text.to_lowercase().chars() {
        match quote {
            None if !escaped && matches!(character, '"' | '\'') => quote = Some(character),
            None => outside.push(character),
            Some(open) if !escaped && (character == open || character == '\n') => quote = None,
            Some(_) => {}
        }
        escaped = character == '\\' && !escaped;
    }
    outside.contains("url(http")
}

proptest! {
    #[test]
    fn no_sheet_loads_or_leaves_its_scope(text in css()) {
        let out = scoped_under("cellblock-0123456789ab", &text);
        let lower = out.to_lowercase();
        prop_assert!(!out.contains('<'));
        prop_assert!(!loads(&out) && !lower.contains("@import"));
        // What is left is left again, but for the class that is put before.
        let mut removed = Removals::new();
        let again = sheet(&out, None, &mut Reading { remote: false, removed: &mut removed, roams: false }).replace('\n', "");
        prop_assert_eq!(again, out);
    }

    #[test]
    fn what_is_left_of_a_style_is_left_again(text in css()) {
        let out = style(&text);
        prop_assert!(!loads(&out));
        prop_assert_eq!(style(&out), out);
    }
}
