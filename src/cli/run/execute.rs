//! Executes a notebook's cells one after another in a session.

use std::fmt;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedReceiver;

use super::notebook::{CodeCell, Notebook};
use super::outputs::Outputs;
use super::report::{Report, first_line, first_line_of};
use super::said::{indented, said};
use super::widgets::Widgets;
use crate::observe::shown;
use crate::policy::Advice;
use crate::session::{self, Event, Execute, InputAnswer, Outcome, Request, Session};

/// Characters of a cell's id that are told: as many as one may have.
const LONGEST_ID: usize = 64;

/// How a run ended.
#[derive(Debug)]
pub(super) enum End {
    Fine,
    Failed(Failure),
    Interrupted,
}

/// The cell that ended a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Its place among all cells, from 1, and their number.
    cell: (usize, usize),
    id: String,
    first_line: String,
    why: String,
    /// What there is to say about it, of whole lines.
    said: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cell: (number, of), id, first_line, why, said } = self;
        let id = if id.is_empty() { String::new() } else { format!(" (id {id})") };
        write!(f, "cell {number} of {of}{id} failed: {why}\n  in the cell that begins with: {first_line}")?;
        if said.is_empty() { Ok(()) } else { write!(f, "\n\n{}", indented(said).trim_end()) }
    }
}

/// A run under way.
pub(super) struct Execution<'a> {
    pub session: Session,
    pub allow_errors: bool,
    /// What is told about cells.
    pub advice: Advice,
    pub reporter: &'a dyn Report,
    /// One item for each Ctrl-C: the first interrupts the cell, the second gives it up.
    pub interrupts: UnboundedReceiver<()>,
}

/// How one cell ended.
enum CellEnd {
    Done(Box<Outcome>),
    /// The session's thread is gone.
    SessionLost,
    /// Ctrl-C, and then the cell ended or Ctrl-C came again.
    Interrupted,
}

impl Execution<'_> {
    /// Executes all code cells and puts their outputs into `notebook`, whatever happens.
    pub(super) async fn run(mut self, notebook: &mut Notebook) -> End {
        let cells: Vec<CodeCell> = notebook.code_cells().collect();
        let total = notebook.cell_count();
        let mut outputs = Outputs::default();
        let mut widgets = Widgets::default();
        let mut counts = Vec::new();
        let mut end = End::Fine;
        for (count, cell) in (1..).zip(&cells) {
            self.reporter.started(&cell.source);
            let started = Instant::now();
            outputs.begin(cell.index);
            counts.push((cell.index, count));
            let ended = self.cell(cell, count, &mut outputs, &mut widgets).await;
            let is_lost = matches!(ended, CellEnd::SessionLost);
            let (why, said) = match ended {
                CellEnd::Done(outcome) => (outcome.failure, said(&outcome.usage, &self.advice)),
                CellEnd::SessionLost => (Some(lost()), String::new()),
                CellEnd::Interrupted => {
                    end = End::Interrupted;
                    self.reporter.ended(true, started.elapsed());
                    break;
                }
            };
            self.reporter.ended(why.is_some(), started.elapsed());
            let Some(failure) = why else {
                self.reporter.note(&said);
                continue;
            };
            if is_lost {
                outputs.take(cell.index, count, Event::Error(failure.clone()));
            }
            if is_lost || !(self.allow_errors || cell.may_raise) {
                end = End::Failed(Failure {
                    cell: (cell.index + 1, total),
                    id: shown(&cell.id, LONGEST_ID),
                    first_line: first_line(&cell.source),
                    why: first_line_of(&format!("{}: {}", failure.name, failure.text), 500),
                    said,
                });
                break;
            }
            self.reporter.note(&said);
        }
        for (index, all) in outputs.into_nbformat() {
            let count = counts.iter().find(|(cell, _)| *cell == index).map(|(_, count)| *count);
            notebook.set_outputs(index, count, all);
        }
        if let Some(state) = widgets.into_state() {
            notebook.set_widgets(state);
        }
        end
    }

    async fn cell(&mut self, cell: &CodeCell, count: u32, outputs: &mut Outputs, widgets: &mut Widgets) -> CellEnd {
        let mut events = self.session.submit(Request::Execute(Execute {
            code: cell.source.clone(),
            store_history: true,
            execution_count: count,
            cell_id: (!cell.id.is_empty()).then(|| cell.id.clone()),
            ..Execute::default()
        }));
        let mut sink = Sink { cell: cell.index, count, outputs, widgets };
        let mut interrupted = false;
        loop {
            let queued = tokio::select! {
                queued = events.recv() => queued,
                Some(()) = self.interrupts.recv() => {
                    if interrupted {
                        // What is there already counts; what may come is not waited for.
                        (0..events.len()).map_while(|_| events.try_recv().ok()).for_each(|queued| drop(sink.take(queued.event)));
                        return CellEnd::Interrupted;
                    }
                    interrupted = true;
                    self.session.interrupt();
                    continue;
                }
            };
            let Some(queued) = queued else {
                return CellEnd::SessionLost;
            };
            match sink.take(queued.event) {
                Some(_) if interrupted => return CellEnd::Interrupted,
                Some(outcome) => return CellEnd::Done(outcome),
                None => {}
            }
        }
    }
}

/// Where a cell's events go.
struct Sink<'a> {
    cell: usize,
    count: u32,
    outputs: &'a mut Outputs,
    widgets: &'a mut Widgets,
}

impl Sink<'_> {
    /// Takes an event; the cell's outcome if it was the last one.
    fn take(&mut self, event: Event) -> Option<Box<Outcome>> {
        match event {
            Event::Done(outcome) => return Some(outcome),
            Event::Comm { kind, content, buffers, .. } => self.widgets.take(kind, &content, &buffers),
            // Nobody is there to answer; a guest that is gone does not wait for one.
            Event::Input { answer, .. } => {
                let _ = answer.send(InputAnswer::Eof);
            }
            event => self.outputs.take(self.cell, self.count, event),
        }
        None
    }
}

fn lost() -> session::Failure {
    let text = "the sandbox ended unexpectedly; the cells after this one were not run".to_owned();
    session::Failure { name: "SessionLost".to_owned(), traceback: vec![text.clone()], text }
}

#[cfg(test)]
#[path = "execute_tests.rs"]
mod tests;
