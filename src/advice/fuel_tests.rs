//! The numbers of `docs/fuel.md`, at their edges.

use super::*;
use proptest::prelude::*;

fn of(consumed: u64, budget: u64) -> FuelAnalysis {
    analyse(&FuelFacts { consumed, budget: Some(budget), ..FuelFacts::default() })
}

#[test]
fn statuses_begin_where_they_should() {
    for (consumed, status) in [
        (0, "efficient"),
        (4_999, "efficient"),
        (5_000, "moderate"),
        (7_499, "moderate"),
        (7_500, "warning"),
        (8_999, "warning"),
        (9_000, "critical"),
        (9_999, "critical"),
        (10_000, "exhausted"),
        (25_000, "exhausted"),
    ] {
        assert_eq!(of(consumed, 10_000).status.as_str(), status, "{consumed}");
    }
    assert_eq!(analyse(&FuelFacts { consumed: 5, ..FuelFacts::default() }).status, FuelStatus::Unknown);
}

#[test]
fn suggested_budgets_are_whole_billions() {
    let b = 1_000_000_000;
    assert_eq!(of(8 * b, 10 * b).suggested_budget, Some(12 * b));
    assert_eq!(of(8 * b + 1, 10 * b).suggested_budget, Some(13 * b));
    assert_eq!(of(95 * b / 10, 10 * b).suggested_budget, Some(19 * b));
    assert_eq!(of(11 * b, 10 * b).suggested_budget, Some(22 * b));
    assert_eq!(of(8, 10).suggested_budget, Some(b));
    assert_eq!(of(1, 10).suggested_budget, None);
    assert_eq!(of(6, 10).suggested_budget, None);
}

#[test]
fn the_json_is_as_specified() {
    let json = serde_json::to_value(of(2_000_000_000, 3_000_000_000)).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["consumed", "budget", "utilization_percent", "status", "recommendation", "suggested_budget", "likely_causes"]
    );
    assert_eq!(json["utilization_percent"], 66.67);
    assert_eq!(json["status"], "moderate");
    assert!(json["suggested_budget"].is_null());
    let unknown = serde_json::to_value(analyse(&FuelFacts::default())).unwrap();
    assert!(unknown["budget"].is_null() && unknown["utilization_percent"].is_null());
    assert_eq!(unknown["status"], "unknown");
}

#[test]
fn causes_are_what_was_really_imported_and_where_samples_fell() {
    let import = |name: &str, fuel| Import { name: name.to_owned(), fuel };
    let hot = |line, samples, source: &str| HotLine { line, samples, source: source.to_owned() };
    let facts = FuelFacts {
        consumed: 1_000,
        budget: Some(1_000),
        imports: vec![
            import("scipy.stats", Some(300)),
            import("scipy", Some(400)),
            import("json", Some(1)),
            import("pandas", None),
            import("sympy", Some(450)),
        ],
        hot_lines: vec![hot(2, 10, "x = 1"), hot(3, 90, "for i in `x`:")],
    };
    let causes = analyse(&facts).likely_causes;
    assert_eq!(causes.len(), 3, "{causes:?}");
    assert!(causes[0].contains("`sympy`") && causes[0].contains("45 %"));
    assert!(causes[1].contains("`scipy`") && causes[1].contains("40 %"));
    assert!(causes[2].contains("line 3") && causes[2].contains("90 %") && causes[2].contains("`for i in 'x':`"));
    assert!(of(95, 100).likely_causes[0].contains("large computation"));
    assert!(of(5, 100).likely_causes.is_empty());
}

proptest! {
    #[test]
    fn no_numbers_or_names_do_harm(
        consumed: u64, budget: Option<u64>, fuel: Option<u64>, name in "(?s).{0,300}", source in "(?s).{0,300}", line: u32, samples: u32,
    ) {
        let imports = vec![Import { name, fuel }];
        let hot_lines = vec![HotLine { line, samples, source: source.clone() }, HotLine { line, samples: u32::MAX, source }];
        let analysis = analyse(&FuelFacts { consumed, budget, imports, hot_lines });
        prop_assert!(analysis.utilization_percent.is_none_or(|percent| percent.is_finite() && percent >= 0.0));
        prop_assert!(analysis.likely_causes.len() <= 5);
        for cause in &analysis.likely_causes {
            prop_assert!(cause.chars().count() < 300 && !cause.chars().any(char::is_control));
        }
        let _ = (analysis.plain(), analysis.html(), analysis.bundle());
    }
}
