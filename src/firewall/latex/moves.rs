//! How far formulas are moved from their places. Some macros take a length by which what follows is raised or drawn
//! back, others give what they show no size, so that it lies over what is beside it: a formula could cover the page and
//! look like a part of it. Honest ones straighten by little; what goes further is shown as text.

/// The farthest that the formulas of an output are moved, all together, in em: what CSS may as well (64 pixels).
const FARTHEST: f32 = 4.0;

/// How far a small negative space draws back, in em: the largest of them.
const SMALL: f32 = 0.28;

/// Macros that are moved by their first length, in either direction.
const EITHER_WAY: [&str; 5] = ["raise", "lower", "moveleft", "moveright", "raisebox"];

/// Macros that draw back by their first length, if that is negative.
const BACK: [&str; 9] = ["hspace", "hskip", "kern", "mkern", "mskip", "mspace", "vspace", "shoveleft", "shoveright"];

/// Macros that have several lengths, of which none is negative in honest formulas.
const SIZES: [&str; 3] = ["rule", "Rule", "Space"];

/// Macros that are moved by a number without a unit.
const NUMBERED: [&str; 4] = ["MoveEqLeft", "leftroot", "skew", "uproot"];

/// Small negative spaces.
const SMALL_SPACES: [&str; 3] = ["negthinspace", "negmedspace", "negthickspace"];

/// Macros whose argument takes no room, in one direction at least.
const LAPS: [&str; 17] = [
    "clap",
    "crampedclap",
    "crampedllap",
    "crampedrlap",
    "framebox",
    "llap",
    "makebox",
    "mathclap",
    "mathllap",
    "mathmakebox",
    "mathrlap",
    "rlap",
    "smash",
    "smashoperator",
    "textclap",
    "textllap",
    "textrlap",
];

/// The longest argument of one of those, in bytes: a sign, a word.
const LONGEST_LAP: usize = 80;

/// What in such an argument could make it larger than it looks.
const LARGE: [&str; 10] = ["\\\\", "\\begin", "rule", "Rule", "Space", "space", "skip", "kern", "raise", "lower"];

/// Units of lengths in em, as front-ends have them.
const UNITS: [(&str, f32); 9] = [
    ("em", 1.0),
    ("ex", 0.43),
    ("pt", 0.1),
    ("pc", 1.2),
    ("px", 1.0 / 16.0),
    ("in", 7.2),
    ("cm", 2.84),
    ("mm", 0.284),
    ("mu", 1.0 / 18.0),
];

/// So much is looked at for a macro's lengths, in bytes.
const WINDOW: usize = 128;

/// How far the formulas of an output have been moved so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moves {
    /// In em.
    far: f32,
}

impl Moves {
    /// Whether a macro with what follows it would go too far. In a text that gives macros other names it may be meant
    /// any number of times; in one without arguments what has no length to read is a mere word.
    pub fn refuse(&mut self, name: &str, after: &str, has_arguments: bool, renames: bool) -> bool {
        let after = after.get(..after.floor_char_boundary(WINDOW)).unwrap_or_default();
        if LAPS.contains(&name) {
            return has_arguments && !takes_little(after, renames);
        }
        if SMALL_SPACES.contains(&name) {
            return self.go(SMALL, false);
        }
        let known = [EITHER_WAY.as_slice(), &BACK, &SIZES, &NUMBERED].into_iter().any(|names| names.contains(&name));
        if !known {
            return false;
        }
        match distance(name, after) {
            Some(far) => far > 0.0 && self.go(far, renames),
            None => has_arguments,
        }
    }

    /// `\!`, and whether there are too many of them.
    pub fn small(&mut self) -> bool {
        self.go(SMALL, false)
    }

    /// Whether the space that a line break takes, after `\\`, draws back what follows.
    pub fn refuse_break(&mut self, after: &str) -> bool {
        let after = after.get(..after.floor_char_boundary(WINDOW)).unwrap_or_default();
        let Some(inside) = after.strip_prefix('*').unwrap_or(after).strip_prefix('[') else { return false };
        match length(inside) {
            Some(length) => length < 0.0 && self.go(-length, false),
            // Whatever it is, it is not to draw back.
            None => inside.split(']').next().is_some_and(|size| size.contains('-')),
        }
    }

    /// Goes on by so much; whether that is too far.
    fn go(&mut self, far: f32, any_number: bool) -> bool {
        let reached = self.far + far;
        let fine = reached <= FARTHEST && !any_number;
        if fine {
            self.far = reached;
        }
        !fine
    }
}

/// By how much a macro moves, in em; nothing if that cannot be read.
fn distance(name: &str, after: &str) -> Option<f32> {
    let first = after.trim_start_matches([' ', '*', '{', '[', '\n']);
    if NUMBERED.contains(&name) {
        return match name {
            // Of its own accord by two.
            "MoveEqLeft" if !after.starts_with('[') => Some(2.0),
            "MoveEqLeft" => number(first).map(|(number, _)| number.abs()),
            _ => number(first).map(|(number, _)| number.abs() / 18.0),
        };
    }
    if EITHER_WAY.contains(&name) {
        return length(first).map(f32::abs);
    }
    if BACK.contains(&name) {
        return length(first).map(|length| (-length).max(0.0));
    }
    // As many lengths as there are in brackets.
    let mut far = 0.0_f32;
    let mut rest = after;
    for _ in 0..3 {
        let Some(inside) = rest.trim_start_matches([' ', '\n']).strip_prefix(['{', '[']) else { break };
        far = far.max(-length(inside)?);
        rest = inside.split_once(['}', ']'])?.1;
    }
    Some(far)
}

/// A length in em; nothing if there is none, or one that is larger than any.
fn length(text: &str) -> Option<f32> {
    let (number, rest) = number(text)?;
    let rest = rest.trim_start_matches(' ');
    let (_, scale) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
    Some(number * scale)
}

/// The number that a text begins with, and what comes after it.
fn number(text: &str) -> Option<(f32, &str)> {
    let text = text.trim_start_matches(' ');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let length = digits.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')).count();
    let (digits, rest) = digits.split_at_checked(length)?;
    let number: f32 = digits.replace(',', ".").parse().ok()?;
    Some((if text.starts_with('-') { -number } else { number }, rest))
}

/// Whether an argument that takes no room is a small one.
fn takes_little(after: &str, renames: bool) -> bool {
    let mut after = after.trim_start();
    // Which side, or how wide and where: `\smash[b]{…}`, `\makebox[0pt][r]{…}`.
    for _ in 0..2 {
        if let Some((inside, rest)) = after.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            // Where it ends is not where it seems to.
            if inside.contains(['{', '}', '\\', '%']) {
                return false;
            }
            after = rest.trim_start();
        }
    }
    let Some(inside) = after.strip_prefix('{') else {
        // A single sign, or a macro that is one.
        let hidden = after.starts_with(['#', '%', '}', '[']) || (renames && after.starts_with('\\'));
        return !(after.is_empty() || hidden);
    };
    let mut open = 1_usize;
    let mut escaped = false;
    let end = inside.bytes().take(LONGEST_LAP).position(|byte| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match byte {
            b'\\' => escaped = true,
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        open == 0
    });
    let Some(argument) = end.and_then(|end| inside.get(..end)) else { return false };
    let hidden = argument.contains(['#', '%']) || (renames && argument.contains('\\'));
    !(hidden || LARGE.iter().any(|sign| argument.contains(sign)))
}

#[cfg(test)]
mod tests {
    use super::super::known::{Class, of};
    use super::super::{Removals, macros};
    use super::*;

    #[test]
    fn all_that_pages_know_to_move_is_limited() {
        let limited = [EITHER_WAY.as_slice(), &BACK, &SIZES, &NUMBERED, &SMALL_SPACES, &LAPS].concat();
        for name in of(Class::Moves) {
            assert!(limited.contains(&name), "{name}");
        }
    }

    fn checked(text: &str) -> String {
        let mut text = text.to_owned();
        macros(&mut text, false, &mut Removals::new());
        text
    }

    #[test]
    fn what_straightens_a_formula_stays() {
        for text in [
            r"\int\!\!\int f\,dx\hspace{1em}x\hspace{-0.5em}y \raise{.5ex}{x} \mkern-3mu \kern1in \hspace{900px}",
            r"\rule{2em}{1pt} \Rule{3em}{1em}{0em} \smash{b} \smash[b]{x_{ij}} \rlap{/}p \mathrlap{\,/}{=} \llap x",
            r"\begin{aligned}a\\[1em]b\\[-2pt]c\end{aligned} \raisebox{2pt}{x} \negthinspace x",
            r"\newcommand{\dd}{\!\mathrm{d}} \dd x",
            r"\lower.1ex{x} \skew{3}\hat{x} \sqrt[\leftroot{-2}\uproot{2}\beta]{k} \makebox[2em]{x}",
            r"C:\raise\kern is a path",
        ] {
            assert_eq!(checked(text), text);
        }
    }

    #[test]
    fn what_leaves_its_place_is_shown_as_text() {
        for (text, out) in [
            (r"\raise{600px}{x}", r"\text{600px}{x}"),
            (r"\lower 600px{x}", r"\text 600px{x}"),
            (r"\raise-9em{x}", r"\text-9em{x}"),
            (r"\hspace{-900px}{x}\hspace*{-60em}{x}", r"\text{-900px}{x}\text*{-60em}{x}"),
            (r"{\kern-60em x}\mkern-999mu x", r"{\text-60em x}\text-999mu x"),
            (r"\rule{-900px}{1px}\Rule{1px}{1px}{-99in}", r"\text{-900px}{1px}\text{1px}{1px}{-99in}"),
            (r"\llap{x\hspace{900px}}", r"\text{x\hspace{900px}}"),
            (r"\smash{\begin{array}{c}a\\b\end{array}}", r"\text{\begin{array}{c}a\\b\end{array}}"),
            (r"a\\[-90em]b", r"a\\{}[-90em]b"),
            (r"\hspace{-3em}\hspace{-3em}{}", r"\hspace{-3em}\text{-3em}{}"),
            (r"\def\a{\raise1em}\a{x}", r"\def\a{\text1em}\a{x}"),
            (r"\newcommand{\a}[1]{\raise#1}", r"\newcommand{\a}[1]{\text#1}"),
            (r"\let\a\raise \a900px{x}", r"\let\a\text \a900px{x}"),
            (r"\newcommand{\a}[1]{\llap{#1}}", r"\newcommand{\a}[1]{\text{#1}}"),
            (r"\MoveEqLeft[99]{x}\skew{999}\hat{x}", r"\text[99]{x}\text{999}\hat{x}"),
            (r"\sqrt[\leftroot{999}\uproot{-999} 3]{x}", r"\sqrt[\text{999}\text{-999} 3]{x}"),
            (r"\makebox[0pt][r]{\rule{9em}{9em}}", r"\text[0pt][r]{\rule{9em}{9em}}"),
            (r"\textllap{x\hspace{900px}}", r"\text{x\hspace{900px}}"),
            (r"\smash{\}\rule{60em}{60em}}", r"\text{\}\rule{60em}{60em}}"),
            ("\\smash\t{\\begin{array}{c}a\\end{array}}", "\\text\t{\\begin{array}{c}a\\end{array}}"),
            (r"\smash[{]}]{\begin{array}{c}a\end{array}}", r"\text[{]}]{\begin{array}{c}a\end{array}}"),
            (r"\def\a{\begin{array}{c}a\end{array}}\smash{\a}", r"\def\a{\begin{array}{c}a\end{array}}\text{\a}"),
            ("a\\\\[\n-90em]b", "a\\\\{}[\n-90em]b"),
            (r"a\\[-900bp]b", r"a\\{}[-900bp]b"),
            (r"\raise{\x}{y}", r"\text{\x}{y}"),
        ] {
            assert_eq!(checked(text), out);
            assert_eq!(checked(out), out);
        }
        let many = checked(&r"\!".repeat(1000));
        assert!(many.matches(r"\!").count() < 20);
    }
}
