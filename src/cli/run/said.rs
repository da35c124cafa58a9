//! What a run tells in the terminal about a cell besides how it ended: the same guidance and warnings that are
//! displayed in the notebook, as plain text.

use crate::policy::{Advice, FuelAdvice};
use crate::session::Usage;

/// The texts, each of whole lines.
pub(super) fn said(usage: &Usage, advice: &Advice) -> String {
    let guidance = usage.error_guidance.as_ref().filter(|_| advice.errors).map(|guidance| guidance.plain());
    let fuel = usage.fuel_analysis.as_ref().filter(|analysis| match advice.fuel {
        FuelAdvice::Always => true,
        FuelAdvice::Warnings => analysis.status.is_alarming(),
        FuelAdvice::Never => false,
    });
    let removed = usage.removal_notice.as_ref().map(|notice| format!("[firewall] {notice}\n"));
    let fuel = fuel.map(|analysis| analysis.plain());
    let texts: Vec<String> = removed.into_iter().chain(guidance).chain(fuel).collect();
    texts.concat()
}

/// The same, set in below what it belongs to.
pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::{FuelFacts, analyse};

    fn usage(consumed: u64) -> Usage {
        let facts = FuelFacts { consumed, budget: Some(10_000_000_000), imports: Vec::new(), hot_lines: Vec::new() };
        Usage { fuel_analysis: Some(analyse(&facts)), ..Usage::default() }
    }

    #[test]
    fn fuel_is_told_as_the_policy_says() {
        let told = |consumed, fuel| !said(&usage(consumed), &Advice { fuel, errors: true }).is_empty();
        let (little, much) = (1_000_000_000, 8_000_000_000);
        assert_eq!([told(little, FuelAdvice::Warnings), told(much, FuelAdvice::Warnings)], [false, true]);
        assert_eq!([told(little, FuelAdvice::Always), told(much, FuelAdvice::Never)], [true, false]);
    }

    #[test]
    fn what_is_told_is_set_in() {
        assert_eq!(indented("a\n\nb"), "  a\n\n  b\n");
    }
}
