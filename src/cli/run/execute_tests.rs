//! Tests of whole runs, with a dummy session that answers each cell by its source.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::session::{Job, Queued, StreamName, Usage};

struct Quiet;

impl Report for Quiet {
    fn started(&self, _: &str) {}
    fn ended(&self, _: bool, _: Duration) {}
}

/// Serves cells such as `print x`, `raise x`, `input` and `die`.
fn dummy() -> Session {
    let (jobs, mut queue) = tokio::sync::mpsc::unbounded_channel::<Job>();
    std::thread::spawn(move || {
        while let Some(job) = queue.blocking_recv() {
            let Job::Serve { request: Request::Execute(execute), events, .. } = job else { continue };
            let say = |event| drop(events.send(Queued::of(event)));
            let done = |failure| say(Event::Done(Box::new(Outcome { failure, ..Outcome::default() })));
            let (word, rest) = execute.code.split_once(' ').unwrap_or((&execute.code, ""));
            let oops = session::Failure { name: "Oops".into(), text: rest.to_owned(), traceback: vec!["tb".into()] };
            match word {
                "print" => say(Event::Stream { name: StreamName::Stdout, text: rest.to_owned() }),
                "raise" => {
                    say(Event::Error(oops.clone()));
                    done(Some(oops));
                    continue;
                }
                "input" => {
                    let (answer, answered) = tokio::sync::oneshot::channel();
                    say(Event::Input { prompt: "?".into(), password: false, answer });
                    let text = format!("{:?}", answered.blocking_recv());
                    say(Event::Stream { name: StreamName::Stdout, text });
                }
                _ => return,
            }
            done(None);
        }
    });
    Session::new(jobs, || ())
}

fn run(sources: &[(&str, &[&str])], allow_errors: bool) -> (End, Value) {
    let (_never, interrupts) = tokio::sync::mpsc::unbounded_channel();
    run_with(dummy(), interrupts, sources, allow_errors)
}

fn run_with(
    session: Session,
    interrupts: UnboundedReceiver<()>,
    sources: &[(&str, &[&str])],
    allow_errors: bool,
) -> (End, Value) {
    let cells: Vec<Value> = sources
        .iter()
        .enumerate()
        .map(|(index, (source, tags))| {
            let old = json!([{"output_type": "stream", "name": "stdout", "text": "from before"}]);
            json!({"cell_type": "code", "id": format!("id{index}"), "metadata": {"tags": tags}, "source": source,
                   "outputs": old, "execution_count": 99})
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("n.ipynb");
    let text = json!({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).to_string();
    std::fs::write(&path, text).unwrap();
    let mut notebook = Notebook::read(&path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let advice = crate::policy::Policy::default().advice;
    let execution = Execution { session, allow_errors, advice, reporter: &Quiet, interrupts };
    let end = runtime.block_on(execution.run(&mut notebook));
    (end, serde_json::from_slice(&notebook.text().unwrap()).unwrap())
}

#[test]
fn outputs_and_counts_are_replaced() {
    let (end, notebook) = run(&[("print a", &[]), ("print b", &[])], false);
    assert!(matches!(end, End::Fine));
    let cell = &notebook["cells"][1];
    assert_eq!(cell["execution_count"], 2);
    assert_eq!(cell["outputs"], json!([{"output_type": "stream", "name": "stdout", "text": ["b"]}]));
}

#[test]
fn a_failing_cell_is_named_and_later_ones_are_left_as_they_were() {
    let (end, notebook) = run(&[("print a", &[]), ("raise bad", &[]), ("print c", &[])], false);
    let End::Failed(failure) = end else { panic!("{end:?}") };
    let text = failure.to_string();
    assert!(text.contains("cell 2 of 3 (id id1)") && text.contains("Oops: bad"), "{text}");
    assert_eq!(notebook["cells"][1]["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(notebook["cells"][2]["execution_count"], 99);
}

#[test]
fn errors_that_are_allowed_do_not_end_the_run() {
    let (end, notebook) = run(&[("raise bad", &[]), ("print c", &[])], true);
    assert!(matches!(end, End::Fine));
    assert_eq!(notebook["cells"][1]["execution_count"], 2);
    let (end, _) = run(&[("raise bad", &["raises-exception"]), ("print c", &[])], false);
    assert!(matches!(end, End::Fine));
}

#[test]
fn a_session_that_dies_ends_the_run_even_if_errors_are_allowed() {
    let (end, notebook) = run(&[("print a", &[]), ("die", &[]), ("print c", &[])], true);
    assert!(matches!(end, End::Failed(_)));
    assert_eq!(notebook["cells"][0]["outputs"][0]["text"], json!(["a"]));
    assert_eq!(notebook["cells"][1]["outputs"][0]["ename"], "SessionLost");
}

#[test]
fn input_meets_the_end_of_the_file() {
    let (_, notebook) = run(&[("input", &[])], false);
    assert_eq!(notebook["cells"][0]["outputs"][0]["text"], json!(["Ok(Eof)"]));
}

/// A session whose cells print, then run until they are interrupted, and then end with an error or never.
fn endless(ends: bool) -> (Session, UnboundedReceiver<()>) {
    let (jobs, mut queue) = tokio::sync::mpsc::unbounded_channel::<Job>();
    let (ctrl_c, interrupts) = tokio::sync::mpsc::unbounded_channel();
    let (interrupt, interrupted) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let Some(Job::Serve { events, .. }) = queue.blocking_recv() else { return };
        let say = |event| events.send(Queued::of(event)).unwrap();
        say(Event::Stream { name: StreamName::Stdout, text: "begun".into() });
        ctrl_c.send(()).unwrap();
        interrupted.recv().unwrap();
        if ends {
            let failure = session::Failure { name: "KeyboardInterrupt".into(), ..session::Failure::default() };
            say(Event::Error(failure.clone()));
            say(Event::Done(Box::new(Outcome::failed(failure, Usage::default()))));
        } else {
            ctrl_c.send(()).unwrap();
        }
        // The channel stays open until the run has ended.
        while queue.blocking_recv().is_some() {}
    });
    let handle = Session::new(jobs, move || interrupt.send(()).unwrap());
    (handle, interrupts)
}

#[test]
fn ctrl_c_interrupts_the_cell_and_keeps_its_outputs() {
    let (session, interrupts) = endless(true);
    let (end, notebook) = run_with(session, interrupts, &[("loop", &[]), ("print c", &[])], true);
    assert!(matches!(end, End::Interrupted));
    assert_eq!(notebook["cells"][0]["outputs"][0]["text"], json!(["begun"]));
    assert_eq!(notebook["cells"][0]["outputs"][1]["ename"], "KeyboardInterrupt");
    assert_eq!(notebook["cells"][1]["execution_count"], 99);
}

#[test]
fn a_second_ctrl_c_gives_up_a_cell_that_does_not_end() {
    let (session, interrupts) = endless(false);
    let (end, notebook) = run_with(session, interrupts, &[("loop", &[])], false);
    assert!(matches!(end, End::Interrupted));
    assert_eq!(notebook["cells"][0]["outputs"][0]["text"], json!(["begun"]));
}
