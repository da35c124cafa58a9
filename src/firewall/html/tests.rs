use proptest::prelude::*;

use super::super::oracle::complaints;
use super::*;

/// The lines of one node; see [`normal_form`].
pub fn dump(tree: &Tree, id: tree::Id, in_style: bool, lines: &mut Vec<String>) {
    match tree.content(id) {
        tree::Content::Text(text) => {
            let text = if in_style { plain_css(text) } else { text.to_string() };
            match lines.last_mut() {
                Some(before) if before.starts_with('"') => before.push_str(&text),
                _ => lines.push(format!("\"{text}")),
            }
        }
        tree::Content::Element { name, attributes } => {
            let mut pairs: Vec<String> = attributes
                .iter()
                .map(|attribute| {
                    let value: Vec<&str> = attribute
                        .value
                        .split_ascii_whitespace()
                        .filter(|word| !word.starts_with("cellblock-"))
                        .map(|word| word.strip_prefix("cb-").unwrap_or(word))
                        .collect();
                    let value = match &*attribute.name.local {
                        "style" => plain_css(&attribute.value),
                        "title" | "alt" | "value" => attribute.value.to_string(),
                        _ => value.join(" ").replace("#cb-", "#"),
                    };
                    format!(" {}={value}", attribute.name.local)
                })
                .filter(|pair| !pair.starts_with(" rel=") && !pair.starts_with(" target=") && pair != " class=")
                .collect();
            pairs.sort();
            let is_box = &*name.local == "div"
                && attributes.len() == 1
                && (attributes[0].value.starts_with("cellblock-") || &*attributes[0].value == "contain: layout paint");
            if &*name.local == "metadata" {
                return;
            }
            if !is_box {
                lines.push(format!("<{} {}{}>", &*name.ns, &*name.local, pairs.concat()));
            }
            tree.children(id).for_each(|child| dump(tree, child, &*name.local == "style", lines));
            if !is_box {
                lines.push(format!("</{}>", &*name.local));
            }
        }
        tree::Content::Comment | tree::Content::Top => {}
    }
}

/// CSS without white space, comments, scopes and last semicolons.
fn plain_css(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("/*") {
        out.push_str(&rest[..at]);
        rest = rest[at..].split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    while let Some(at) = out.find(":where(.cellblock-") {
        out.replace_range(at..at + ":where(.cellblock-0123456789ab)".len(), "");
    }
    let out: String = out.chars().filter(|character| !character.is_whitespace()).collect();
    let out = out.replace("#cb-", "#").replace(".cb-", ".").replace('\'', "\"");
    out.replace(";}", "}").trim_end_matches(';').to_string()
}

fn cleaned(html: &str) -> String {
    sanitize(html, false, &mut Removals::new()).unwrap_or_default()
}

/// The result without the box around it and without what is added to links.
fn inside(html: &str) -> String {
    let mut text = cleaned(html);
    for start in ["<div style=\"contain: layout paint\">", "<div class=\"cellblock-"] {
        if let Some(rest) = text.strip_prefix(start) {
            let rest = rest.split_once('>').filter(|_| start.ends_with('-')).map_or(rest, |(_, rest)| rest);
            text = rest.strip_suffix("</div>").unwrap().to_string();
        }
    }
    text
}

#[test]
fn plain_markup_stays_as_it_is() {
    for html in [
        "text &amp; <b>bold</b> <i class=\"cb-x cb-y\" id=\"cb-a\">i</i>",
        "<table border=\"1\" class=\"dataframe\">\n  <thead>\n    <tr style=\"text-align: right;\"><th></th></tr></thead><tbody><tr><td colspan=\"2\">&lt;NA&gt;</td></tr></tbody></table>",
        "<details open=\"\"><summary>s</summary>x</details>",
        "<pre>\n\nx</pre>",
        "<img src=\"data:image/png;base64,iVBO\" alt=\"x\">",
        "<audio controls=\"\"><source src=\"data:audio/wav;base64,UklG\" type=\"audio/wav\"></audio>",
        "<input id=\"cb-s-1\" type=\"checkbox\" checked=\"\"><label for=\"cb-s-1\">x</label>",
        "<svg width=\"1\" viewBox=\"0 0 1 1\"><defs><linearGradient id=\"cb-g\"></linearGradient></defs><use xlink:href=\"#cb-g\"></use><path d=\"M0 0\" fill=\"url(#cb-g)\"></path></svg>",
        "<math display=\"block\"><mrow><mi>x</mi><mo>&lt;</mo><mn>1</mn></mrow></math>",
        "<a href=\"#x\">y</a>",
    ] {
        assert_eq!(inside(html), html);
    }
}

#[test]
fn links_that_are_clicked_cannot_reach_the_opener() {
    assert_eq!(
        inside("<a href='https://x.org' target='_blank'>x</a><a href='files/y.csv' target='main'>y</a>"),
        "<a href=\"https://x.org\" target=\"_blank\" rel=\"noopener noreferrer\">x</a><a href=\"files/y.csv\" rel=\"noopener noreferrer\">y</a>"
    );
}

#[test]
fn a_stylesheet_holds_for_its_output_alone() {
    let html = cleaned("<style type=\"text/css\">#T_1_row0 {\n  color: red;\n}</style><table id=\"T_1\"></table>x");
    let class = html.strip_prefix("<div class=\"").unwrap().split('"').next().unwrap();
    assert!(html.contains(&format!(":where(.{class}) #cb-T_1_row0 {{ color: red; }}")), "{html}");
    assert_ne!(cleaned("<style>a{color:red}</style>x"), cleaned("<style>a{color:red}</style>y"));
}

#[test]
fn what_could_be_painted_elsewhere_is_contained() {
    assert!(
        cleaned("<p style='position: absolute; top: -50px'>x</p>").starts_with("<div style=\"contain: layout paint\">")
    );
    assert!(
        cleaned("<style>p { margin-top: -50px }</style><p>x</p>").starts_with("<div style=\"contain: layout paint\">")
    );
    assert!(
        cleaned("<svg overflow='visible'><path d='M0 0'/></svg>").starts_with("<div style=\"contain: layout paint\">")
    );
    assert!(!cleaned("<p style='color: red'>x</p>").contains("contain"));
    assert!(!cleaned("<p style='position: fixed; top: 0'>x</p>").contains("fixed"));
    assert_eq!(cleaned("<p style='position: absolute; top: -500px'>x</p>").matches("500").count(), 0);
    assert_eq!(inside("<svg transform='translate(0 -500)' filter='url(#f)' width='99999999'></svg>"), "<svg></svg>");
    assert_eq!(inside("<table height=99999999 width=50%></table>"), "<table width=\"50%\"></table>");
}

#[test]
fn what_runs_or_loads_goes() {
    for html in [
        "x<script>alert(1)</script>",
        "x<img src=x onerror=alert(1)>",
        "x<svg onload=alert(1)><path/></svg>",
        "x<svg><script>alert(1)</script><a xlink:href='javascript:x'><text>y</text></a></svg>",
        "x<svg><animate attributeName=href values=javascript:x /><set attributeName=onmouseover to=x /></svg>",
        "x<svg><image href='http://evil/x.png'/><use href='http://evil/x.svg#y'/><feImage href='//evil'/></svg>",
        "x<svg><foreignObject><iframe src=x></iframe></foreignObject></svg>",
        "x<iframe srcdoc='<script>x</script>'></iframe><object data=x></object><embed src=x>",
        "x<form action=http://evil><input name=a><button formaction=x>y</button></form>",
        "x<base href=http://evil><meta http-equiv=refresh content=0><link rel=stylesheet href=//evil>",
        "x<a href='java\nscript:alert(1)'>y</a><a href='&#106;avascript:x'>z</a>",
        "x<img src='http://evil/x.png'><img srcset='http://evil/x.png'><picture><source srcset=//evil></picture>",
        "x<video src=http://evil poster=//evil></video><audio src=//evil></audio><table background=http://evil><td background=//evil>",
        "x<p style='background: url(http://evil)'>y</p><style>@import url(http://evil);p{background:url(//evil)}</style>",
        "x<math href='javascript:x'><mi href='javascript:y'>z</mi></math>",
        "x<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "x<template><img src=x onerror=y></template><plaintext><script>",
        "x<div data-commandlinker-command='x' contenteditable>y</div>",
        "x<svg><style><img src=x onerror=alert(1)></style></svg>",
        "x<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
        "x<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "x<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
        "x<math><annotation-xml encoding='text/html'><style><img src=x onerror=y></style></annotation-xml></math>",
        "x<svg><desc><style></desc><img src=x onerror=y></style></svg>",
        "x<select><template><img src=x onerror=y></template></select>",
        "x<img src='data:image/svg+xml,<svg onload=x>'>",
        "x<p xml:base='javascript:' is=x>y</p><svg xml:base='http://evil/'><use href='#x'/></svg>",
    ] {
        let mut removed = Removals::new();
        let out = sanitize(html, false, &mut removed).unwrap();
        assert_eq!(complaints(&out), Vec::<String>::new(), "{html} became {out}");
        assert!(out.contains('x'));
    }
}

#[test]
fn names_of_the_page_are_not_taken() {
    let out = cleaned(
        "<p id='jp-main-dock-panel' class='jp-Dialog big Toastify__toast-container dataframe'>x</p><a name='y' id='MathJax'>z</a>\
         <b id=T_1>w</b><a href='#T_1'>v</a><a href='#elsewhere'>u</a><td headers='T_1 b' aria-labelledby=c></td>",
    );
    assert_eq!(
        out,
        "<p id=\"cb-jp-main-dock-panel\" class=\"cb-jp-Dialog cb-big cb-Toastify__toast-container dataframe\">x</p>\
         <a id=\"cb-MathJax\">z</a><b id=\"cb-T_1\">w</b><a href=\"#cb-T_1\">v</a><a href=\"#elsewhere\">u</a>"
    );
}

#[test]
fn names_go_on_referring_to_each_other() {
    let html = "<style>#a .b[class~='ee']:not(.d) > p, [for=a], .dataframe { fill: url('#a'); } body.dark .b { color: red }</style>\
                <label for='a'>x</label><input type=checkbox id='a'><svg><use href='#a'/><path style='clip-path: url(\"#a\")' mask='url( #a )' class='b'/></svg>\
                <table><tr><td headers='a e' aria-labelledby='a'>y</td></tr></table>";
    let out = cleaned(html);
    for part in [
        "#cb-a :where(",
        "#cb-a .cb-b[class~=\"cb-ee\"]:not(.cb-d) > p, ",
        "[for=\"cb-a\"], ",
        ") .dataframe { fill: url(\"#cb-a\"); }",
        "body.dark :where(",
        " for=\"cb-a\"",
        " id=\"cb-a\"",
        " href=\"#cb-a\"",
        "clip-path: url(&quot;#cb-a&quot;)",
        " mask=\"url(#cb-a)\"",
        " class=\"cb-b\"",
        " headers=\"cb-a cb-e\"",
        " aria-labelledby=\"cb-a\"",
    ] {
        let part = part.strip_suffix(" :where(").unwrap_or(part);
        assert!(out.contains(part), "{part} is not in {out}");
    }
}

#[test]
fn a_macro_is_found_however_its_text_is_broken() {
    for html in [
        "$\\href{javascript:x}{y}$",
        "$\\hr<!-- -->ef{javascript:x}{y}$",
        "$\\hr<wbr>ef{javascript:x}{y}$",
        "$\\hr<foo>ef</foo>{javascript:x}{y}$",
        "$\\hr<script></script>ef{javascript:x}{y}$",
        "$\\href<br>{javascript:x}{y}$\\text{javascript",
    ] {
        let out = cleaned(html);
        assert!(!out.contains("href") && out.contains("\\text{javascript"), "{html} became {out}");
    }
}

#[test]
fn nothing_to_be_seen_is_no_output() {
    let mut removed = Removals::new();
    assert_eq!(sanitize("<div style='height: 525px'><script>x</script></div>", false, &mut removed), None);
    assert_eq!(removed.count(Kind::Script), 1);
    assert_eq!(sanitize("", false, &mut Removals::new()).as_deref(), Some(""));
}

#[test]
fn remote_pictures_stay_where_the_policy_allows_it() {
    let mut removed = Removals::new();
    let html = "<img src=\"https://x.org/y.png\"><p style=\"background: url(https://x.org/z.png)\">a</p>";
    assert_eq!(sanitize(html, true, &mut removed).as_deref(), Some(html));
    assert!(removed.is_empty());
}

#[test]
fn hostile_sizes_end_soon() {
    let many_attributes =
        format!("<a {}>", "b ".repeat(10) + &(0..300_000).map(|n| format!("a{n} ")).collect::<String>());
    let formatting = (0..20_000).map(|n| format!("<p><b a{n}>")).collect::<String>();
    assert_eq!(sanitize(&many_attributes, false, &mut Removals::new()), None);
    sanitize(&formatting, false, &mut Removals::new());
}

/// How many steps the parser takes for a document, up to where it is left.
fn steps(html: &str) -> usize {
    Tree::parse(html).map_or(0, |tree| tree.steps)
}

#[test]
fn the_work_for_a_byte_does_not_grow() {
    for piece in [
        "<div>",
        "<b>",
        "<p><b>",
        "<table>",
        "<table><b>",
        "<a><b><i>",
        "<svg>",
        "<svg><p>",
        "<math><mtext><table>",
        "<!--",
        "&",
        "</b>",
        "<li>",
        "<dd>",
        "<nobr>",
        "<table><tr><td>",
        "<font color=red>",
        "</p>",
        "<h1>",
        "<option>",
        "<ul><li>",
        "<svg><desc><b>",
        "x\n",
        "<br>",
    ] {
        let (few, many) = (steps(&piece.repeat(2_000)), steps(&piece.repeat(16_000)));
        // Left at the bound on steps or on depth, or linear.
        assert!(many <= few.max(1_000) * 10, "{piece}: {few} steps, then {many}");
    }
    let table = "<table><tr><td>1</td><td class='x'>2</td></tr></table>\n".repeat(4_000);
    assert!(steps(&table) < 8 * table.len(), "{} for {}", steps(&table), table.len());
}

#[test]
fn attributes_are_counted_as_a_parser_does() {
    let tag = |count: usize| format!("x<p title=\"{}\" {}>y", "a b ".repeat(3000), "a=b ".repeat(count));
    assert!(!tree::has_too_many_attributes(&tag(500)));
    assert!(tree::has_too_many_attributes(&tag(600)));
    assert!(!tree::has_too_many_attributes(&format!("<!-- {} -->", tag(600))));
}

#[test]
fn pictures_are_one_element_of_xml() {
    let svg = "<?xml version=\"1.0\"?><!DOCTYPE svg PUBLIC \"x\" \"y\">\n<svg xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"1pt\" viewBox=\"0 0 1 1\" xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"><metadata><rdf>x</rdf></metadata><defs><style type=\"text/css\">*{stroke-linejoin: round}</style></defs><g id=\"a\"><use xlink:href=\"#m\" x=\"1\"/></g></svg>\n";
    let out = picture(svg, false, &mut Removals::new()).unwrap();
    assert!(out.starts_with("<svg xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"1pt\" viewBox=\"0 0 1 1\" xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" class=\"cellblock-"), "{out}");
    assert!(out.contains("<use xlink:href=\"#cb-m\" x=\"1\"></use>"), "{out}");
    assert_eq!(picture("<p>x</p>", false, &mut Removals::new()), None);
    assert_eq!(picture("<svg></svg><svg></svg>", false, &mut Removals::new()), None);
    assert!(
        picture("<svg><g/></svg>", false, &mut Removals::new())
            .unwrap()
            .starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"")
    );
    let entity = "<!DOCTYPE svg [<!ENTITY x \"<script>alert(1)</script>\">]><svg><text>&x;</text></svg>";
    let out = picture(entity, false, &mut Removals::new()).unwrap_or_default();
    assert!(!out.contains("<script") && !out.contains("&x;"), "{out}");
}

fn markup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<svg>",
        "</svg>",
        "<math>",
        "</math>",
        "<mtext>",
        "<mi>",
        "<mglyph>",
        "<malignmark>",
        "<annotation-xml encoding=text/html>",
        "</annotation-xml>",
        "<style>",
        "</style>",
        "<script>",
        "</script>",
        "<title>",
        "</title>",
        "<desc>",
        "<foreignObject>",
        "</foreignObject>",
        "<noscript>",
        "</noscript>",
        "<template>",
        "</template>",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<caption>",
        "<p>",
        "</p>",
        "<form>",
        "</form>",
        "<a href=javascript:x>",
        "<a>",
        "</a>",
        "<b>",
        "</b>",
        "<i a=1>",
        "<div>",
        "</div>",
        "<select>",
        "</select>",
        "<option>",
        "<textarea>",
        "</textarea>",
        "<plaintext>",
        "<xmp>",
        "</xmp>",
        "<img src=x onerror=alert(1)>",
        "<img title='</style><img src=x onerror=y>'>",
        "<!--",
        "-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<?x",
        ">",
        "text",
        "<p id=\"</title>\">",
        "<iframe>",
        "</iframe>",
        "<br>",
        "</br>",
        "<nobr>",
        "<button>",
        "</button>",
        "<object>",
        "</object>",
        "<font color=red>",
        "<font>",
        "<li>",
        "<ul>",
        "<dd>",
        "<h1>",
        "<h2>",
        "<pre>\n",
        "<foo>",
        "</foo>",
        "<image>",
        "<input type=hidden>",
        "<input type=checkbox>",
        "<marquee>",
        "&lt;",
        "&amp;lt;",
        "<colgroup>",
        "<col>",
        "<frameset>",
        "<body onload=x>",
        "<html>",
        "<head>",
        "$\\hr",
        "ef{x}",
        "<wbr>",
        "\u{0}",
        "<ruby>",
        "<rt>",
        "<rb>",
        "<svg/onload=x>",
        "<mo>",
        "<a xlink:href=javascript:x>",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_markup_runs_and_what_is_written_is_read_the_same(html in markup()) {
        let Some(out) = sanitize(&html, false, &mut Removals::new()) else { return Ok(()) };
        prop_assert_eq!(complaints(&out), Vec::<String>::new());
        // Written, read and written again, it is the same.
        let rules = Rules { remote: false, scope: None, ids: None };
        let again = clean(&Tree::parse(&out).unwrap(), rules, &mut Removals::new()).unwrap();
        prop_assert_eq!(again.text, out);
    }
}
