//! Patterns of paths: `*`, `?` and `[a-z]` within a name, `**` for any number of directories. A pattern
//! without '/' is looked for in every directory.

/// A pattern, read.
#[derive(Debug, Clone)]
pub struct Glob {
    names: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// `**`.
    AnyDepth,
    One(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Exactly(char),
    /// `?`.
    AnyOne,
    /// `*`.
    Any,
    /// `[a-z]`, or not (`[!a-z]`).
    Of(Vec<(char, char)>, bool),
}

impl Glob {
    /// Reads a pattern; every text is one.
    pub fn new(pattern: &str) -> Self {
        let name = |name: &str| if name == "**" { Name::AnyDepth } else { Name::One(pieces(name)) };
        let mut names: Vec<_> = pattern.split('/').filter(|name| !matches!(*name, "" | ".")).map(name).collect();
        // Two in a row mean the same as one, and would only cost time.
        names.dedup_by(|one, other| *one == Name::AnyDepth && one == other);
        if names.len() == 1 {
            names.insert(0, Name::AnyDepth);
            names.dedup();
        }
        Self { names }
    }

    pub fn matches(&self, path: &str) -> bool {
        let parts: Vec<Vec<char>> = path.split('/').map(|part| part.chars().collect()).collect();
        wild(
            &self.names,
            &parts,
            |name| *name == Name::AnyDepth,
            |name, part| matches!(name, Name::One(pieces) if wild(pieces, part, |piece| *piece == Piece::Any, fits)),
        )
    }
}

/// Whether a sequence matches a pattern in which some elements stand for any number of others. Only the last
/// of them is ever tried again, so the time is at most the product of the lengths.
fn wild<P, T>(pattern: &[P], items: &[T], is_any: impl Fn(&P) -> bool, fits: impl Fn(&P, &T) -> bool) -> bool {
    let (mut at, mut item) = (0, 0);
    // Behind the last "any", and the first item that it does not take.
    let mut again: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), items.get(item)) {
            (Some(part), _) if is_any(part) => {
                at += 1;
                again = Some((at, item));
            }
            (Some(part), Some(value)) if fits(part, value) => {
                at += 1;
                item += 1;
            }
            (None, None) => return true,
            _ => match again {
                Some((behind, taken)) if taken < items.len() => {
                    again = Some((behind, taken + 1));
                    (at, item) = (behind, taken + 1);
                }
                _ => return false,
            },
        }
    }
}

fn fits(piece: &Piece, letter: &char) -> bool {
    match piece {
        Piece::Exactly(wanted) => wanted == letter,
        Piece::AnyOne => true,
        Piece::Any => false,
        Piece::Of(ranges, not) => ranges.iter().any(|(from, to)| (from..=to).contains(&letter)) != *not,
    }
}

fn pieces(name: &str) -> Vec<Piece> {
    let letters: Vec<char> = name.chars().collect();
    let mut rest = letters.as_slice();
    let mut pieces = Vec::new();
    while let [letter, behind @ ..] = rest {
        rest = behind;
        match letter {
            '*' if pieces.last() == Some(&Piece::Any) => {}
            '*' => pieces.push(Piece::Any),
            '?' => pieces.push(Piece::AnyOne),
            '[' => match class(behind) {
                Some((class, behind)) => {
                    pieces.push(class);
                    rest = behind;
                }
                None => pieces.push(Piece::Exactly('[')),
            },
            letter => pieces.push(Piece::Exactly(*letter)),
        }
    }
    pieces
}

/// What follows a '[', and what is behind the ']'; `None` if there is none.
fn class(letters: &[char]) -> Option<(Piece, &[char])> {
    let (not, letters) = match letters {
        ['!', behind @ ..] => (true, behind),
        all => (false, all),
    };
    // A ']' that comes first is one of the letters.
    let end = letters.iter().skip(1).position(|letter| *letter == ']')? + 1;
    let (mut inside, behind) = (letters.get(..end)?, letters.get(end + 1..)?);
    let mut ranges = Vec::new();
    loop {
        match inside {
            [from, '-', to, more @ ..] => {
                ranges.push((*from, *to));
                inside = more;
            }
            [one, more @ ..] => {
                ranges.push((*one, *one));
                inside = more;
            }
            [] => return Some((Piece::Of(ranges, not), behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, yes, no) in [
            ("*.csv", &["a.csv", "x/y/a.csv", ".csv"][..], &["a.csv.gz", "csv"][..]),
            ("data/*.csv", &["data/a.csv"], &["data/x/a.csv", "a.csv"]),
            ("data/**/*.csv", &["data/a.csv", "data/x/y/a.csv"], &["a.csv"]),
            ("**", &["a", "a/b"], &[]),
            ("x/**", &["x/a/b", "x"], &["y/a"]),
            ("**/b/**/d", &["a/b/c/d", "b/d"], &["b/c"]),
            ("?[a-c!].[!x]", &["1b.y", "/1!.z"], &["1d.y", "1b.x"]),
            ("[]x]", &["]", "x"], &["[]x]"]),
            ("a[", &["a["], &["a"]),
            ("ü*", &["über"], &["uber"]),
            ("./a//b", &["a/b"], &["b"]),
        ] {
            let glob = Glob::new(pattern);
            for path in yes {
                assert!(glob.matches(path.trim_start_matches('/')), "{pattern} {path}");
            }
            for path in no {
                assert!(!glob.matches(path), "{pattern} {path}");
            }
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let glob = Glob::new(&"*a".repeat(2000));
        assert!(!glob.matches(&"a".repeat(1999)));
        let glob = Glob::new(&"**/a/".repeat(2000));
        assert!(glob.matches(&vec!["a"; 4000].join("/")));
    }

    proptest! {
        #[test]
        fn any_text_is_a_pattern_and_a_plain_one_matches_itself(pattern in ".{0,40}", path in "[a-z/]{1,40}") {
            let _ = Glob::new(&pattern).matches(&path);
            let plain = path.split('/').filter(|name| !name.is_empty()).collect::<Vec<_>>().join("/");
            prop_assume!(!plain.is_empty());
            prop_assert!(Glob::new(&plain).matches(&plain));
        }
    }
}
