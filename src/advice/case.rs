//! One failed cell, read: the guest's facts taken apart and bounded, and what the blanks of the catalogue's
//! sentences are filled with.

use serde_json::Value;

use super::facts::ErrorFacts;
use super::fuel::suggested;
use super::nearest::nearest;
use super::packages::{Nature, Package, known};
use super::paths::{Place, inside, place};
use super::source::Source;
use super::template::Values;
use super::text::{LINE_MAX, NAME_MAX, clean, clean_name, grouped};

/// Types of an exception that are looked at.
const TYPES_MAX: usize = 64;
/// Modules that are looked at, of those that the guest says there are.
const MODULES_MAX: usize = 4096;
/// Bytes of one text of the guest's that are looked at.
const TEXT_MAX: usize = 4096;

/// A failed cell.
#[derive(Debug)]
pub struct Case<'a> {
    pub error: &'a ErrorFacts<'a>,
    /// Qualified names of the exception's class and its bases.
    pub types: Vec<&'a str>,
    /// What of the sandbox is the cause, as the bridge said it.
    pub reason: Option<&'a str>,
    /// The exception's `name`: a module, or an attribute.
    pub name: Option<&'a str>,
    pub errno: Option<i64>,
    /// The path at fault and where it leads.
    pub path: Option<(String, Place)>,
    pub source: Source<'a>,
    /// The modules that there are, as the guest said it with its facts.
    modules: Vec<&'a str>,
}

impl<'a> Case<'a> {
    /// Reads what is known.
    pub fn new(error: &'a ErrorFacts<'a>) -> Self {
        let facts = error.facts;
        let types = facts.get("types").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let types: Vec<&str> = types.iter().take(TYPES_MAX).filter_map(Value::as_str).collect();
        let source = Source::new(error.code, line(error));
        let errno = facts.get("errno").and_then(Value::as_i64);
        let path = path(error, source);
        let modules = facts.get("modules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let modules =
            modules.iter().take(MODULES_MAX).filter_map(Value::as_str).filter(|name| name.len() <= NAME_MAX).collect();
        Self { error, types, modules, reason: text(facts, "reason"), name: text(facts, "name"), errno, path, source }
    }

    /// The module that was not found, in full.
    pub fn missing(&self) -> Option<&'a str> {
        let import = self.types.contains(&"builtins.ModuleNotFoundError") || self.reason == Some("native");
        text(self.error.facts, "module").or(self.name.filter(|_| import)).or_else(|| self.tried())
    }

    /// Of several modules that a library tried in vain, one of which something is known.
    fn tried(&self) -> Option<&'a str> {
        let tried = self.error.facts.get("tried")?.as_array()?;
        let names = tried.iter().take(MODULES_MAX).filter_map(Value::as_str).filter(|name| name.len() <= NAME_MAX);
        names.into_iter().find(|name| known(name).is_some())
    }

    /// The module that was not found: the top level of the exception's name.
    pub fn module(&self) -> Option<&'a str> {
        self.missing()?.split('.').next().filter(|name| !name.is_empty())
    }

    /// What is known of that module.
    pub fn package(&self) -> Option<&'static Package> {
        known(self.missing()?).or_else(|| known(self.module()?))
    }

    /// Whether a module of that name is there, so that only a part of it is missing.
    pub fn is_installed(&self, module: &str) -> bool {
        self.installed().any(|known| known == module)
    }

    /// Whether a `raise` of the cell's own made the exception, so that nothing of the sandbox's need be behind it.
    pub fn is_own(&self) -> bool {
        self.error.facts.get("own").and_then(Value::as_bool) == Some(true)
    }

    /// The function at fault, as the bridge named it.
    pub fn function(&self) -> Option<&'a str> {
        text(self.error.facts, "function")
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.error.facts.get(name).and_then(Value::as_u64)
    }

    fn installed(&self) -> impl Iterator<Item = &'a str> {
        self.error.installed.iter().map(String::as_str).chain(self.modules.clone())
    }

    /// What the catalogue's sentences may say of this case.
    pub fn values(&self) -> Values {
        let mut values = Values::default();
        self.limits(&mut values);
        if let Some((line, source)) = self.source.line() {
            values.set("line", line.to_string());
            values.set("source", source.replace('`', "'"));
        } else if let (Some(line), Some(cell), Some(source)) =
            (self.number("line"), self.number("cell"), text(self.error.facts, "source"))
        {
            values.set("line", format!("{line} of cell {cell}"));
            values.set("source", clean(source, LINE_MAX).replace('`', "'"));
        }
        if let Some((path, _)) = &self.path {
            self.paths(path, &mut values);
        }
        self.modules(&mut values);
        self.calls(&mut values);
        values
    }

    fn limits(&self, values: &mut Values) {
        let (error, limits) = (self.error, &self.error.limits);
        values.set("fuel_used", grouped(error.fuel_consumed));
        values.set("fuel_suggested", grouped(suggested(error.fuel_consumed, 2, 1)).replace(',', "_"));
        for (name, limit) in [
            ("fuel_limit", limits.fuel),
            ("memory_limit", limits.memory),
            ("stdout_limit", limits.stdout.filter(|_| error.truncated.0)),
            ("stderr_limit", limits.stderr.filter(|_| error.truncated.1)),
            ("display_limit", limits.display),
            ("message_limit", limits.message),
            ("open_files_limit", limits.open_files),
            ("workspace_bytes_limit", limits.workspace_bytes),
            ("workspace_files_limit", limits.workspace_files),
        ] {
            values.set_some(name, limit.map(grouped));
        }
        self.depth(values);
        values.set_some("seconds_limit", limits.seconds.map(|seconds| format!("{seconds}")));
        #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
        values.set("seconds_used", format!("{:.1}", error.duration_ms as f64 / 1000.0));
        values.set_some("exit_code", error.exit_code.map(|code| code.to_string()));
    }

    /// The limit of the recursion, which a cell may have changed.
    fn depth(&self, values: &mut Values) {
        let first = self.error.limits.recursion;
        match self.number("recursion_limit").filter(|own| Some(*own) != first) {
            Some(own) => {
                values.set("own_recursion_limit", grouped(own));
                if let Some(first) = first.filter(|first| *first > own) {
                    values.set("first_recursion_limit", grouped(first));
                    values.set("first_recursion_limit_plain", first.to_string());
                }
            }
            None => {
                values.set_some("recursion_limit", first.map(grouped));
                values.set_some(
                    "recursion_suggested",
                    first.map(|limit| limit.saturating_mul(5).min(20_000).to_string()),
                );
            }
        }
    }

    fn paths(&self, path: &str, values: &mut Values) {
        values.set("path", clean_name(path));
        values.set("path_literal", literal(path));
        let Some(inside) = inside(path) else { return };
        values.set("inside", clean_name(&inside));
        values.set("inside_literal", literal(&inside));
        if let Some(line) = self.source.line_with(path).filter(|_| path.len() > 1) {
            values.set("line_fixed", clean(&line.replace(path, &inside), LINE_MAX));
            values.set("line_at_fault", line);
        }
    }

    fn modules(&self, values: &mut Values) {
        let wanted = if self.reason == Some("packages") || self.reason == Some("subprocess") {
            self.source.wanted_packages()
        } else {
            Vec::new()
        };
        // Of several, what the bridge says is missing.
        let named = self.name.filter(|_| self.reason == Some("packages")).map(|name| clean(name, 60));
        if let Some(first) = named.as_ref().or(wanted.first()) {
            let module = known(first).map_or(first.as_str(), |known| {
                if known.nature == Nature::Renamed { known.instead } else { known.module }
            });
            let module = module.replace('-', "_");
            let native = known(first).filter(|known| known.nature == Nature::Native);
            if self.is_installed(&module) {
                values.set("wanted_there", module);
            } else if let Some(native) = native {
                values.set("wanted_native", first.as_str());
                values.set_some("wanted_instead", Some(native.instead).filter(|instead| !instead.is_empty()));
            } else {
                values.set("wanted_missing", first.as_str());
            }
        }
        let package = self.package();
        let Some(module) = self.module() else { return };
        values.set("module", clean_name(self.missing().unwrap_or(module)));
        let top = clean_name(module);
        if let Some(package) = package {
            values.set("package", package.package);
            values.set("requirements", package.requirements());
            let there = package.nature == Nature::Renamed;
            if !package.instead.is_empty() {
                values.set(if there { "renamed" } else { "instead" }, package.instead);
            }
            if !package.example.is_empty() {
                values.set("instead_line", package.example);
                values.set("import_line", self.import_line(module).unwrap_or_else(|| format!("import {top}")));
            }
            return;
        }
        values.set("package", top.as_str());
        values.set("requirements", top.as_str());
        if let Some(meant) = nearest(module, self.installed()).map(clean_name) {
            values.set("nearest", meant.as_str());
            let line = self.import_line(module).unwrap_or_else(|| format!("import {top}"));
            values.set("nearest_line", line.replacen(module, &meant, 1));
            values.set("import_line", line);
        } else {
            values.set("unheard_of", top);
        }
    }

    /// The cell's own line that imports `module`.
    fn import_line(&self, module: &str) -> Option<String> {
        [format!("import {module}"), format!("from {module}")].iter().find_map(|words| self.source.line_with(words))
    }

    fn calls(&self, values: &mut Values) {
        match self.reason {
            Some("network") => self.address(values),
            Some("subprocess") => self.command(values),
            Some("picture") => {
                values.set_some("format", self.name.map(clean_name));
                self.picture(values);
            }
            Some("tool") => values.set_some("tool", self.name.map(clean_name)),
            _ => {}
        }
        if let Some(function) = self.function() {
            function_values(function, values);
        }
    }

    fn address(&self, values: &mut Values) {
        let Some(url) = self.source.url() else { return };
        values.set("url", clean_name(&url));
        let name = url
            .split(['?', '#'])
            .next()
            .and_then(|address| address.rsplit('/').next())
            .filter(|name| name.contains('.'));
        let reads = ["read_csv", "read_excel", "read_json", "read_table"].iter().any(|call| self.source.has(call));
        if let (Some(name), Some(line), true) = (name, self.source.line_with(&url), reads) {
            values.set("line_fixed", clean(&line.replace(&url, &format!("/data/{name}")), LINE_MAX));
            values.set("line_at_fault", line);
        }
    }

    /// The cell's own line that saves a picture, and the same for PNG.
    fn picture(&self, values: &mut Values) {
        const ENDS: [&str; 9] = [".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".jp2", ".j2k", ".jpx"];
        let lower = |text: &str| text.to_ascii_lowercase();
        let named = self.source.literal(|text| ENDS.iter().any(|end| lower(text).ends_with(end)));
        let Some(name) = named.filter(|name| name.len() <= NAME_MAX) else { return };
        let Some(line) = self.source.line_with(&name).filter(|line| line.contains("save")) else { return };
        let Some((stem, _)) = name.rsplit_once('.') else { return };
        values.set("picture_fixed", clean(&line.replace(&name, &format!("{stem}.png")), LINE_MAX));
        values.set("picture_line", line);
    }

    fn command(&self, values: &mut Values) {
        if self.function().is_some() {
            return;
        }
        let Some(command) = self.source.command() else { return };
        let program = command.split_whitespace().next().unwrap_or_default();
        values.set("command", clean_name(&command));
        let magic = self.source.has(&format!("%%{program}"));
        if let Some(found) = super::catalogue::COMMANDS.iter().find(|(name, _)| !magic && *name == program) {
            values.set("command_line", self.source.line_with(program).unwrap_or_else(|| clean(&command, LINE_MAX)));
            values.set("command_instead", found.1);
        }
    }
}

/// What is said of a function that is not there.
fn function_values(function: &str, values: &mut Values) {
    values.set("function", clean_name(function));
    let known = super::catalogue::FUNCTIONS.iter().find(|known| known.name == function);
    let Some(known) = known else { return };
    values.set("function_instead", known.instead);
    if !known.before.is_empty() {
        values.set("function_before", known.before);
        values.set("function_after", known.after);
    }
}

/// The failing line's number, if it is one of this cell's: a function that fails may be of an earlier one.
fn line(error: &ErrorFacts<'_>) -> Option<u64> {
    let line = error.facts.get("line").and_then(Value::as_u64)?;
    let Some(source) = text(error.facts, "source") else { return Some(line) };
    let own = error.code.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    (own.trim() == source.trim()).then_some(line)
}

/// A text of the facts, if it is of a length that anything honest has.
fn text<'a>(facts: &'a Value, name: &str) -> Option<&'a str> {
    facts.get(name).and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= TEXT_MAX)
}

/// The path at fault: of two, the one that leads where it may not. Of an error about a file that carries none, such
/// as pandas raises before it opens anything, and sqlite, the one that the cell itself spells out.
fn path(error: &ErrorFacts<'_>, source: Source<'_>) -> Option<(String, Place)> {
    let placed = |path: &str| (path.to_owned(), place(path, error.mounts));
    let given: Vec<_> =
        ["filename", "filename2"].iter().filter_map(|name| text(error.facts, name)).map(placed).collect();
    if let Some(found) = given.iter().find(|(_, place)| *place != Place::Writable).or_else(|| given.first()) {
        return Some(found.clone());
    }
    let bare = error.facts.get("unnamed_file").and_then(Value::as_bool) == Some(true);
    let looks = |text: &str| {
        text.starts_with(['/', '~']) || text.contains(":\\") || text.contains(":/") || text.starts_with("../")
    };
    let spelled =
        source.literal(|text| looks(text) && !text.contains("://") && place(text, error.mounts) != Place::Writable);
    spelled.filter(|_| bare).map(|path| placed(&path))
}

/// A path between quotes, as Python source.
fn literal(path: &str) -> String {
    format!("\"{}\"", clean(path, NAME_MAX).replace('\\', "\\\\").replace('"', "\\\""))
}
