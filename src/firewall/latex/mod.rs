//! LaTeX as pages typeset it: of the macros that they know, those stay that only show something; what makes links, loads files
//! or sets attributes is shown as text instead. Names are always written out in full where a macro is used or renamed, so it is enough to look for them.

mod known;
mod moves;

use super::removals::{Kind, Removals};
use super::url::{Place, Verdict, judge};
use known::Class;
pub use moves::Moves;

/// What TeX itself has for files, for names that are not written out, and for what is not on the page. Pages do not know
/// these; whoever prints a notebook does.
const TEX_REFUSED: [&str; 38] = [
    "InputIfFileExists",
    "RequirePackage",
    "ShellEscape",
    "VerbatimInput",
    "catcode",
    "csname",
    "directlua",
    "documentclass",
    "filecontents",
    "immediate",
    "import",
    "include",
    "includefrom",
    "includeonly",
    "includepdf",
    "input",
    "inputfrom",
    "inputminted",
    "latelua",
    "loop",
    "lstinputlisting",
    "luaexec",
    "makeatletter",
    "makeatother",
    "openin",
    "openout",
    "pdffiledump",
    "pdfobj",
    "pdfximage",
    "pgfimage",
    "read",
    "readline",
    "scantokens",
    "special",
    "subfile",
    "subimport",
    "usepackage",
    "verbatiminput",
];

/// The beginnings of those that write.
const TEX_WRITES: [&str; 1] = ["write"];

/// The beginnings of macros that give macros other names.
const RENAMING: [&str; 9] =
    ["\\let", "\\def", "\\gdef", "\\edef", "\\xdef", "\\global", "\\futurelet", "\\new", "\\renew"];

/// Replaces unsafe macros by `\text`, so that what they were given is seen. `part` says that the text goes on
/// before or after, so that what a macro is given may be there.
pub fn macros(text: &mut String, part: bool, removed: &mut Removals) {
    macros_after(text, part, &mut Moves::default(), removed);
}

/// The same for what is LaTeX and nothing else: a formula, or a document that is printed. TeX reads `^^74` there as `t`, also
/// within a name, and `^^5c` as a backslash; in a text that has formulas in it, such signs point at something.
pub fn formula(text: &mut String, moves: &mut Moves, removed: &mut Removals) {
    while text.contains("^^") {
        *text = text.replace("^^", "^{}^");
        removed.add(Kind::Macro);
    }
    macros_after(text, false, moves, removed);
}

/// As [`macros`], for one of several texts of an output, which move what they show together.
pub fn macros_after(text: &mut String, part: bool, moves: &mut Moves, removed: &mut Removals) {
    if !text.contains('\\') {
        return;
    }
    let renames = RENAMING.iter().any(|name| text.contains(name));
    let has_arguments = part || renames || text.contains('{');
    let mut out = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        let rest = text.get(start + 1..).unwrap_or_default();
        // `\\` is a line break: what follows it is no name.
        if let Some(rest) = rest.strip_prefix('\\') {
            at = start + 2;
            if moves.refuse_break(rest) {
                out.push_str(text.get(done..at).unwrap_or_default());
                out.push_str("{}");
                done = at;
                removed.add(Kind::Macro);
            }
            continue;
        }
        if rest.starts_with('!') {
            at = start + 2;
            if moves.small() {
                out.push_str(text.get(done..start).unwrap_or_default());
                done = at;
                removed.add(Kind::Macro);
            }
            continue;
        }
        let length = rest.bytes().position(|byte| !(byte.is_ascii_alphabetic() || byte == b'@')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        at = start + 1 + length;
        if is_unsafe(name, after, has_arguments) || moves.refuse(name, after, has_arguments, renames) {
            out.push_str(text.get(done..start).unwrap_or_default());
            out.push_str("\\text");
            done = at;
            removed.add(Kind::Macro);
        }
    }
    if done > 0 {
        out.push_str(text.get(done..).unwrap_or_default());
        *text = out;
    }
}

/// Whether a macro with what follows it must go. Where there is nothing to give it an argument and nothing to rename
/// it, it is a word in a path (`C:\data`), or does nothing.
fn is_unsafe(name: &str, after: &str, has_arguments: bool) -> bool {
    // Names of TeX's own: `\@@input`.
    if has_arguments && name.len() > 1 && name.starts_with('@') {
        return true;
    }
    // Where `@` is no letter, `\href@` is `\href`.
    let name = name.split('@').next().unwrap_or_default();
    // LaTeX runs the macro that an environment is called by.
    if name == "begin" && environment(after).is_some_and(is_refused_environment) {
        return true;
    }
    match known::class(name) {
        Some(Class::Box) => !box_is_plain(after),
        Some(Class::Links) => has_arguments && !leads_to_a_page(after),
        Some(Class::Refused) => has_arguments,
        // How far they go is looked at next.
        Some(Class::Plain | Class::Moves) => false,
        None => {
            has_arguments && (TEX_REFUSED.contains(&name) || TEX_WRITES.iter().any(|begin| name.starts_with(begin)))
        }
    }
}

/// The longest address or style that a macro is given, in bytes, and the most space before it.
const MAX_ARGUMENT: usize = 2048;

/// So much of a text as an argument is looked for in.
fn window(after: &str) -> &str {
    after.get(..after.floor_char_boundary(MAX_ARGUMENT)).unwrap_or_default()
}

/// The name in brackets after `\begin`.
fn environment(after: &str) -> Option<&str> {
    Some(window(after).trim_start().strip_prefix('{')?.split_once('}')?.0.trim())
}

fn is_refused_environment(name: &str) -> bool {
    let plain = name.trim_end_matches('*');
    TEX_REFUSED.contains(&plain)
        || TEX_WRITES.iter().any(|begin| plain.starts_with(begin))
        || matches!(known::class(plain), Some(Class::Refused | Class::Links))
        || name.contains(['\\', '^', '@'])
}

/// Whether the argument is a plain address of a page, without macros or parameters that could become anything.
fn leads_to_a_page(after: &str) -> bool {
    let argument = window(after).trim_start_matches(' ').strip_prefix('{');
    let Some((url, _)) = argument.and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    let absolute = url.starts_with("http://") || url.starts_with("https://") || url.starts_with("mailto:");
    absolute && !url.contains(['\\', '{', '$', '^']) && judge(url, Place::Link) == Verdict::Fine
}

/// `\bbox[…]` takes CSS as well as colours and lengths.
fn box_is_plain(after: &str) -> bool {
    let after = window(after).trim_start();
    match after.strip_prefix('[') {
        // Nothing but space, so far.
        None => !after.is_empty() || after.len() == after.trim_start().len(),
        Some(rest) => rest.split_once(']').is_some_and(|(inside, _)| !inside.contains([':', '(', '\\', ';'])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> String {
        let mut text = text.to_string();
        macros(&mut text, false, &mut Removals::new());
        text
    }

    #[test]
    fn mathematics_stays() {
        for text in [
            r"$\displaystyle \int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2}$",
            r"\begin{bmatrix}1 & 2\\ 3 & 4\end{bmatrix} \\href is a line break and a word",
            r"\href{https://example.org/a_b}{x} \url{mailto:a@b} \bbox[5px,yellow]{x} \hrefx \classy",
            r"\N{DIGIT ONE} and \d{3}-\w+, \toprule{}",
            r"C:\data files and D:\class\input",
        ] {
            assert_eq!(checked(text), text);
        }
    }

    #[test]
    fn in_a_formula_no_character_is_written_by_its_number() {
        for (text, out) in [
            (r"\inpu^^74{/etc/passwd}", r"\inpu^{}^74{/etc/passwd}"),
            (r"^^5cinput{/etc/passwd}", r"^{}^5cinput{/etc/passwd}"),
            (r"^^^^005cinput{x}", r"^{}^{}^{}^005cinput{x}"),
        ] {
            let mut formula = text.to_owned();
            super::formula(&mut formula, &mut Moves::default(), &mut Removals::new());
            assert_eq!(formula, out);
        }
        // Python marks the place of an error so.
        let traceback = r"C:\dir\x.py {x}: ^^^^^^";
        assert_eq!(checked(traceback), traceback);
    }

    #[test]
    fn what_leads_elsewhere_is_shown_as_text() {
        for (text, out) in [
            (r"\href{javascript:alert(1)}{x}", r"\text{javascript:alert(1)}{x}"),
            (r"\href {javascript:x}{y}", r"\text {javascript:x}{y}"),
            ("\\href%\n{javascript:x}{y}", "\\text%\n{javascript:x}{y}"),
            (r"\href{http://a\x}{y}", r"\text{http://a\x}{y}"),
            (r"\let\a\href \a{javascript:x}", r"\let\a\text \a{javascript:x}"),
            (r"\newcommand{\a}[1]{\href{#1}{y}}", r"\newcommand{\a}[1]{\text{#1}{y}}"),
            (r"\let\q=\style x", r"\let\q=\text x"),
            (r"\url{data:text/html,x}", r"\text{data:text/html,x}"),
            (r"\includegraphics[width=1em]{http://evil/x.png}", r"\text[width=1em]{http://evil/x.png}"),
            (
                r"\htmlData{a=b}{x}\class{y}{z}\style{a:b}{c}\cssId{d}{e}",
                r"\text{a=b}{x}\text{y}{z}\text{a:b}{c}\text{d}{e}",
            ),
            (
                r"\unicode[font]{x41}\require{html}\mmlToken{mi}[href=x]{y}",
                r"\text[font]{x41}\text{html}\text{mi}[href=x]{y}",
            ),
            (r"\bbox[border:1px; background:url(x)]{y}", r"\text[border:1px; background:url(x)]{y}"),
            (
                r"\setOptions{tags=all}\mathtip{x}{y}\toggle{x}{y}\endtoggle",
                r"\text{tags=all}\text{x}{y}\text{x}{y}\endtoggle",
            ),
            (r"\input{/etc/passwd}\write18{id}", r"\text{/etc/passwd}\text18{id}"),
            (r"\makeatletter\@@input{/etc/passwd}\@nameuse{input}", r"\text\text{/etc/passwd}\text{input}"),
            (r"\begin{input}{/etc/passwd}\end{input}", r"\text{input}{/etc/passwd}\end{input}"),
            (r"\begin{filecontents*}{x.py}y\end{filecontents*}", r"\text{filecontents*}{x.py}y\end{filecontents*}"),
            (r"\href@{javascript:x}", r"\text{javascript:x}"),
        ] {
            assert_eq!(checked(text), out);
        }
    }
}
