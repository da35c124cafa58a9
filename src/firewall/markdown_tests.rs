use proptest::prelude::*;

use super::super::oracle::complaints;
use super::*;

fn checked(text: &str) -> String {
    sanitize(text, false, &mut Removals::new()).unwrap()
}

#[test]
fn plain_markdown_stays_as_it_is() {
    for text in [
        "# Title\n\nA *word*, **another**, `code`, and a [link](https://x.org/a?b=c#d \"title\").\n\n- [x] done\n- [ ] not\n\n> quoted\n",
        "a < b, a<5, 1 <2 and $x < y$ with `if a < b:`",
        "x<sup>2</sup> <br> <br/> <b>bold</b> <details><summary>s</summary>t</details>",
        "<span style=\"color: red\" class=\"x\">red</span><div align=\"center\">c</div>",
        "```c\n#include <stdio.h>\nList<int> x;\n```",
        "<https://x.org/y> and <mailto:a@b.c>",
        "![a plot](data:image/png;base64,iVBORw0KGgo=) ![y](attachment:y.png)",
        "[a]: https://x.org\n[^1]: Note: this\nx[0]: int",
        "| a | b |\n|---|:-:|\n| 1 | 2 |",
        "[in the page](#part), [a file](files/x.csv), [mail](mailto:a@b)",
        "$\\frac{a}{b}$",
    ] {
        assert_eq!(checked(text), text);
    }
}

#[test]
fn no_tag_begins_that_could_do_anything() {
    for text in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<b onclick=alert(1)>x</b>",
        "<b title=\"x\" onclick=\"alert(1)\">x</b>",
        "`<img src=x onerror=alert(1)>`",
        "```\n<iframe src=//evil>\n```",
        "<div\nonclick=alert(1)>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<style>@import url(//evil)</style>",
        "<!-- x --><svg onload=x>",
        "<p style=\"background:url(//evil)\">",
        "<p style=\"position: fixed\">",
        "<p class=\"jp-Dialog\">",
        "<div title=\"a\n\nb\" x>",
        "<https://x/onclick=alert(1)>",
        "<x-y onclick=z>",
        "<svg><b>x</b></svg>",
        "<T onclick=x>",
        "<b/onclick=alert(1)>",
    ] {
        let out = checked(text);
        assert_eq!(complaints(&out), Vec::<String>::new(), "{text} became {out}");
    }
    assert_eq!(checked("<script>"), "< script>");
    assert_eq!(checked(&format!("a<img src=\"data:image/png;base64,{}\">b", "A".repeat(1000))), "ab");
}

#[test]
fn no_address_runs_and_no_picture_loads() {
    for (text, out) in [
        ("[x](javascript:alert(1))", "[x](#removed:javascript:alert(1))"),
        ("[x]( <JavaScript:alert(1)>)", "[x]( < #removed:JavaScript:alert(1)>)"),
        ("[x](javascript&colon;alert(1))", "[x](#removed:javascript&colon;alert(1))"),
        ("[x](java\\script\\:alert(1))", "[x](#removed:java\\script\\:alert(1))"),
        ("[x][y]\n\n[y]:\n  javascript:alert(1)", "[x][y]\n\n[y]:\n  #removed:javascript:alert(1)"),
        ("> [y]:\n> vbscript:x", "> [y]:\n> #removed:vbscript:x"),
        ("[x](data:text/html,y)", "[x](#removed:data:text/html,y)"),
        ("[x](java\tscript:y)", "[x](#removed:java\tscript:y)"),
        ("![x](http://evil/y.png)", "[x](http://evil/y.png)"),
        ("a!![x](//evil)", "a[x](//evil)"),
        ("![x][y]\n\n[y]: http://evil/y.png", "[x][y]\n\n[y]: http://evil/y.png"),
        ("![x](y.png)", "[x](y.png)"),
        ("`![x](http://evil)`", "`[x](http://evil)`"),
        ("![x](data:image/svg+xml,y)", "[x](#removed:data:image/svg+xml,y)"),
        ("[![x](http://evil)](http://y)", "[[x](http://evil)](http://y)"),
        ("$\\href{javascript:x}{y}$", "$\\text{javascript:x}{y}$"),
    ] {
        assert_eq!(checked(text), out);
    }
}

#[test]
fn remote_pictures_stay_where_the_policy_allows_it() {
    let mut removed = Removals::new();
    let text = "![x](http://x.org/y.png)";
    assert_eq!(sanitize(text, true, &mut removed).as_deref(), Some(text));
    assert!(removed.is_empty());
}

#[test]
fn a_link_to_code_is_one_whatever_characters_its_code_has() {
    for length in 0..80 {
        let code = format!("javascript:{}éééé", "x".repeat(length));
        assert_eq!(checked(&format!("[x]({code})")), format!("[x](#removed:{code})"));
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<",
        ">",
        "b",
        "img",
        " src=x",
        " onerror=y",
        "\"",
        "'",
        "`",
        "```\n",
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
        " ",
        "<b title=\"",
        "<https://",
        "/",
        "\\",
        "script",
        "<!--",
        "-->",
        "<div>",
        "</div>",
        "x",
        "<p style=\"color: red\">",
        "    ",
        "> ",
        "- ",
        "é",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_has_a_tag_that_does_anything_and_checking_again_changes_nothing(text in pieces()) {
        let out = checked(&text);
        prop_assert_eq!(complaints(&out), Vec::<String>::new());
        prop_assert_eq!(checked(&out), out);
    }
}
