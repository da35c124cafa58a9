//! Sessions in a language that is not the product's: whatever works here knows no language.

use super::event::{Event, Outcome, State, TrapReason};
use super::facade::Session;
use super::opening::Which;
use super::request::{Execute, Request};
use super::toy::{self, policy};
use crate::policy::{Policy, Resume, Store};

/// What a cell printed, and how it ended.
fn run(session: &Session, code: &str) -> (String, Outcome) {
    finish(submit(session, code))
}

fn submit(session: &Session, code: &str) -> super::Events {
    session.submit(Request::Execute(Execute { code: code.to_owned(), store_history: true, ..Execute::default() }))
}

fn finish(mut events: super::Events) -> (String, Outcome) {
    let mut printed = String::new();
    loop {
        match events.blocking_recv().expect("the session's thread is gone").event {
            Event::Stream { text, .. } => printed.push_str(&text),
            Event::Done(outcome) => return (printed, *outcome),
            _ => {}
        }
    }
}

fn name(outcome: &Outcome) -> &str {
    outcome.failure.as_ref().map_or("", |failure| &failure.name)
}

#[test]
fn cells_run_fail_and_are_undone() {
    let dir = tempfile::tempdir().unwrap();
    let session = toy::session(dir.path(), policy(), Which::Unkept);
    assert_eq!(run(&session, "echo hello, world").0, "hello, world\n");
    assert_eq!(run(&session, "count").0, "1\n");
    assert_eq!(run(&session, "count").0, "2\n");
    let (_, failed) = run(&session, "fail");
    assert_eq!((name(&failed), failed.usage.state), ("ToyError", State::Kept));
    run(&session, "%session undo 2");
    assert_eq!(run(&session, "count").0, "2\n");
    let (_, misused) = run(&session, "%session undo what");
    assert_eq!(name(&misused), "ToyMisuse");
}

#[test]
fn a_cell_that_looks_is_interrupted_and_one_that_does_not_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let session = toy::session(dir.path(), policy(), Which::Unkept);
    assert_eq!(run(&session, "count").0, "1\n");
    for (code, state) in [("loop", State::Kept), ("spin", State::RolledBack)] {
        let events = submit(&session, code);
        session.interrupt();
        let (_, outcome) = finish(events);
        assert_eq!((name(&outcome), outcome.usage.state), ("ToyInterrupt", state), "{code}");
        assert_eq!(outcome.usage.trap_reason, Some(TrapReason::Interrupted), "{code}");
    }
    assert_eq!(run(&session, "count").0, "2\n", "what was there before is there");
}

#[test]
fn limits_are_told_in_the_language_s_own_errors() {
    let dir = tempfile::tempdir().unwrap();
    let session = toy::session(dir.path(), policy(), Which::Unkept);
    let (_, outcome) = run(&session, "grow");
    assert_eq!((name(&outcome), outcome.usage.trap_reason), ("ToyOutOfMemory", Some(TrapReason::MemoryLimit)));
    let traceback = format!("{:?}", outcome.failure);
    assert!(traceback.contains("`memory_bytes` in the policy"), "{traceback}");
    let little =
        toy::session(&dir.path().join("little"), Policy { fuel_budget: 10_000_000, ..policy() }, Which::Unkept);
    let (_, outcome) = run(&little, "loop");
    assert_eq!((name(&outcome), outcome.usage.trap_reason), ("ToyInterrupt", Some(TrapReason::OutOfFuel)));
}

#[test]
fn a_guest_that_ends_itself_is_back_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let session = toy::session(dir.path(), policy(), Which::Unkept);
    assert_eq!(run(&session, "count").0, "1\n");
    for (code, reason, words) in [
        ("trap", TrapReason::Trap, "unreachable"),
        ("xit", TrapReason::Exited, "the cell ended the Toy process itself, with status 3 (as `xit` does)"),
    ] {
        let (_, outcome) = run(&session, code);
        assert_eq!((outcome.usage.trap_reason, outcome.usage.state), (Some(reason), State::RolledBack));
        let text = outcome.failure.unwrap().text;
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(run(&session, "count").0, "2\n");
}

#[test]
fn files_go_back_with_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let session = toy::session(dir.path(), policy(), Which::Unkept);
    assert_eq!(run(&session, "write").1.usage.files_created, ["toy.txt"]);
    assert_eq!(run(&session, "write").1.usage.files_created, [""; 0]);
    run(&session, "%session undo 2");
    assert_eq!(run(&session, "write").1.usage.files_created, ["toy.txt"]);
}

#[test]
fn a_stored_session_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut policy = policy();
    policy.session.store = Some(Store::Directory(dir.path().join("store")));
    policy.session.resume = Resume::Always;
    let notebook = || Which::Notebook("a.toy".to_owned());
    let first = toy::session(dir.path(), policy.clone(), notebook());
    assert_eq!(run(&first, "count").0, "1\n");
    assert_eq!(run(&first, "count").0, "2\n");
    finish(first.submit(Request::Close { restart: false }));
    drop(first);
    let (printed, _) = run(&toy::session(dir.path(), policy, notebook()), "count");
    assert!(printed.ends_with("3\n"), "{printed}");
}

#[test]
fn a_fork_goes_on_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut policy = policy();
    policy.session.store = Some(Store::Directory(dir.path().join("store")));
    policy.session.resume = Resume::Always;
    let origin = toy::session(dir.path(), policy.clone(), Which::Id("origin".parse().unwrap()));
    assert_eq!(run(&origin, "count").0, "1\n");
    let (said, _) = run(&origin, "%session fork twin");
    assert!(said.contains("forked as twin"), "{said}");
    assert_eq!(run(&origin, "count").0, "2\n");
    let twin = toy::session(dir.path(), policy, Which::Id("twin".parse().unwrap()));
    let (printed, _) = run(&twin, "count");
    assert!(printed.ends_with("2\n"), "{printed}");
}
