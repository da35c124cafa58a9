//! A notebook file: read, checked, and written back with what we do not know left as it was.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The form that is written: the first one in which every cell has an id.
const NBFORMAT: u64 = 4;
const NBFORMAT_MINOR: u64 = 5;

/// A notebook of format 4. All cells are objects with `cell_type` and `source`: [`Notebook::parse`] has
/// made sure of it.
#[derive(Debug)]
pub(super) struct Notebook {
    root: Map<String, Value>,
    cells: Vec<Map<String, Value>>,
}

/// What a cell to be executed looks like to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CodeCell {
    /// Its place among all cells, from 0.
    pub index: usize,
    pub id: String,
    pub source: String,
    /// Tagged `raises-exception`: it may fail.
    pub may_raise: bool,
}

impl Notebook {
    /// Reads and checks a file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let root: Value = serde_json::from_slice(text).map_err(|error| anyhow!("not a notebook: {error}"))?;
        let Value::Object(mut root) = root else { bail!("not a notebook: it is no JSON object") };
        match root.get("nbformat").and_then(Value::as_u64) {
            Some(NBFORMAT) => {}
            Some(other) => bail!(
                "a notebook of format {other}; only format 4 can be run. Open and save it in Jupyter, or convert it \
                 with `jupyter nbconvert --to notebook --nbformat 4`"
            ),
            None => bail!("not a notebook: it has no `nbformat`"),
        }
        let Some(Value::Array(values)) = root.get_mut("cells").map(Value::take) else {
            bail!("a broken notebook: it has no list of `cells`");
        };
        let mut cells = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let broken = || format!("a broken notebook: cell {} has no", index + 1);
            let Value::Object(cell) = value else { bail!("a broken notebook: cell {} is no object", index + 1) };
            cell.get("cell_type").and_then(Value::as_str).with_context(|| format!("{} `cell_type`", broken()))?;
            cell.get("source").and_then(text_of).with_context(|| format!("{} `source`", broken()))?;
            cells.push(cell);
        }
        Ok(Self { root, cells })
    }

    /// How many cells there are, of any kind.
    pub(super) fn cell_count(&self) -> usize {
        self.cells.len()
    }

    /// The cells to execute: code that is not blank and not tagged `skip-execution`.
    pub(super) fn code_cells(&self) -> impl Iterator<Item = CodeCell> {
        self.cells.iter().enumerate().filter_map(|(index, cell)| {
            let source = cell.get("source").and_then(text_of)?;
            let is_code = cell.get("cell_type").and_then(Value::as_str) == Some("code");
            let wanted = is_code && !source.trim().is_empty() && !has_tag(cell, "skip-execution");
            let id = cell.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            wanted.then(|| CodeCell { index, id, source, may_raise: has_tag(cell, "raises-exception") })
        })
    }

    /// Replaces a cell's outputs and count.
    pub(super) fn set_outputs(&mut self, index: usize, count: Option<u32>, outputs: Vec<Value>) {
        let Some(cell) = self.cells.get_mut(index) else { return };
        cell.insert("execution_count".to_owned(), count.map_or(Value::Null, Value::from));
        cell.insert("outputs".to_owned(), Value::Array(outputs));
    }

    /// Puts the widgets' states where nbformat keeps them.
    pub(super) fn set_widgets(&mut self, state: Value) {
        if let Value::Object(metadata) = self.root.entry("metadata").or_insert_with(|| json!({})) {
            metadata.insert("widgets".to_owned(), json!({ "application/vnd.jupyter.widget-state+json": state }));
        }
    }

    /// Raises the format to 4.5, where every cell has an id of its own, and fills in what it demands.
    fn complete(&mut self) {
        let minor = self.root.get("nbformat_minor").and_then(Value::as_u64).unwrap_or(0);
        self.root.insert("nbformat_minor".to_owned(), minor.max(NBFORMAT_MINOR).into());
        if !matches!(self.root.get("metadata"), Some(Value::Object(_))) {
            self.root.insert("metadata".to_owned(), json!({}));
        }
        let mut seen = HashSet::new();
        for cell in &mut self.cells {
            let id = cell.get("id").and_then(Value::as_str).filter(|id| is_cell_id(id)).map(str::to_owned);
            let id = id.filter(|id| !seen.contains(id)).unwrap_or_else(new_cell_id);
            cell.insert("id".to_owned(), id.clone().into());
            seen.insert(id);
            if !matches!(cell.get("metadata"), Some(Value::Object(_))) {
                cell.insert("metadata".to_owned(), json!({}));
            }
            if cell.get("cell_type").and_then(Value::as_str) == Some("code") {
                cell.entry("execution_count").or_insert(Value::Null);
                cell.entry("outputs").or_insert_with(|| json!([]));
            }
        }
    }

    /// The notebook as text, in the form in which Jupyter writes it.
    pub(super) fn text(&mut self) -> anyhow::Result<Vec<u8>> {
        self.complete();
        let cells = self.cells.iter().cloned().map(Value::Object).collect();
        // At the place where it was: `take` left a null there.
        self.root.insert("cells".to_owned(), Value::Array(cells));
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        self.root.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))?;
        self.root.insert("cells".to_owned(), Value::Null);
        text.push(b'\n');
        Ok(text)
    }

    /// Writes the notebook: whole or not at all. `-` is stdout.
    pub(super) fn write(&mut self, path: &Path) -> anyhow::Result<()> {
        let text = self.text()?;
        if path == Path::new("-") {
            std::io::stdout().write_all(&text)?;
            return Ok(());
        }
        // Through a link, to the file that it means.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let cannot = || format!("cannot write {}", path.display());
        let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".cellblock-").tempfile_in(dir).with_context(cannot)?;
        file.write_all(&text).with_context(cannot)?;
        file.as_file().set_permissions(permissions(&target)).with_context(cannot)?;
        file.as_file().sync_all().with_context(cannot)?;
        file.persist(&target).with_context(cannot)?;
        Ok(())
    }
}

/// Whether a notebook can be written to `path`, asked before its cells run for hours.
pub(super) fn can_be_written(path: &Path) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return Ok(());
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if target.is_dir() {
        bail!("{} is a directory", path.display());
    }
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    tempfile::tempfile_in(dir).map(drop).with_context(|| format!("cannot write {}", path.display()))
}

/// Those of the file that is replaced, or what a new file would have.
fn permissions(target: &Path) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(target).map_or_else(|_| fs::Permissions::from_mode(0o644), |metadata| metadata.permissions())
}

/// Notebook text: a string or a list of strings.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => lines.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn has_tag(cell: &Map<String, Value>, tag: &str) -> bool {
    let tags = cell.get("metadata").and_then(|metadata| metadata.get("tags")).and_then(Value::as_array);
    tags.is_some_and(|tags| tags.iter().any(|known| known == tag))
}

fn is_cell_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn new_cell_id() -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    id.truncate(8);
    id
}

#[cfg(test)]
#[path = "notebook_tests.rs"]
mod tests;
