//! Finds the key that somebody probably meant.

/// The candidate that is fewest changes away from `word`, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = word.len().div_ceil(3).max(1);
    candidates.map(|known| (changes(word, known), known)).filter(|(n, _)| *n <= most).min().map(|(_, known)| known)
}

/// Levenshtein's distance, in characters.
fn changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((other, pair), left) in to.iter().zip(row.windows(2)).zip(0..) {
            let (diagonal, above) = match pair {
                [diagonal, above] => (*diagonal, *above),
                _ => continue,
            };
            let before: usize = next.get(left).copied().unwrap_or_default();
            let replaced = diagonal + usize::from(letter != *other);
            next.push(replaced.min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_changes() {
        for (from, to, expected) in [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("fule", "fuel", 2)] {
            assert_eq!(changes(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn far_words_are_not_suggested() {
        let known = || ["fuel_budget", "memory_bytes"].into_iter();
        assert_eq!(nearest("fule_budget", known()), Some("fuel_budget"));
        assert_eq!(nearest("memory", known()), None);
        assert_eq!(nearest("colour", known()), None);
    }
}
