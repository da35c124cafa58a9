use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::declared::Declared;
use super::super::language::Language;
use super::*;

/// What comes out of an expression in a chart; nothing if it may not be there.
fn outcome(chart: &Value, language: Language, datum: Datum, text: &str) -> Option<Outcome> {
    let notes = Notes::default();
    let declared = Declared::of(chart, language);
    let outcome = check(&parse(text)?, Setting { declared: &declared, datum, parent: datum, notes: &notes });
    outcome.filter(|_| !notes.looks_up.get())
}

fn chart() -> Value {
    json!({
        "signals": [
            {"name": "brush", "value": 0, "on": [{"events": "click", "update": "1"}]},
            {"name": "column", "value": "a", "bind": {"input": "select", "options": ["a", "b.c"]}},
            {"name": "typed", "value": "a", "bind": {"input": "text"}},
            {"name": "size", "value": 3, "bind": {"input": "range", "max": 9}}
        ],
        "data": [{"name": "table", "values": []}, {"name": "bars", "values": []}],
        "marks": [{"name": "bars", "from": {"data": "table"}}]
    })
}

fn fine(text: &str) -> bool {
    outcome(&chart(), Language::Vega, Datum::Row, text).is_some()
}

#[test]
fn what_charts_say_passes() {
    for text in [
        "datum.a * 2 + 1",
        "datum['Miles per Gallon'] > brush[0] && datum.x <= brush[1]",
        "datum[column] || 'none'",
        "datum.values[datum.values.length - 1].x",
        "{a: 1, 'b c': [2, \"x\"], 3: null}",
        "isValid(datum.a) ? format(datum.a, '.2f') : datum.b ? 'b' : 'c'",
        "test(/^a[/\\]]+\\/$/i, datum.a)",
        "scale('x', datum.a) + bandwidth('x') / 2",
        "data('table')[size].a",
        "indata('table', 'a', datum.b)",
        "pluck(data('table'), 'a')",
        "clamp(invert('x', x()), 0, width)",
        "event.shiftKey && !event.item",
        "pow(1.001, event.deltaY * pow(16, event.deltaMode))",
        "item().bounds.x1 - item().datum.a",
        "item().mark.name === 'a' ? x(group()) : y(item())",
        "if(datum.a == null, -1, +datum.b)",
        "1e3 + .5 + 0x1F + 1.",
        "'it\\'s \\u00e4 \\n' + \"b\"",
        "datum.größe",
        "length(toString(datum.a)) + ':' + rgb(255, 0, 0)",
        "{a: 1}[column]",
    ] {
        assert!(fine(text), "{text}");
    }
}

#[test]
fn what_leads_out_of_a_chart_does_not() {
    for text in [
        "event",
        "event.view",
        "event.view.eval('x')",
        "event['view']",
        "event[column]",
        "event.dataflow._handler.on",
        "event.vega.view()",
        "event.item.mark.group.context",
        "[event]",
        "(event).target.ownerDocument",
        "event.shiftKey.constructor",
        "{shiftKey: event}",
        "datum.constructor",
        "datum['constructor']",
        "datum['con' + 'structor']",
        "datum['con\\u0073tructor']",
        "datum[lower('CONSTRUCTOR')]",
        "datum[length({length: 'constructor'})]",
        "datum[lerp(['constructor'], 0)]",
        "datum[{length: 'constructor'}.length]",
        "datum[['constructor']]",
        "datum[join(['con', 'structor'], '')]",
        "datum[replace('xconstructor', 'x', '')]",
        "datum[datum.a]",
        "datum[typed]",
        "datum[brush]",
        "datum.a.__proto__",
        "''.constructor",
        "/a/.constructor",
        "[].constructor.constructor",
        "brush.toString",
        "{'toString': datum.a}",
        "{toString: 1}",
        "{valueOf: 1}",
        "{__proto__: 1}",
        "{'constructor': 1}",
        "pluck(data('table'), 'constructor')",
        "indata('table', 'constructor', 1)",
        "data('root')",
        "data('bars')",
        "data(column)",
        "data('constructor')",
        "group()",
        "group().context",
        "group('a').mark.source",
        "group()['context']",
        "item().mark.group",
        "item().mark['source']",
        "item()._svg.ownerDocument",
        "item().datum",
        "item.mark.source",
        "[item()]",
        "view()",
        "intersect([[0, 0], [9, 9]], {}, item())",
        "modify('table', datum)",
        "setdata('table', [])",
        "encode(item(), 'x')",
        "copy('x')",
        "screen()",
        "vlSelectionTuples([{datum: 'x'}], {fields: [{getter: datum.a}]})",
        "warn('x')",
        "scale(datum.a, 1)",
        "scale('constructor', 1)",
        "scale('x', 1, {context: 1})",
        "scale('x', 1, datum)",
        "_scale('x', 1)",
        "unknown",
        "unknown()",
        "window",
        "this.context",
        "this",
        "_",
        "constructor",
        "datum.a()",
        "datum['a']()",
        "(datum.a)()",
        "eval('x')",
        "Function('x')",
        "new Date()",
        "typeof datum",
        "datum.a = 1",
        "a => a",
        "function() {}",
        "x`a`",
        "`a`",
        "1, 2",
        "1; 2",
        "1 // a",
        "1 /* a */",
        "datum.\\u0061",
        "'a\\\nb'",
        "'\\101'",
        "010",
        "++datum.a",
        "delete datum.a",
        "datum.a in datum",
        "datum?.a",
        "...datum",
        "{a}",
        "{[column]: 1}",
        "{get a() {}}",
        "'",
        "(",
        "datum.",
        "",
    ] {
        assert!(!fine(text), "{text}");
    }
}

#[test]
fn a_mark_is_only_asked_for_plain_values() {
    let chart = json!({"marks": [{"name": "bars"}, {"name": "labels", "from": {"data": "bars"}}]});
    let fine = |datum, text| outcome(&chart, Language::Vega, datum, text).is_some();
    for text in ["datum.x + datum.bounds.x2", "datum.datum.a.b", "datum.fill", "datum.mark.name"] {
        assert!(fine(Datum::Mark, text), "{text}");
    }
    for text in [
        "datum",
        "datum.mark.group",
        "datum.context",
        "datum.datum",
        "datum['_svg']",
        "datum[datum.x]",
        "item().datum.a",
        "parent",
    ] {
        assert!(!fine(Datum::Mark, text), "{text}");
    }
    assert!(fine(Datum::Either, "datum.x") && !fine(Datum::Either, "datum.a") && !fine(Datum::Either, "datum.datum.x"));
}

#[test]
fn a_text_that_is_put_together_is_known_as_one() {
    let outcome = |text| outcome(&chart(), Language::Vega, Datum::Row, text);
    for text in [
        "datum.a + datum.b",
        "'ur' + 'l(' + datum.a",
        "join(['a', 'b'], '')",
        "timeFormat(0, 'u%rl(x)')",
        "datum.a ? 'x' + datum.a : 1",
        "regexp('a' + 'b')",
    ] {
        assert_eq!(outcome(text), Some(Outcome::Built), "{text}");
    }
    for text in ["1 + 2", "-datum.a", "datum.a * datum.b", "rgb(1, 2, datum.a)", "datum.a < 'b'"] {
        assert_eq!(outcome(text), Some(Outcome::Number), "{text}");
    }
    for text in ["datum.a", "'' + datum.a", "1 + datum.a", "upper('a')", "'a' + 1", "/a/", "length(datum.a)"] {
        assert_eq!(outcome(text), Some(Outcome::Known), "{text}");
    }
    assert_eq!(outcome("datum.a ? 'x' : brush > 1 && 'y'"), Some(Outcome::Texts(vec!["y".into(), "x".into()])));
}

#[test]
fn a_control_with_very_many_choices_is_any_value() {
    let chart = |choices: Vec<String>| json!({"signals": [{"name": "s", "value": "a", "bind": {"input": "select", "options": choices}}]});
    let outcome = |choices| outcome(&chart(choices), Language::Vega, Datum::Row, "s");
    assert!(matches!(outcome(vec!["b".into(); 100]), Some(Outcome::Texts(_))));
    assert_eq!(outcome(vec!["b".into(); 1_000]), Some(Outcome::Known));
    assert_eq!(outcome(vec!["b".repeat(20_000)]), Some(Outcome::Known));
}

#[test]
fn nesting_and_length_have_an_end() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    for text in [
        deep("(", ")"),
        deep("[", "]"),
        deep("-", ""),
        deep("!", ""),
        deep("abs(", ")"),
        deep("{a:", "}"),
        deep("1?", ":1"),
    ] {
        assert_eq!(parse(&text), None);
    }
    // Not nested, but long.
    for text in [
        "1+".repeat(50_000) + "1",
        "1?2:".repeat(10_000) + "3",
        format!("datum{}", ".a".repeat(50_000)),
        format!("[{}1]", "1,".repeat(50_000)),
    ] {
        assert!(parse(&text).is_some_and(|node| fine_node(&node)));
    }
    assert_eq!(parse(&"1+".repeat(200_000)), None);
}

fn fine_node(node: &Node) -> bool {
    let (declared, notes) = (Declared::default(), Notes::default());
    check(node, Setting { declared: &declared, datum: Datum::Row, parent: Datum::Row, notes: &notes }).is_some()
}

proptest! {
    #[test]
    fn anything_is_read_without_a_panic(text in "[ -~\\n\u{e4}\u{2028}]{0,80}") {
        let _ = parse(&text).map(|node| fine_node(&node));
    }

    #[test]
    fn what_is_made_of_the_language_is_read_without_a_panic(words in prop::collection::vec(
        prop::sample::select(vec!["datum", ".a", "[", "]", "(", ")", "{", "}", ":", "?", ",", "'x'", "1", "+", "-", "/", "!", "&&", "event", ".constructor", "item", "scale", "toString", " "]), 0..40)) {
        let text = words.concat();
        if let Some(node) = parse(&text) && fine_node(&node) {
            // Whatever stands where, these are no names of columns.
            prop_assert!(!node.texts().contains(&"constructor") && !node.texts().contains(&"toString"), "{}", text);
        }
    }

    #[test]
    fn a_number_or_a_name_in_brackets_changes_nothing(depth in 0..20_usize) {
        let text = format!("{}datum.a{}", "(".repeat(depth), ")".repeat(depth));
        prop_assert_eq!(parse(&text), parse("datum.a"));
    }
}
