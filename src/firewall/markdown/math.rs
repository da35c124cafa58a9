//! Mathematics in Markdown. Jupyter's front-ends take it out before they read the rest, by a scan of their own over the
//! whole text, and put it back into the HTML; so what is Markdown and what is not can only be told after the same scan.
//! This is that scan, with a bound on its steps.

use std::ops::Range;

/// How many tokens are looked at again for each one there is: a formula whose braces do not balance is begun anew.
const MAX_AGAIN: usize = 16;

/// The formulas of a text, in order; nothing if finding them takes too many steps.
pub fn formulas(text: &str) -> Option<Vec<Range<usize>>> {
    if !text.contains('$') && !text.contains('\\') {
        return Some(Vec::new());
    }
    let tokens = tokens(text, &protected(text));
    let mut found = Vec::new();
    let mut left = tokens.len().saturating_mul(MAX_AGAIN);
    let mut open: Option<Open> = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        left = left.checked_sub(1)?;
        match &mut open {
            None => {
                open = ending(text, token).map(|end| Open { start: token.range.start, end, braces: 0, last: None });
            }
            Some(formula) => match token.kind {
                Kind::Blank => {
                    if let Some(last) = formula.last {
                        found.push(formula.start..tokens.get(last)?.range.end);
                        at = last;
                    }
                    open = None;
                }
                Kind::OpenBrace => formula.braces += 1,
                Kind::CloseBrace => formula.braces = formula.braces.saturating_sub(1),
                _ if formula.ends_with(text.get(token.range.clone())?) => {
                    if formula.braces > 0 {
                        formula.last = Some(at);
                    } else {
                        found.push(formula.start..token.range.end);
                        open = None;
                    }
                }
                _ => {}
            },
        }
        at += 1;
    }
    if let Some(Open { start, last: Some(last), .. }) = open {
        found.push(start..tokens.get(last)?.range.end);
    }
    Some(found)
}

struct Open {
    start: usize,
    end: String,
    braces: usize,
    /// A token that would end it, if its braces did balance.
    last: Option<usize>,
}

impl Open {
    fn ends_with(&self, token: &str) -> bool {
        self.end == token
    }
}

/// What ends a formula that this token begins.
fn ending(text: &str, token: &Token) -> Option<String> {
    let written = text.get(token.range.clone())?;
    match token.kind {
        Kind::Dollar => Some(written.to_owned()),
        Kind::Bracket if written.ends_with('(') => Some("\\\\)".to_owned()),
        Kind::Bracket if written.ends_with('[') => Some("\\\\]".to_owned()),
        Kind::Environment => written.get(1..6).filter(|word| word.eq_ignore_ascii_case("begin")).and_then(|word| {
            // Only in lower case: in any other the scan looks for an end that it has made up of the rest.
            (word == "begin").then(|| format!("\\end{}", written.get(6..).unwrap_or_default()))
        }),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Dollar,
    Environment,
    Escaped,
    OpenBrace,
    CloseBrace,
    /// A line end, and what white space follows it.
    Line,
    /// The same with an empty line in it.
    Blank,
    /// A double backslash before a bracket.
    Bracket,
}

#[derive(Debug)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

fn tokens(text: &str, protected: &[Range<usize>]) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut code = protected.iter().peekable();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        while code.next_if(|range| range.end <= at).is_some() {}
        let in_code = code.peek().is_some_and(|range| range.contains(&at));
        let token = match byte {
            b'$' if in_code => None,
            b'$' => Some((Kind::Dollar, if rest.get(1) == Some(&b'$') { 2 } else { 1 })),
            b'{' => Some((Kind::OpenBrace, 1)),
            b'}' => Some((Kind::CloseBrace, 1)),
            b'\n' => {
                let white = text.get(at..).unwrap_or_default();
                let length = white.len() - white.trim_start_matches(is_space).len();
                let lines =
                    bytes.get(at..at + length).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
                Some((if lines > 1 { Kind::Blank } else { Kind::Line }, length))
            }
            b'\\' => environment(rest).map(|length| (Kind::Environment, length)).or_else(|| match rest.get(1) {
                // In code a dollar is no longer one.
                Some(b'$') if in_code => None,
                Some(b'{' | b'}' | b'$') => Some((Kind::Escaped, 2)),
                Some(b'\\') if matches!(rest.get(2), Some(b'(' | b')' | b'[' | b']')) => Some((Kind::Bracket, 3)),
                _ => None,
            }),
            _ => None,
        };
        match token {
            Some((kind, length)) => {
                found.push(Token { kind, range: at..at + length });
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

/// What scripts take for white space.
fn is_space(character: char) -> bool {
    (character.is_whitespace() && character != '\u{85}') || character == '\u{feff}'
}

/// The length of `\begin{name}` or `\end{name}`.
fn environment(rest: &[u8]) -> Option<usize> {
    let word = [b"\\begin{".as_slice(), b"\\end{"]
        .into_iter()
        .find(|word| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))?;
    let name = rest.get(word.len()..)?;
    let letters = name.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let star = usize::from(name.get(letters) == Some(&b'*'));
    (name.get(letters + star) == Some(&b'}')).then_some(word.len() + letters + star + 1)
}

/// Where a dollar counts for nothing: in fences that begin with their line, and in code within one line.
fn protected(text: &str) -> Vec<Range<usize>> {
    if !text.contains('`') && !text.contains("~~~") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let lines: Vec<Range<usize>> = text
        .split_inclusive('\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some(start..start + line.trim_end_matches('\n').len())
        })
        .collect();
    let closers: Vec<Option<(u8, usize)>> = lines.iter().map(|line| closer(text.get(line.clone()))).collect();
    // The shortest fence of backticks and the longest of tildes for which there is no end any more.
    let (mut endless_backticks, mut endless_tildes) = (usize::MAX, 0);
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if let Some((sign, length)) = opener(text.get(line.clone())) {
            let may_end = if sign == b'~' { length > endless_tildes } else { length < endless_backticks };
            if may_end {
                let end =
                    closers.iter().enumerate().skip(at + 1).find(|(_, closer)| {
                        closer.is_some_and(|(other, run)| other == sign && ends(sign, length, run))
                    });
                if let Some((end, _)) = end {
                    found.push(line.start..lines.get(end).map_or(text.len(), |line| line.end));
                    at = end + 1;
                    continue;
                }
                match sign {
                    b'~' => endless_tildes = length,
                    _ => endless_backticks = length,
                }
            }
        }
        spans(text, line.clone(), &mut found);
        at += 1;
    }
    found
}

/// A fence of tildes that ends with fewer than it began is one with the rest in its first line.
fn ends(sign: u8, length: usize, run: usize) -> bool {
    if sign == b'~' { run <= length } else { run >= length }
}

fn opener(line: Option<&str>) -> Option<(u8, usize)> {
    let line = line?.as_bytes();
    let sign = *line.first().filter(|sign| matches!(sign, b'`' | b'~'))?;
    let run = line.iter().take_while(|byte| **byte == sign).count();
    let info = line.get(run..)?;
    (run >= 3 && !info.contains(&b'`')).then_some((sign, run))
}

/// Nothing but a fence, or tildes and then backticks.
fn closer(line: Option<&str>) -> Option<(u8, usize)> {
    let line = line?.as_bytes();
    let sign = *line.first().filter(|sign| matches!(sign, b'`' | b'~'))?;
    let run = line.iter().take_while(|byte| **byte == sign).count();
    let rest = line.get(run..)?;
    (run >= 3 && rest.iter().all(|byte| *byte == b'`')).then_some((sign, run))
}

/// Code within a line: from a run of backticks to one of the same length, or failing that of a shorter one.
fn spans(text: &str, line: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(written) = text.get(line.clone()).filter(|written| written.contains('`')) else { return };
    let bytes = written.as_bytes();
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(start) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'`')) {
        let start = at + start;
        let length = bytes.get(start..).unwrap_or_default().iter().take_while(|byte| **byte == b'`').count();
        runs.push(start..start + length);
        at = start + length;
    }
    // For each length the runs of it, the last first.
    let mut by_length: std::collections::HashMap<usize, Vec<usize>> = std::collections::HashMap::new();
    for (number, run) in runs.iter().enumerate().rev() {
        by_length.entry(run.len()).or_default().push(number);
    }
    let mut number = 0;
    while let Some(run) = runs.get(number) {
        let escaped = run.start > 0 && bytes.get(run.start - 1) == Some(&b'\\');
        let longest = run.len() - usize::from(escaped);
        let mut end = None;
        for length in (1..=longest).rev() {
            if let Some(places) = by_length.get_mut(&length) {
                while places.pop_if(|place| *place <= number).is_some() {}
                if let Some(place) = places.last() {
                    end = Some(*place);
                    break;
                }
            }
        }
        match end {
            Some(place) => {
                let last = runs.get(place).map_or(written.len(), |run| run.end);
                found.push(line.start + run.start..line.start + last);
                number = place + 1;
            }
            None => number += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        formulas(text).unwrap().into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn formulas_are_found_as_the_page_finds_them() {
        for (text, formulas) in [
            ("a $x$ b $$y$$ \\\\(z\\\\) \\\\[w\\\\]", &["$x$", "$$y$$", "\\\\(z\\\\)", "\\\\[w\\\\]"][..]),
            ("\\begin{align*}a\n&b\\end{align*} \\begin{x} no end", &["\\begin{align*}a\n&b\\end{align*}"]),
            ("`$a` and `$b` are variables", &[]),
            ("$a `$b` c$", &["$a `$b` c$"]),
            ("costs $5 and $6", &["$5 and $"]),
            ("$a\n\nb$ c", &[]),
            ("$\\text{a $b$ c}$", &["$\\text{a $b$ c}$"]),
            ("${ $ x\n\n$y$", &["${ $", "$y$"]),
            ("\\$5 $x\\$y$", &["$x\\$y$"]),
            ("```\n$a\n```\n$b$", &["$b$"]),
            ("~~~~\n$a\n~~~\n$b$", &["$b$"]),
            ("> ```\n> $a\n> ```\n> $", &["$a\n> ```\n> $"]),
            ("\\`a $b` c$", &["$b` c$"]),
            ("``a`b$ c` $x$", &["$ c` $"]),
        ] {
            assert_eq!(found(text), formulas, "{text}");
        }
    }

    #[test]
    fn what_takes_too_many_steps_is_not_found() {
        let text = "\\begin{a}{\\end{a}".repeat(20_000);
        assert!(formulas(&text).is_none_or(|found| found.len() < 20_000));
        for text in ["$".repeat(300_000), "```a\n".repeat(100_000), "~~~~a\n".repeat(100_000), "`".repeat(300_000)] {
            formulas(&text);
        }
        let runs: String = (1..700).map(|length| "`".repeat(length) + "a").collect();
        formulas(&runs);
    }
}
