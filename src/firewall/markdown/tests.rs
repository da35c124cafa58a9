use proptest::prelude::*;

use super::super::oracle::complaints;
use super::*;

fn checked(text: &str) -> String {
    sanitize(text, false, &mut Removals::new()).unwrap()
}

/// As another reader of CommonMark shows it, with HTML as it stands.
fn rendered(text: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options.render.r#unsafe = true;
    comrak::markdown_to_html(text, &options)
}

/// As a front-end shows it that takes formulas out first, and puts them back into the HTML wherever their numbers are.
fn rendered_with_formulas(text: &str) -> String {
    let ranges = math::formulas(text).unwrap();
    let mut source = String::new();
    let mut at = 0;
    for (number, range) in ranges.iter().enumerate() {
        source.push_str(&text[at..range.start]);
        source.push_str(&format!("@@{number}@@"));
        at = range.end;
    }
    source.push_str(&text[at..]);
    let mut html = rendered(&source);
    for (number, range) in ranges.into_iter().enumerate() {
        let formula = text[range].replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        html = html.replace(&format!("@@{number}@@"), &formula);
    }
    html
}

/// What runs or loads in a text, however it is read.
pub fn problems(text: &str) -> Vec<String> {
    let mut found = complaints(&rendered(text));
    found.extend(complaints(&rendered_with_formulas(text)));
    // A reader's own mark of a task, which is a switch that cannot be turned.
    found.retain(|complaint| !complaint.contains("<input>") && !complaint.contains("=attachment:"));
    for html in [rendered(text), rendered_with_formulas(text)] {
        for address in html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let address = address.replace("&amp;", "&");
            if super::super::url::judge(&address, super::super::url::Place::Link) != super::super::url::Verdict::Fine {
                found.push(format!("a link to {address}"));
            }
        }
    }
    found
}

#[test]
fn plain_markdown_stays_as_it_is() {
    for text in [
        "# Title\n\nA *word*, **another**, _third_, __fourth__, ~~gone~~, `code`, and a [link](https://x.org/a?b=c#d \"title\").\n\n- [x] done\n- [ ] not\n\n> quoted\n> text\n",
        "a < b, a<5, 1 <2 and $x < y$ with `if a < b:`\n",
        "x<sup>2</sup> <br> <b>bold</b>\n",
        "<details>\n<summary>s</summary>\n\n**t**\n\n</details>\n",
        "<span style=\"color: red\">red</span> <div align=\"center\">c</div>\n",
        "```c\n#include <stdio.h>\nList<int> x; // <script>alert(1)</script> ` ``\n```\n",
        "Use `<script>` and ``a ` b`` and `<img src=x onerror=y>`.\n",
        "<https://x.org/y> and <mailto:a@b.c> and https://x.org/a_b_c and a@b.c\n",
        "![a plot](data:image/png;base64,iVBORw0KGgo=) ![y](attachment:y.png)\n",
        "x[0] and a[i][j], f(x)[1], C:\\data files\n",
        "| a | b |\n|---|:-:|\n| 1 | `2` |\n",
        "[in the page](#part), [a file](files/x.csv), [mail](mailto:a@b)\n",
        "$\\frac{a}{b}$ and\n\n$$\n\\begin{matrix} a & b \\\\ c & d \\end{matrix}\n$$\n\n\\begin{align}\na &= b\\\\\nc_1 &= *d*\n\\end{align}\n\n\\\\(x\\\\) \\\\[y\\\\]\n",
        "1. one\n2. two\n   - three\n\n     more\n\n   - four\n3. five\n",
        "1. one\n2. two\n   - three\n   - four\n\n* other\n",
        "- a\n  ```python\n  x = 1\n\n  y = 2\n  ```\n- b\n",
        "> - a\n>\n>   b\n>\n> ```\n> code\n> ```\n",
        "snake_case_name and 2 * 3 * 4, 5 % 3, \"quoted\" & 'so'\n",
        "a\\\nb\n",
        "```mermaid\nflowchart TD\n  A --> B\n```\n",
        "<!-- -->\n",
        "![x](data:image/png;base64,iVBORw0KGgo= \"title\")\n",
        "<img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=\"x\">\n",
        "costs $5 and 6 dollars\n".trim_end_matches("$"),
    ] {
        let expected = text.replace("costs $5", "costs &#36;5");
        assert_eq!(checked(text), expected);
        assert_eq!(problems(&expected), Vec::<String>::new());
    }
}

#[test]
fn what_is_written_otherwise_is_shown_the_same() {
    for text in [
        "Title\n=====\n\nOther\n---\n\n***\n\n* a\n* b\n\n    code <b>\n\n\ttab\n",
        "a [b][c] d ![e][f] [c] [c][]\n\n[c]: <https://x.org/a b> 'title \"x\"'\n[f]: data:image/png;base64,iVBO\n[unused]: /x\n",
        "\\*not\\* \\[x\\](y) \\`z\\` &lt;b&gt; &amp; &copy; \\\\ \\# \\!\\[x](y)\n",
        "# a #\n## b \\#\n#not\n\\# not\n1\\. not\n\\- not\n\\+ not\n\\> not\n",
        "a  \nb\\\nc\nd\n",
        "~~~ python\ncode ``` `\n~~~\n",
        "````\n```\n````\n",
        "a<br>b<br/>c <B>d</B> <font color=red>e</font> <a href=https://x.org target=_blank rel=\"noopener noreferrer\">f</a>\n",
        "<table>\n  <tr>\n    <td>*no*</td>\n  </tr>\n</table>\n\n*yes*\n",
        "- a\n- b\n\n<!-- -->\n\n- c\n",
        "| a\\|b | `c\\|d` | e |\n|:--|--:|---|\n| 1 | 2 |\n| *x* | <b>y</b> | $a|b$ |\n",
        "https://x.org/a*b*c_d_e?f=1&g=2 www.x.org (https://y.org)\n",
        "***both*** **_mixed_** *a **b** c* a*b*c __init__ _a_b_ **bold**text\n",
        "\"quotes\" &quot;q&quot; &nbsp;&nbsp;x&#32;\n",
        "> a\nlazy\n> b\n\n>> deep\n",
        "line one\n===x\n- - - a\n",
        "a\n***\nb\n___\nc\n",
        "text\n# heading\ntext\n> quote\ntext\n```\ncode\n```\ntext\n",
        "- [ ] a\n- [x] b\n- [y](z)\n",
        "-\n- a\n-\n",
        "`` a` `` ` b ` `  ` ``` `` ```\n",
        "[link *with* `code` and ![pic](data:image/png;base64,iVBO)](https://x.org 'a \"b\" *c*')\n",
        "<div>\n\n# in\n\n</div>\n",
        "<table><tr><td>$a_1<5*c*$</td><td title=\"$x$\">\\begin{a}x\\end{a}</td></tr></table>\n",
        "<p>text *raw*\n[raw](x) `raw`</p>\n",
        "<pre>\n a\n\n  *b*\n</pre>\n",
        "x <span>*a*</span> <kbd>Ctrl</kbd>+<kbd>C</kbd>\n",
        "0) zero\n1) one\n",
        "a&b;c &notanentity; &#65; AT&T\n",
        "\\<b> a<b\n",
        "\ta\n    b\n",
        "a \\\\\\\\ b \\\\\n",
    ] {
        let out = checked(text);
        assert_eq!(shown(&out), shown(text), "{text} became {out}");
        assert_eq!(problems(&out), Vec::<String>::new());
        assert_eq!(checked(&out), out, "from {text}");
    }
}

/// What is to be seen of a text: its elements and words, without what a page takes for the same.
pub fn shown(text: &str) -> Vec<String> {
    let html = rendered_with_formulas(text).replace("<span></span>", "").replace("%28", "(").replace("%29", ")");
    let joined = |line: String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    html::normal_form(&html).into_iter().map(joined).filter(|line| line != "\"").collect()
}

#[test]
fn nothing_runs_or_loads() {
    for text in [
        "<script>alert(1)</script>",
        "a <script>alert(1)</script> b",
        "<img src=x onerror=alert(1)>",
        "<b onclick=alert(1)>x</b>",
        "<b title=\"x\" onclick=\"alert(1)\">x</b>",
        "<div\nonclick=alert(1)>",
        "<a href=\"javascript:alert(1)\">x</a> <a href=\"vscode:x\">y</a>",
        "<style>@import url(//evil)</style>",
        "<!-- x --><svg onload=x>",
        "<p style=\"background:url(//evil)\">",
        "<p style=\"position: fixed\">",
        "<div title=\"a\n\nb\" x><img src=x onerror=y>",
        "<https://x/onclick=alert(1)>",
        "<x-y onclick=z>",
        "a <svg><b>x</b><script>y</script></svg> b",
        "<svg><style><img src=x onerror=y></style></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=y&gt;\">",
        "<noscript><p title=\"</noscript><img src=x onerror=y>\">",
        "a <title><img src=x onerror=y></title> b",
        "<textarea>\n\n<img src=x onerror=y>",
        "<xmp>\n\n</xmp><img src=x onerror=y>",
        "<plaintext>\n\nx",
        "<!-- \n\n<img src=x onerror=y> -->\n<img src=x onerror=y>",
        "<![CDATA[\n<img src=x onerror=y>\n]]> <?x <img src=x onerror=y> ?>",
        "<T onclick=x>",
        "<b/onclick=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](\u{a0}javascript:alert(1)) [y](<\u{2003}\u{feff}javascript:alert(1)>)",
        "[x](vscode:a) [x](command:a) [x](ms-msdt:/id) [x](file:///etc) [x](intent:#Intent) [x](never-heard:x)",
        "[x](<JavaScript:alert(1)>)",
        "[x](javascript&colon;alert(1)) [x](java&Tab;script:alert(1)) [x](&#106;avascript:alert(1))",
        "[x](java\\script\\:alert(1)) [x](javascript\\:alert(1))",
        "[x][y]\n\n[y]:\n  javascript:alert(1)",
        "> [y]:\n> vbscript:x\n\n[y]",
        "[x](data:text/html,y) [x](data:image/png;base64,AAAA)",
        "<javascript:alert(1)> <vscode:x> <data:text/html,x>",
        "![x](http://evil/y.png) ![x](//evil) ![x](y.png) ![x][y]\n\n[y]: http://evil/y.png",
        "![x](data:image/svg+xml,y) ![x](javascript:x)",
        "[![x](http://evil)](http://y)",
        "$\\href{javascript:x}{y}$ \\href{javascript:x}{y}",
        // Formulas are put back into attributes as they are.
        "[x](http://a/$\"onmouseover=\"alert(1)$)",
        "![$\" onerror=\"alert(1)\" x=\"$](data:image/png;base64,)",
        "[x](http://a \"$\" onmouseover=\"alert(1)$\")",
        "[x](http://a/\\@\\@0\\@\\@) $\" onmouseover=\"alert(1)$",
        "```x\" onmouseover=\"alert(1)\ncode\n```",
        "```$\" onmouseover=\"alert(1)$\ncode\n```",
        "<b title=\"$\" onmouseover=\"alert(1)$\">x</b>",
        // Formulas that end within code, or begin there.
        "$a ` b$ <b onclick=x> `",
        "\\\\`a$b` c$ `<img src=x onerror=alert(1)>`",
        "> ```\n> $\n> ```\n> $ `<img src=x onerror=y>`\n\n`<img src=x onerror=y>`",
        "- ```\n  $\n  ```\n- $ x\n\n```\n<img src=x onerror=alert(1)>\n```",
        "`a` $ `b$ <img src=x onerror=y>`",
        "$a<img src=x onerror=alert(1)>$ $$<svg onload=x>$$",
        "$$\n~~~\n$$\n\n```\n~~~\n<img src=x onerror=y>\n```",
        "$[x](javascript:alert(1))$ $`$ <img src=x onerror=y>`",
        "\\begin{a}`\\end{a} `<img src=x onerror=alert(1)>`",
        "$\n```\n$\n<img src=x onerror=y>\n```\n",
        "| a |\n|---|\n| `x | <img src=x onerror=y>` |",
        "a\u{2028}```\n<img src=x onerror=y>\n```",
        "\u{a0}```\n<img src=x onerror=y>\n```",
        "```\r<img src=x onerror=y>\r```\r<img src=x onerror=y>",
        "`a`<script></script>`<img src=x onerror=y>`",
        "[a]: javascript:x 'b\nc'\n\n[a]",
        "[^1]: javascript:alert(1)\n\n[^1]",
        "<a href=\"`\">`<img src=x onerror=y>`",
        "*a <svg> b* <img src=x onerror=y> </svg>",
        "<details><svg>\n\n```\n</svg><img src=x onerror=y>\n```\n",
        "<section class=\"cellblock-0123456789ab\" style=\"contain: layout paint\">\n\n</section><img src=x onerror=y>\n\n</section>\n",
        "ftp://x.org xmpp:a@b javascript:x",
        // Readers that make links of words take for a part of them what comes next.
        "http://e`<script>alert(1)</script>`",
        "http://e-->`</script>` www.e>$\" onmouseover=\"alert(1)$",
        "http://e$\" onmouseover=\"alert(1)$ www.e$\" onmouseover=\"alert(1)$",
        "a@b.cc`<script>x</script>` http://aaaa*b*`<img src=x onerror=y>`",
    ] {
        let mut removed = Removals::new();
        let out = sanitize(text, false, &mut removed).unwrap();
        assert_eq!(problems(&out), Vec::<String>::new(), "{text} became {out}");
        assert_eq!(checked(&out), out, "from {text}");
        for shown in ["href{java", "fixed"] {
            assert!(!out.contains(shown), "{text} became {out}");
        }
    }
}

#[test]
fn what_is_removed_is_said() {
    for (text, kind) in [
        ("<script>x</script>", Kind::Script),
        ("a <img src=x onerror=y>", Kind::Handler),
        ("![x](http://evil)", Kind::Remote),
        ("[x](command:y)", Kind::CodeUrl),
        ("$\\href{javascript:x}{y}$", Kind::Macro),
        ("```mermaid\nclick A href \"x\"\n```", Kind::Remote),
        ("<form><input name=x></form>", Kind::Form),
        ("<p style='position: fixed'>x</p>", Kind::Style),
    ] {
        let mut removed = Removals::new();
        sanitize(text, false, &mut removed);
        assert!(removed.count(kind) > 0, "{text}");
    }
    let mut removed = Removals::new();
    sanitize("`<script>`\n\n```html\n<script>x</script>\n```\n\n<!-- a comment -->\n", false, &mut removed);
    assert!(removed.is_empty());
}

#[test]
fn links_that_lead_nowhere_good_lead_nowhere() {
    for (text, out) in [
        ("[x](javascript:alert(1))", "[x](#removed)"),
        ("![x](http://evil/y.png)", "[x](http://evil/y.png)"),
        ("a!![x](//evil)", "a&#33;[x](//evil)"),
        ("[![x](http://evil)](http://y)", "[x](http://y)"),
        ("![]() ![x]() ![y](#z)", "<span></span> x y"),
        ("![](http://evil \"t\")", "[picture](http://evil \"t\")"),
        ("[x](a b", "&#91;x](a b"),
    ] {
        let expected = if text == "[x](a b" { checked(text) } else { out.to_owned() };
        assert_eq!(checked(text), expected);
    }
}

#[test]
fn styles_hold_for_their_own_text() {
    let text = "<style>td { color: red } body.dark p { color: blue } #a { color: green }</style>\n\n| a |\n|---|\n| b |\n\n<b id=\"a\">x</b> [y](#a)\n";
    let out = checked(text);
    assert!(out.starts_with("<section class=\"cellblock-"), "{out}");
    assert!(out.contains(") td { color: red; }") && out.contains(") #cb-a {") && out.contains("[y](#cb-a)"), "{out}");
    assert_eq!(checked(&out), out);
    // Nobody else's box can be meant.
    let foreign = out.replace(&out[20..40], &"cellblock-0123456789ab\" x=\""[..20]);
    assert!(!checked(&foreign).contains(":where(.cellblock-0123456789"), "{foreign}");
}

#[test]
fn a_formula_within_a_formula_is_no_part_of_an_address() {
    let out = checked("$ {a http://x.y/>$\"onmouseover=\"f()\"$ b $");
    assert!(!out.contains("http://x.y/>$"), "{out}");
    assert_eq!(checked(&out), out);
}

/// To cmark and its kin more than 80 backticks are text, and a link between them is a link.
#[test]
fn what_is_code_to_one_reader_is_code_to_all() {
    for marks in [1, 79, 80, 81, 300] {
        let marks = "`".repeat(marks);
        for text in [
            format!("{marks} [x](file:///x) {marks}\n"),
            format!("`` {marks} [x](file:///x) {marks} ``\n"),
            format!("| {marks} [x](file:///x) {marks} | a |\n|---|---|\n| [y](file:///{marks}) `x{marks} |\n"),
            format!("{marks}\n[x](file:///x)\n{marks}|"),
        ] {
            let out = checked(&text);
            assert_eq!(problems(&out), Vec::<String>::new(), "from {text} came {out}");
            assert_eq!(checked(&out), out);
        }
    }
    assert_eq!(checked("a ``b ` c`` d"), "a ``b ` c`` d");
}

#[test]
fn a_style_sheet_that_is_removed_needs_no_box() {
    for text in [
        "<style>a { color: red } b { position: absolute; position-anchor: --a; c { d: e }",
        "<style>p { float: left; }}\"x",
    ] {
        let out = checked(text);
        assert_eq!(checked(&out), out, "{text}");
    }
}

#[test]
fn remote_pictures_stay_where_the_policy_allows_it() {
    let mut removed = Removals::new();
    let text = "![x](http://x.org/y.png)\n";
    assert_eq!(sanitize(text, true, &mut removed).as_deref(), Some(text));
    assert!(removed.is_empty());
}

/// How many pieces the parser makes of a text, and how long what is written is, for each byte.
#[test]
fn the_work_for_a_byte_does_not_grow() {
    for piece in [
        "![",
        "[",
        "](",
        "`",
        "` `` ",
        "<b>",
        "$ ",
        "$",
        "*",
        "_a",
        "> ",
        "- ",
        "a\n",
        "|a|\n|-|\n",
        "[a]: b\n",
        "```\n",
        "\\begin{a}",
        "{",
        "<!--",
        "&#",
    ] {
        let written = |count: usize| {
            let text = piece.repeat(count);
            let events = pulldown_cmark::Parser::new_ext(&text, write::options()).count();
            (events + checked(&text).len()) as f64 / text.len() as f64
        };
        let (few, many) = (written(2_000), written(16_000));
        assert!(many <= few.max(1.0) * 1.5, "{piece}: {few}, then {many}");
    }
}

#[test]
fn a_character_given_by_number_is_no_more_than_one_given_as_itself() {
    for (text, wanted) in [
        ("a&#1;b", "a b"),
        ("a&#10;&#10;b &#9;c", "a  b  c"),
        ("a&#x2028;b", "a b"),
        ("x<a href=\"y&#6;z\">w</a>", "x<a href=\"y z\" rel=\"noopener noreferrer\">w</a>"),
        ("$x$ &#11855;0&#11855; y", "$x$ \u{fffd}0\u{fffd} y"),
        ("&#x10fffc;* y", "\u{fffd}* y"),
        ("&#11855;&lt;img src=x onerror=y&gt;", "\u{fffd}&lt;img src=x onerror=y>"),
    ] {
        assert_eq!(checked(text), wanted);
        assert_eq!(checked(wanted), wanted);
    }
}

#[test]
fn a_text_may_have_the_name_of_a_box_in_it() {
    let name = format!(":where(.{})", names::of_box(0));
    let sheet = "<style>b { color: red }</style>\n\n";
    let roams = "<b style=\"margin-left: -2em\">x</b>\n\n";
    for before in ["", sheet, roams, "<table", &format!("{sheet}<table")] {
        for text in [format!("{before}one {name} two"), format!("{before}{name} two"), format!("{before}`{name}`")] {
            let once = checked(&text);
            assert!(once.contains("where("), "{once}");
            assert_eq!(checked(&once), once, "from {text}");
        }
    }
}

#[test]
fn what_is_nested_too_deep_is_shown_as_code() {
    for piece in [
        ">",
        "- ",
        "*",
        "[",
        "![",
        "<b>",
        "<div>\n",
        "1. ",
        "`",
        "~",
        "**a ",
        "<svg>",
        "[a](",
        "$",
        "{",
        "\\begin{a}",
        "<!--",
        "&#",
        "|",
    ] {
        let text = piece.repeat(20_000);
        let out = checked(&text);
        if out.len() < 100_000 && html::is_within_bounds(&rendered(&out)) {
            assert_eq!(problems(&out), Vec::<String>::new(), "{piece}");
        }
        assert!(out.len() < 12 * text.len(), "{piece}");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<",
        ">",
        "b",
        "<img src=x onerror=y>",
        " onerror=y",
        "\"",
        "'",
        "`",
        "``",
        "```\n",
        "~~~\n",
        "\n",
        "\n\n",
        "[",
        "](",
        ")",
        "]:",
        "![",
        "!",
        "javascript:",
        "http://e",
        "www.e.f",
        "a@b.cc",
        " ",
        "<b title=\"",
        "<https://",
        "/",
        "\\",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "<div>",
        "</div>",
        "x",
        "<p style=\"color: red\">",
        "    ",
        "> ",
        "- ",
        "1. ",
        "é",
        "$",
        "$$",
        "\\\\(",
        "\\\\)",
        "\\begin{a}",
        "\\end{a}",
        "@@0@@",
        "\\@\\@0\\@\\@",
        "{",
        "}",
        "*",
        "**",
        "_",
        "~~",
        "|",
        "\n|---|---|\n",
        "# ",
        "---\n",
        "===\n",
        "<svg>",
        "</svg>",
        "<style>",
        "</style>",
        "<pre>",
        "</pre>",
        "&lt;",
        "&#36;",
        "&nbsp;",
        "<br>",
        "[x](y)",
        "\u{a0}",
        "\t",
        "\\href{javascript:x}",
        "<b>",
        "</b>",
        "data:image/png;base64,AA",
        "mermaid",
        "url",
        "[ ] ",
        "\u{2e4f}",
        "1",
        "\\`",
        "<a href=x>",
        "</a>",
        "<td>",
    ]);
    prop::collection::vec(piece, 0..28).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn nothing_runs_however_it_is_read_and_checking_again_changes_nothing(text in pieces()) {
        let out = checked(&text);
        prop_assert_eq!(problems(&out), Vec::<String>::new(), "{:?} became {:?}", text, out);
        prop_assert_eq!(checked(&out), out);
    }
}
