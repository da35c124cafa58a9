//! What the cell's own source says of the thing at fault: its line, a URL, a command, a path. The source is the
//! user's text and as hostile as any: it is searched, never run, and only so far.

use super::text::{LINE_MAX, clean};

/// Bytes of source that are looked at.
const BYTES_MAX: usize = 256 << 10;

/// A cell's source, and the line that failed, if that is known.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    code: &'a str,
    line: Option<usize>,
}

impl<'a> Source<'a> {
    /// `line` counts from 1, as the guest said it; one that the cell has not is none.
    pub fn new(code: &'a str, line: Option<u64>) -> Self {
        let mut end = code.len().min(BYTES_MAX);
        while !code.is_char_boundary(end) {
            end -= 1;
        }
        let code = code.get(..end).unwrap_or_default();
        let line = line
            .and_then(|line| usize::try_from(line).ok())
            .filter(|line| *line > 0 && code.lines().nth(*line - 1).is_some());
        Self { code, line }
    }

    /// The failing line's number and text.
    pub fn line(self) -> Option<(usize, String)> {
        let number = self.line?;
        let text = clean(self.code.lines().nth(number.checked_sub(1)?)?, LINE_MAX);
        (!text.is_empty()).then_some((number, text))
    }

    /// The line where the fault is to be seen: the failing one if it has `word`, else the first that has it.
    pub fn line_with(self, word: &str) -> Option<String> {
        let line = self.lines().find(|line| line.contains(word))?;
        (line.chars().count() <= LINE_MAX).then(|| clean(line, LINE_MAX))
    }

    /// Whether `word` is anywhere in it.
    pub fn has(self, word: &str) -> bool {
        self.code.contains(word)
    }

    /// The first address of the network in it.
    pub fn url(self) -> Option<String> {
        self.literals()
            .find(|literal| ["http://", "https://", "ftp://"].iter().any(|scheme| literal.starts_with(scheme)))
    }

    /// The first text in quotes, of the failing line first, for which `wanted` holds.
    pub fn literal(self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.literals().find(|literal| wanted(literal))
    }

    /// The shell command that was to be run.
    pub fn command(self) -> Option<String> {
        const CALLS: [&str; 8] = [
            "subprocess.",
            "os.system(",
            "os.popen(",
            "Popen(",
            "check_output(",
            "check_call(",
            "getoutput(",
            "create_subprocess_",
        ];
        for line in self.lines() {
            let line = line.trim();
            let shell = line.strip_prefix('!').or_else(|| line.split_once("= !").map(|(_, command)| command));
            if let Some(command) = shell.or_else(|| line.strip_prefix("%%")).or_else(|| line.strip_prefix("%sx ")) {
                return Some(command.trim().to_owned());
            }
            if let Some(at) = CALLS.iter().filter_map(|call| Some(line.find(call)? + call.len())).min() {
                let rest = line.get(at..).unwrap_or_default();
                let words: Vec<&str> = if rest.contains("sys.executable") { vec!["python"] } else { Vec::new() };
                let words: Vec<&str> = words.into_iter().chain(quoted(rest)).take(16).collect();
                if !words.is_empty() {
                    return Some(words.join(" "));
                }
            }
        }
        None
    }

    /// The packages that `pip install` (or conda's) was to bring.
    pub fn wanted_packages(self) -> Vec<String> {
        let Some(rest) = self.lines().find_map(|line| Some(line.split_once("install")?.1)) else { return Vec::new() };
        // A word in its own quotes, as in a list of arguments; after an option that takes a value, the value is none.
        let mut found: Vec<String> = Vec::new();
        let mut skip = false;
        for word in rest.split([' ', ',', '\'', '"', '[', ']', '(', ')']).filter(|word| !word.is_empty()).take(32) {
            if std::mem::take(&mut skip) {
                continue;
            }
            if word.starts_with('-') {
                skip = matches!(word, "-c" | "-r" | "-i" | "-n" | "--channel" | "--index-url" | "--target" | "-t");
                continue;
            }
            let end = word.find(['=', '<', '>', '~', '!', ';', '{']).unwrap_or(word.len());
            let name = word.get(..end).unwrap_or_default();
            if !name.is_empty()
                && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'))
            {
                found.push(clean(name, 60));
            }
        }
        found
    }

    /// Lines, the failing one first.
    fn lines(self) -> impl Iterator<Item = &'a str> {
        let first = self.line.and_then(|line| self.code.lines().nth(line - 1));
        first.into_iter().chain(self.code.lines())
    }

    fn literals(self) -> impl Iterator<Item = String> {
        self.lines().flat_map(quoted).map(str::to_owned)
    }
}

/// What stands between quotes in one line. No parser: a text that holds quotes may come out in pieces.
fn quoted(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = if rest.get(start..=start) == Some("'") { '\'' } else { '"' };
        let after = rest.get(start + 1..).unwrap_or_default();
        let Some(end) = after.find(quote) else { break };
        if end > 0 {
            found.extend(after.get(..end));
        }
        rest = after.get(end + 1..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(code: &str) -> Source<'_> {
        Source::new(code, None)
    }

    #[test]
    fn commands_are_found_however_they_are_run() {
        for (code, command) in [
            ("!ls -la", "ls -la"),
            ("x = !ls *.csv", "ls *.csv"),
            ("%%bash\necho hello", "bash"),
            ("import subprocess\nsubprocess.run(['ls', '-la'])", "ls -la"),
            ("subprocess.check_output('git log', shell=True)", "git log"),
            ("os.system(\"mkdir x\")", "mkdir x"),
            ("subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'x'])", "python -m pip install x"),
        ] {
            assert_eq!(of(code).command().as_deref(), Some(command), "{code}");
        }
        assert_eq!(of("1 + 1").command(), None);
    }

    #[test]
    fn wanted_packages_are_names_only() {
        for (code, names) in [
            ("%pip install requests", vec!["requests"]),
            ("!pip install -q 'pandas>=2' matplotlib==3.1", vec!["pandas", "matplotlib"]),
            ("%conda install -c conda-forge numpy -y", vec!["numpy"]),
            ("subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'requests'])", vec!["requests"]),
            ("x = 1", vec![]),
        ] {
            assert_eq!(of(code).wanted_packages(), names, "{code}");
        }
    }

    #[test]
    fn the_failing_line_goes_first() {
        let code = "a = 'http://first'\nb = 'http://second'";
        assert_eq!(of(code).url().as_deref(), Some("http://first"));
        assert_eq!(Source::new(code, Some(2)).url().as_deref(), Some("http://second"));
        assert_eq!(Source::new(code, Some(2)).line(), Some((2, "b = 'http://second'".to_owned())));
        assert_eq!(Source::new(code, Some(3)).line(), None);
        assert_eq!(Source::new(code, Some(0)).line(), None);
        assert_eq!(Source::new(code, Some(u64::MAX)).line(), None);
    }

    proptest! {
        #[test]
        fn any_source_is_searched_without_harm(code in "(?s).{0,400}", line: Option<u64>) {
            let source = Source::new(&code, line);
            let _ = (source.line(), source.url(), source.command(), source.wanted_packages(), source.line_with("'"));
        }

        #[test]
        fn quotes_anywhere_do_no_harm(code in "['\"!%=\\[\\](a-c\u{e9}\n ]{0,200}") {
            let _ = (of(&code).command(), of(&code).url(), of(&code).wanted_packages());
        }
    }
}
