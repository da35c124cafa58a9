use proptest::prelude::*;

use super::*;
use crate::firewall::plotly::reading::complaints;

fn written(text: &str) -> (String, Removals) {
    let mut removed = Removals::new();
    let out = normalised(text, text.contains('$'), &mut removed).unwrap_or_else(|| text.to_owned());
    (out, removed)
}

#[test]
fn honest_texts_stay_as_they_are() {
    for text in [
        "plain",
        "a < b > c",
        "p<0.05",
        "p <= 0.05 &amp; q &lt; 3",
        "x<-3",
        "<b>bold</b> and <i>italic</i><br>two<br />three",
        "H<sub>2</sub>O <em>x</em> <s>y</s> <u>z</u> m<sup>2</sup>",
        "<span style=\"color:red;font-size:70%\">r</span>",
        "<span style=\"color:rgba(1, 2, 3, 0.5)\">r</span>",
        "<a href=\"https://x.org/?a=1&b=2#c\" target=\"_blank\">link</a>",
        "<b>%{x}</b>: %{y:.2f}<extra></extra>",
        "%{customdata[0]:<5}",
        "C:\\data\\x",
        "AT&T",
        "$\\alpha^2 < 3$",
        "costs $5",
        "日本語 <b>é</b>",
    ] {
        let (out, removed) = written(text);
        assert_eq!((out.as_str(), removed.sentence()), (text, None));
    }
}

#[test]
fn what_means_the_same_is_written_one_way() {
    for (text, expected) in [
        ("<span style='color: red'>x</span>", "<span style=\"color:red\">x</span>"),
        ("<SPAN STYLE=\"color:red;\">x</SPAN >", "<span style=\"color:red\">x</span>"),
        (
            "<span style=\"font-family:'Open Sans', Arial\">x</span>",
            "<span style=\"font-family:Open Sans, Arial\">x</span>",
        ),
        ("<a href='http://x.org'>x</a>", "<a href=\"http://x.org\">x</a>"),
        ("<a href=\"http://x.org/a b'c\">x</a>", "<a href=\"http://x.org/a%20b%27c\">x</a>"),
        ("<a href=\"http://x/&#1\u{7}14;y\">x</a>", "<a href=\"http://x/&amp;#114;y\">x</a>"),
        ("<font color=\"red\">x</font>", "<\u{200b}font color=\"red\">x<\u{200b}/font>"),
        ("<span\u{a0}style=\"fill:url(//x)\">", "<\u{200b}span\u{a0}style=\"fill:url(//x)\">"),
        ("&lt;script&gt;", "<\u{200b}script>"),
        ("a <x b", "a <\u{200b}x b"),
        ("ends with <", "ends with <\u{200b}"),
    ] {
        let (out, removed) = written(text);
        assert_eq!((out.as_str(), removed.sentence()), (expected, None), "{text}");
        assert_eq!(written(&out).0, expected);
    }
}

#[test]
fn what_acts_is_gone_for_every_reader() {
    for text in [
        "<b x=\"<span style='background:url(//evil)'>\">y</b>",
        "<b x=\"<span style='background:url(//evil)'>",
        "<span style=\"fill:url(//evil#x)\">y</span>",
        "<span style=\"color:red\" style='mask:url(//evil)'>y</span>",
        "<span x style=\"cursor:url(//evil),auto\">y</span>",
        "<span x='style=\"cursor:u&#114;l(//evil)\"'>y</span>",
        "<span style = 'fill:\\75rl(//evil)'>y</span>",
        "<span style=\"fill:%{customdata[0]}\">y</span>",
        "<a href=\"javascript:evil()\">y</a>",
        "<a href=\"%6aavascript:evil()\">y</a>",
        "<a href=\"java&#115;cript:evil()\">y</a>",
        "<a href=\"java\nscript:evil()\">y</a>",
        "<a href=\" &#1;javascript:evil()\">y</a>",
        "<a href=\"vscode://evil\">y</a>",
        "<a href=\"=javascript:evil()\">y</a>",
        "<a href='http://x' popup=\"width=1\">y</a>",
        "<a href='http://x' onclick=\"evil()\">y</a>",
        "<a href=\"%{customdata}\">y</a>",
        "<a title=\"href='javascript:evil()'\">y</a>",
        "<a title='\" href=\"javascript:evil()\"'>y</a>",
        "&lt;a href=\"javascript:evil()\"&gt;y&lt;/a&gt;",
        "&lt;span style=\"fill:url(//evil)\"&gt;y",
        "&amp;lt;span style=\"fill:url(//evil)\"&amp;gt;y",
        "$\\href{javascript:evil()}{y}$",
    ] {
        let (out, removed) = written(text);
        assert_eq!(complaints(&out), Vec::<String>::new(), "{text} became {out}");
        assert!(!removed.is_empty(), "{text} became {out}");
        assert_eq!(crate::firewall::oracle::complaints(&out), Vec::<String>::new(), "{text} became {out}");
        let (again, removed) = written(&out);
        assert!(again == out && removed.is_empty(), "{out} became {again}");
    }
}

#[test]
fn an_entity_is_not_put_together_out_of_pieces() {
    for (one, two) in [
        ("&", "lt;a href=\"javascript:evil()\">"),
        ("x &l", "t;span style=\"fill:url(//evil)\">"),
        ("&#6", "0;a href=\"javascript:evil()\">"),
    ] {
        let both = format!("{}{}", written(one).0, written(two).0);
        assert_eq!(complaints(&both), Vec::<String>::new(), "{both}");
        assert!(!complaints(&format!("{one}{two}")).is_empty());
        assert_eq!(written(&written(one).0).0, written(one).0);
    }
    assert_eq!(written("AT&T").0, "AT&T");
}

#[test]
fn the_judge_sees_what_acts() {
    for text in [
        "<b x=\"<span style='background:url(//evil)'>\">y</b>",
        "<a title='\" href=\"javascript:evil()\"'>y</a>",
        "&amp;lt;span style=\"fill:url(//evil)\"&amp;gt;y",
        "<a href=\"%6aavascript:evil()\">y</a>",
        "<a href='http://x' popup=\"width=1\">y</a>",
    ] {
        assert!(!complaints(text).is_empty(), "{text}");
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<"),
        Just(">"),
        Just("span"),
        Just("a"),
        Just("b"),
        Just("br"),
        Just("/"),
        Just(" "),
        Just("\t"),
        Just("\n"),
        Just("style"),
        Just("href"),
        Just("popup"),
        Just("="),
        Just("\""),
        Just("'"),
        Just("url(//evil)"),
        Just("fill:"),
        Just("color:red"),
        Just(";"),
        Just("javascript:x"),
        Just("http://x"),
        Just("%6a"),
        Just("&lt;"),
        Just("&gt;"),
        Just("&amp;"),
        Just("&#60;"),
        Just("&#x3c;"),
        Just("%{x}"),
        Just("x"),
        Just("é"),
        Just("<span "),
        Just("<a href=\""),
        Just("\">"),
        Just("<b "),
        Just("\\"),
        Just("$"),
    ]
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn no_text_acts_whatever_stands_beside_it(one in prop::collection::vec(piece(), 0..14), two in prop::collection::vec(piece(), 0..14)) {
        let (one, two) = (written(&one.concat()).0, written(&two.concat()).0);
        for text in [one.clone(), two.clone(), format!("{one}{two}"), format!("{one} {two}")] {
            prop_assert_eq!(complaints(&text), Vec::<String>::new(), "{:?}", text);
        }
        let (again, removed) = written(&one);
        prop_assert!(removed.is_empty(), "{:?} again {:?}: {:?}", &one, again, removed);
        prop_assert_eq!(again, one);
    }
}

#[test]
fn no_format_writes_the_beginning_of_a_tag() {
    for (text, out) in [
        ("%{customdata[0]:<=60c}", "%{customdata[0]:=60c}"),
        ("a %{x:&^9} %{meta[1]:\\>99c} %{y:<<9}", "a %{x:^9} %{meta[1]:>99c} %{y:<9}"),
        ("%{a:%{b:<=9c}", "%{a:%{b:=9c}"),
        ("%{a:&<<=9c}", "%{a:=9c}"),
        ("%{<a x>:<=9c}", "%{<a>:=9c}"),
        ("%{x:$^9}", "%{x:^9}"),
    ] {
        let mut removed = Removals::new();
        assert_eq!(normalised(text, false, &mut removed).as_deref(), Some(out), "{text}");
        assert!(!removed.is_empty());
    }
    for honest in ["%{x:.2f}", "%{y:0>8}", "%{x:<8}", "%{label}: %{value:,.0f}", "%{x:*^9}", "%{x|%b %d} <= %{y}"] {
        let mut removed = Removals::new();
        assert_eq!(normalised(honest, true, &mut removed), None, "{honest}");
        assert!(removed.is_empty());
    }
}
