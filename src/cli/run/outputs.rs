//! Turns a session's events into the outputs of a notebook's cells, by nbclient's rules: adjacent text of
//! one stream is one output, `clear_output(wait=True)` waits for the next output, and an update of a
//! display reaches every place where it is shown, in earlier cells too.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::session::{Event, Failure};

/// The outputs of all cells that have been executed so far, by the cell's index.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    cells: BTreeMap<usize, CellOutputs>,
}

#[derive(Debug, Default)]
struct CellOutputs {
    outputs: Vec<Output>,
    /// `clear_output(wait=True)` was asked and nothing has come since.
    clear_on_next: bool,
}

/// One output, with the display id under which it can be updated.
#[derive(Debug)]
struct Output {
    content: Content,
    display_id: Option<String>,
}

#[derive(Debug)]
enum Content {
    Stream { name: &'static str, text: String },
    Display { data: Map<String, Value>, metadata: Map<String, Value> },
    Result { data: Map<String, Value>, metadata: Map<String, Value>, count: u32 },
    Error { ename: String, evalue: String, traceback: Vec<String> },
}

impl Outputs {
    /// Begins a cell: it has no outputs yet.
    pub(super) fn begin(&mut self, cell: usize) {
        self.cells.insert(cell, CellOutputs::default());
    }

    /// Takes one event of the cell that runs, whose number is `count`. Events that are no outputs do nothing.
    pub(super) fn take(&mut self, cell: usize, count: u32, event: Event) {
        match event {
            Event::Stream { name, text } => self.add_text(cell, name.as_str(), text),
            Event::Display { data, metadata, transient, update } => {
                let display_id = transient.get("display_id").and_then(Value::as_str).map(str::to_owned);
                if let Some(id) = &display_id {
                    self.update(id, &data, &metadata);
                }
                if !update {
                    self.add(cell, Output { content: Content::Display { data, metadata }, display_id });
                }
            }
            Event::Result { data, metadata } => {
                self.add(cell, Output { content: Content::Result { data, metadata, count }, display_id: None });
            }
            Event::Error(Failure { name, text, traceback }) => {
                let content = Content::Error { ename: name, evalue: text, traceback };
                self.add(cell, Output { content, display_id: None });
            }
            Event::ClearOutput { wait } => {
                let cell = self.cells.entry(cell).or_default();
                cell.clear_on_next = wait;
                if !wait {
                    cell.outputs.clear();
                }
            }
            Event::Comm { .. } | Event::Input { .. } | Event::Serving { .. } | Event::Done(_) => {}
        }
    }

    /// All cells with their outputs as nbformat has them.
    pub(super) fn into_nbformat(self) -> impl Iterator<Item = (usize, Vec<Value>)> {
        self.cells
            .into_iter()
            .map(|(index, cell)| (index, cell.outputs.into_iter().map(Output::into_nbformat).collect()))
    }

    fn add(&mut self, cell: usize, output: Output) {
        self.cells.entry(cell).or_default().ready().push(output);
    }

    fn add_text(&mut self, cell: usize, stream: &'static str, text: String) {
        let outputs = self.cells.entry(cell).or_default().ready();
        match outputs.last_mut().map(|last| &mut last.content) {
            Some(Content::Stream { name, text: before }) if *name == stream => before.push_str(&text),
            _ => outputs.push(Output { content: Content::Stream { name: stream, text }, display_id: None }),
        }
    }

    fn update(&mut self, id: &str, new_data: &Map<String, Value>, new_metadata: &Map<String, Value>) {
        for output in self.cells.values_mut().flat_map(|cell| &mut cell.outputs) {
            if output.display_id.as_deref() != Some(id) {
                continue;
            }
            if let Content::Display { data, metadata } = &mut output.content {
                data.clone_from(new_data);
                metadata.clone_from(new_metadata);
            }
        }
    }
}

impl CellOutputs {
    /// The outputs, cleared first if that was waiting for the next output.
    fn ready(&mut self) -> &mut Vec<Output> {
        if std::mem::take(&mut self.clear_on_next) {
            self.outputs.clear();
        }
        &mut self.outputs
    }
}

impl Output {
    fn into_nbformat(self) -> Value {
        match self.content {
            Content::Stream { name, text } => json!({ "output_type": "stream", "name": name, "text": lines(&text) }),
            Content::Display { data, metadata } => {
                json!({ "output_type": "display_data", "data": bundle(data), "metadata": metadata })
            }
            Content::Result { data, metadata, count } => json!({
                "output_type": "execute_result", "execution_count": count, "data": bundle(data), "metadata": metadata,
            }),
            Content::Error { ename, evalue, traceback } => {
                json!({ "output_type": "error", "ename": ename, "evalue": evalue, "traceback": traceback })
            }
        }
    }
}

/// Text in lists of lines, as Jupyter writes it, so that differences between notebooks can be read.
fn bundle(data: Map<String, Value>) -> Map<String, Value> {
    let is_text = |mime: &str| mime.starts_with("text/") || matches!(mime, "application/javascript" | "image/svg+xml");
    data.into_iter()
        .map(|(mime, value)| match value {
            Value::String(text) if is_text(&mime) => (mime, lines(&text)),
            other => (mime, other),
        })
        .collect()
}

fn lines(text: &str) -> Value {
    text.split_inclusive('\n').map(Value::from).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::StreamName;

    fn text(name: StreamName, text: &str) -> Event {
        Event::Stream { name, text: text.to_owned() }
    }

    fn display(value: &str, id: Option<&str>, update: bool) -> Event {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let transient = id.map_or_else(Map::new, |id| map(json!({ "display_id": id })));
        Event::Display { data: map(json!({ "text/plain": value })), metadata: Map::new(), transient, update }
    }

    fn shown(outputs: Outputs) -> Vec<(usize, Vec<String>)> {
        let short = |output: Value| match output["output_type"].as_str().unwrap() {
            "stream" => format!("{}:{}", output["name"].as_str().unwrap(), output["text"]),
            "display_data" => format!("shows {}", output["data"]["text/plain"][0].as_str().unwrap()),
            other => other.to_owned(),
        };
        outputs.into_nbformat().map(|(cell, all)| (cell, all.into_iter().map(short).collect())).collect()
    }

    fn after(events: Vec<Event>) -> Vec<String> {
        let mut outputs = Outputs::default();
        outputs.begin(0);
        for event in events {
            outputs.take(0, 1, event);
        }
        shown(outputs).remove(0).1
    }

    #[test]
    fn adjacent_text_of_one_stream_is_one_output() {
        use StreamName::{Stderr, Stdout};
        let events = vec![text(Stdout, "a\nb"), text(Stdout, "c\n"), text(Stderr, "d"), text(Stdout, "e")];
        assert_eq!(after(events), [r#"stdout:["a\n","bc\n"]"#, r#"stderr:["d"]"#, r#"stdout:["e"]"#]);
    }

    #[test]
    fn clear_output_clears_at_once_or_on_the_next_output() {
        let (a, b) = (text(StreamName::Stdout, "a"), text(StreamName::Stdout, "b"));
        assert!(after(vec![text(StreamName::Stdout, "a"), Event::ClearOutput { wait: false }]).is_empty());
        assert_eq!(after(vec![text(StreamName::Stdout, "a"), Event::ClearOutput { wait: true }]), [r#"stdout:["a"]"#]);
        assert_eq!(after(vec![a, Event::ClearOutput { wait: true }, b]), [r#"stdout:["b"]"#]);
    }

    #[test]
    fn a_display_is_updated_wherever_it_is_shown() {
        let mut outputs = Outputs::default();
        outputs.begin(0);
        outputs.take(0, 1, display("old", Some("x"), false));
        outputs.take(0, 1, display("other", Some("y"), false));
        outputs.begin(3);
        outputs.take(3, 2, display("newer", Some("x"), false));
        outputs.take(3, 2, display("newest", Some("x"), true));
        outputs.take(3, 2, display("nobody", Some("z"), true));
        assert_eq!(
            shown(outputs),
            [(0, vec!["shows newest".to_owned(), "shows other".to_owned()]), (3, vec!["shows newest".to_owned()])]
        );
    }

    #[test]
    fn results_and_errors_have_the_form_of_nbformat() {
        let mut outputs = Outputs::default();
        outputs.begin(0);
        let data = json!({"text/plain": "4\n5", "application/json": {"a": "b\nc"}, "image/png": "iVBO\n"});
        outputs.take(0, 9, Event::Result { data: data.as_object().cloned().unwrap(), metadata: Map::new() });
        let error = Event::Error(Failure { name: "E".into(), text: "v".into(), traceback: vec!["t".into()] });
        outputs.take(0, 9, error);
        let (_, all) = outputs.into_nbformat().next().unwrap();
        assert_eq!(
            Value::Array(all),
            json!([
                {"output_type": "execute_result", "execution_count": 9, "metadata": {},
                 "data": {"text/plain": ["4\n", "5"], "application/json": {"a": "b\nc"}, "image/png": "iVBO\n"}},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
            ])
        );
    }
}
