//! Whatever the guest says, what comes of it is text, and short.

use proptest::prelude::*;

use super::*;

#[test]
fn hostile_names_are_text_and_short() {
    let evil = format!("</code><script>alert(1)</script>`\u{1b}]0;x\u{7}{}", "A".repeat(3_000));
    for facts in [
        facts(NOT_FOUND, json!({"name": evil})),
        facts(NO_FILE, json!({"filename": format!("/home/{evil}")})),
        facts(OS_ERROR, json!({"reason": "subprocess", "name": evil})),
    ] {
        let guidance = guided(&Given { facts, code: &format!("!{evil}"), ..Given::default() }).unwrap();
        let (plain, html) = (guidance.plain(), guidance.html());
        assert!(!html.contains("<script") && !html.contains("</code><"));
        assert!(!plain.contains('\u{1b}') && !plain.contains('\u{7}') && plain.len() < 4_000, "{plain}");
    }
    let flood = json!({"types": vec!["builtins.MemoryError"; 100_000], "name": "x".repeat(1 << 20)});
    assert!(guided(&Given { facts: flood, ..Given::default() }).is_some());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "(?s).{0,60}".prop_map(Value::from),
        prop::sample::select(vec![
            "network",
            "native",
            "packages",
            "subprocess",
            "path",
            "/home/x",
            "..",
            "builtins.OSError",
            "builtins.ModuleNotFoundError"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 16, 6, |inner| prop::collection::vec(inner, 0..6).prop_map(Value::from))
}

proptest! {
    #[test]
    fn any_facts_and_source_do_no_harm(
        types in any_json(), name in any_json(), filename in any_json(), errno in any_json(), reason in any_json(), line in any_json(), code in "(?s).{0,200}",
    ) {
        let facts = json!({"types": types, "name": name, "filename": filename, "errno": errno, "reason": reason, "line": line});
        if let Some(guidance) = guided(&Given { facts, code: &code, ..Given::default() }) {
            let plain = guidance.plain();
            prop_assert!(plain.len() < 8_000);
            prop_assert!(!plain.chars().any(|letter| letter.is_control() && letter != '\n'));
            let html = guidance.html();
            prop_assert!(!html.contains("<script"));
            prop_assert!(!guidance.actionable_guidance.is_empty());
        }
    }
}
