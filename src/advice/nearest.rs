//! Finds the module that somebody probably meant.

/// Longer names are not compared: none is, and the work would grow with the square.
const LONGEST: usize = 64;

/// The name among `known` that differs least from `word`, capitals aside, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = lower(word);
    if letters.is_empty() || letters.len() > LONGEST {
        return None;
    }
    // Of a word this short another one that differs in a letter is another word.
    let most = if letters.len() <= 3 { 0 } else { (letters.len() / 4).max(1) };
    known
        .filter(|name| !name.starts_with('_') && name.len().abs_diff(word.len()) <= most + 2)
        .map(|name| (changes(&letters, &lower(name)), name))
        .filter(|(count, name)| *count <= most && *name != word)
        .min()
        .map(|(_, name)| name)
}

fn lower(word: &str) -> Vec<char> {
    word.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect()
}

/// How many letters have to be added, dropped, changed or swapped with their neighbour.
fn changes(from: &[char], to: &[char]) -> usize {
    let width = to.len() + 1;
    let mut table = vec![0usize; (from.len() + 1) * width];
    let at =
        |table: &[usize], row: usize, column: usize| table.get(row * width + column).copied().unwrap_or(usize::MAX / 2);
    for row in 0..=from.len() {
        for column in 0..width {
            let least = if row == 0 || column == 0 {
                row + column
            } else {
                let (one, other) = (from.get(row - 1), to.get(column - 1));
                let mut least = (at(&table, row - 1, column - 1) + usize::from(one != other))
                    .min(at(&table, row - 1, column) + 1)
                    .min(at(&table, row, column - 1) + 1);
                if row > 1 && column > 1 && one == to.get(column - 2) && from.get(row - 2) == other {
                    least = least.min(at(&table, row - 2, column - 2) + 1);
                }
                least
            };
            if let Some(cell) = table.get_mut(row * width + column) {
                *cell = least;
            }
        }
    }
    at(&table, from.len(), to.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(word: &str) -> Option<&'static str> {
        nearest(word, ["json", "numpy", "pandas", "matplotlib", "_json", "PIL", "re", "os", "math"].into_iter())
    }

    #[test]
    fn typos_swaps_and_capitals_are_seen_through() {
        for (typo, meant) in [
            ("numppy", "numpy"),
            ("padnas", "pandas"),
            ("matplotib", "matplotlib"),
            ("Json", "json"),
            ("pil", "PIL"),
            ("maths", "math"),
        ] {
            assert_eq!(found(typo), Some(meant), "{typo}");
        }
    }

    #[test]
    fn what_is_far_off_or_huge_is_not() {
        for word in ["requests", "my_module", "", "xyz", "se", "rx"] {
            assert_eq!(found(word), None, "{word}");
        }
        assert_eq!(found(&"n".repeat(10_000_000)), None);
    }
}
