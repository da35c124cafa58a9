//! How old: `30d`, `12h`.

use chrono::TimeDelta;

/// Reads a number with its unit.
///
/// # Errors
/// What is wrong with it, for the user.
pub(super) fn parse(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("{text:?} is no age: give a whole number and m, h, d or w, such as 30d or 12h");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: i64 = digits.parse().map_err(|_| wrong())?;
    let age = match unit {
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        'w' => TimeDelta::try_weeks(number),
        _ => None,
    };
    age.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        assert_eq!(parse("30d"), Ok(TimeDelta::days(30)));
        assert_eq!(parse("12h"), Ok(TimeDelta::hours(12)));
        assert_eq!(parse("0m"), Ok(TimeDelta::zero()));
        assert_eq!(parse("2w"), Ok(TimeDelta::days(14)));
        for bad in
            ["", "d", "30", "-1d", "+1d", "1.5h", "30 d", "1y", "ü", "9223372036854775807w", "99999999999999999999d"]
        {
            assert!(parse(bad).unwrap_err().contains("30d"), "{bad}");
        }
    }
}
