//! What the guest can call through the door: the table of `docs/host-calls.md`. What the fields are is in
//! `docs/door.md`.

/// An op that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Op {
    Next,
    Reply,
    Display,
    Result,
    Error,
    ClearOutput,
    Comm,
    Input,
    Why,
    Parent,
    Wait,
    Fuel,
    FuelDisplay,
    Session,
    History,
    Log,
}

impl Op {
    /// The op of this name.
    pub(in crate::session) fn of(name: &str) -> Option<Self> {
        OPS.iter().find(|entry| entry.name == name).map(|entry| entry.op)
    }
}

/// What an op takes of the host.
#[derive(Debug)]
pub(in crate::session) struct Entry {
    op: Op,
    name: &'static str,
    /// How much one call can take, and a cell's together.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the page"))]
    bound: &'static str,
    /// How it comes to an end when the cell is interrupted.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the page"))]
    interrupt: &'static str,
}

const SHORT: &str = "nothing to interrupt";
const SHOWN: &str = "`display_max_bytes` a cell, `output.max_display_bytes` each, and the pace of messages (policy)";
const BEHIND: &str = "while the front end is behind: at once";

const fn entry(op: Op, name: &'static str, bound: &'static str, interrupt: &'static str) -> Entry {
    Entry { op, name, bound, interrupt }
}

/// All of them, in the order of `docs/door.md`.
pub(in crate::session) const OPS: &[Entry] = &[
    entry(Op::Next, "next", "the request, once a turn", SHORT),
    entry(Op::Reply, "reply", "the last one is kept", SHORT),
    entry(Op::Display, "display", SHOWN, BEHIND),
    entry(Op::Result, "result", SHOWN, BEHIND),
    entry(Op::Error, "error", SHOWN, BEHIND),
    entry(Op::ClearOutput, "clear_output", SHOWN, BEHIND),
    entry(Op::Comm, "comm", SHOWN, BEHIND),
    entry(Op::Input, "input", "one question at a time; the prompt counts as a display", "while it waits: at once"),
    entry(Op::Why, "why", "a few words", SHORT),
    entry(Op::Parent, "parent", "an id of 256 bytes", SHORT),
    entry(Op::Wait, "wait", "one comm message", "while it waits: at once"),
    entry(Op::Fuel, "fuel", "a number", SHORT),
    entry(Op::FuelDisplay, "fuel_display", "the last cell's analysis", SHORT),
    entry(
        Op::Session,
        "session",
        "a text about the session, at most of its states; 3,000,000 of fuel besides",
        "while it waits for the journal, which writes what was committed before: nothing is done",
    ),
    entry(
        Op::History,
        "history",
        "10,000 lines, and 4 MiB of text; 3,000,000 of fuel besides",
        "while it waits for the history: nothing is found",
    ),
    entry(Op::Log, "log", "1,000 characters go to the log", SHORT),
];

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::sandbox::prices::{CALLS, HostCall};
    use crate::session::door::event::SESSION;

    const HEAD: &str = include_str!("host_calls_head.md");

    fn fuel(amount: u64) -> String {
        let digits = amount.to_string();
        let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|part| String::from_utf8_lossy(part)).collect();
        parts.join(",")
    }

    fn charged(call: &HostCall) -> String {
        let work = call.work.iter().map(|(price, unit)| format!("{} for each {unit}", fuel(*price)));
        std::iter::once(fuel(call.call)).chain(work).collect::<Vec<_>>().join("; ")
    }

    fn page() -> String {
        let mut text = HEAD.to_owned();
        for call in CALLS {
            let name = if call.module == "host" { "host.call" } else { call.name };
            let _ = writeln!(text, "| `{name}` | {} | {} | {} |", charged(call), call.bound, call.interrupt);
        }
        text.push_str(
            "\n## Ops of the door\n\nEach costs what `host.call` costs, by the bytes of the frame and of the answer, and each frame has \
             `message_max_bytes` at most.\n\n| op | bound | interrupted |\n|---|---|---|\n",
        );
        for entry in OPS {
            let _ = writeln!(text, "| `{}` | {} | {} |", entry.name, entry.bound, entry.interrupt);
        }
        text
    }

    #[test]
    fn the_page_is_what_the_tables_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/host-calls.md");
        if std::env::var_os("CELLBLOCK_BLESS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), page(), "CELLBLOCK_BLESS=1 writes it anew");
    }

    #[test]
    fn every_op_is_described_in_the_page_about_the_door_and_no_other() {
        let door = include_str!("../../../docs/door.md");
        let calls = door.split("## Guest calls").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
        let rows = calls.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let described: Vec<_> = rows.collect();
        let known: Vec<_> = OPS.iter().map(|entry| entry.name).collect();
        assert_eq!(described, known);
        for (place, entry) in OPS.iter().enumerate() {
            assert_eq!((entry.op as usize, Op::of(entry.name)), (place, Some(entry.op)));
        }
        let session = OPS.iter().find(|entry| entry.op == Op::Session);
        assert!(
            session.is_some_and(|entry| entry.bound.contains(&fuel(SESSION))),
            "its price is the one that is charged"
        );
        assert_eq!(Op::of("no such op"), None);
    }
}
