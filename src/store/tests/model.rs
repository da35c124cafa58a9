use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::timeline::{Move, StateId, Target};

#[derive(Debug, Clone)]
enum Op {
    Append { pages: Vec<(u32, u64)>, amend: bool, file: Option<(u8, u8)> },
    Go(Move),
    Save(u8),
    Tidy,
    Reopen,
    Wait,
}

fn op() -> impl Strategy<Value = Op> {
    let pages = prop::collection::btree_map(0u32..40, 0u64..50, 0..24).prop_map(|pages| pages.into_iter().collect());
    let file = prop::option::of((0u8..4, 0u8..6));
    prop_oneof![
        12 => (pages, prop::bool::weighted(0.1), file).prop_map(|(pages, amend, file)| Op::Append { pages, amend, file }),
        2 => (1usize..4).prop_map(|steps| Op::Go(Move::Undo(steps))),
        1 => (1usize..3).prop_map(|steps| Op::Go(Move::Redo(steps))),
        1 => prop_oneof![Just(Move::Reset), Just(Move::Resume), Just(Move::Fresh)].prop_map(Op::Go),
        1 => (0u8..3).prop_map(|name| Op::Go(Move::Restore(format!("n{name}")))),
        1 => (0u8..3).prop_map(Op::Save),
        1 => Just(Op::Tidy),
        1 => Just(Op::Reopen),
        1 => Just(Op::Wait),
    ]
}

fn check(log: &View, models: &BTreeMap<StateId, Model>) {
    for state in log.timeline().states() {
        assert_eq!(&contents(log, state).0, &models[&state], "state {state}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn every_state_that_can_be_gone_to_is_what_it_was(ops in prop::collection::vec(op(), 1..90), entries in 1usize..5) {
        let (backend, watch) = memory();
        let holder = Holder::here("a test");
        let total_bytes = 4 << 20;
        let keep = Keep { undo_entries: entries, undo_bytes: 1 << 20, total_bytes };
        let opened = || Opening { keep, ..opening("s", &holder) };
        let mut log = Log::create(&backend, opened()).unwrap();
        let mut models: BTreeMap<StateId, Model> = BTreeMap::new();
        for (number, op) in ops.into_iter().enumerate() {
            match op {
                Op::Append { pages, amend, file } => {
                    let mut model = match log.timeline().current() {
                        Target::State(state) => models[&state].clone(),
                        Target::Fresh => Model::default(),
                    };
                    let mut new = NewState { amend, cells: u32::from(!amend), ..super::state(number as u32, &pages) };
                    model.pages.extend(pages.iter().map(|(number, seed)| (*number, page(*seed))));
                    if let Some((name, contents)) = file {
                        let entry = blob(&backend, &id("s"), &[contents; 100]);
                        let gone = vec![format!("app/{}", (name + 1) % 4)];
                        let changes = Changes { gone, ..set(&format!("app/{name}"), entry) };
                        model.files.apply(&changes);
                        new.files = Some(changes);
                    }
                    let state = log.append(new).unwrap();
                    models.insert(state, model);
                }
                Op::Go(to) => {
                    let peeked = log.peek(&to);
                    let went = log.move_to(&to);
                    prop_assert_eq!(peeked.ok(), went.ok());
                }
                Op::Save(name) => drop(log.save_name(&format!("n{name}"))),
                Op::Tidy => log.tidy().unwrap(),
                Op::Wait => watch.pass(TimeDelta::seconds(45)),
                Op::Reopen => {
                    check(&log, &models);
                    log.close().unwrap();
                    log = Log::open(&backend, opened()).unwrap();
                }
            }
            prop_assert!(log.summary().bytes <= total_bytes);
        }
        check(&log, &models);
        check(&View::open(&backend, &id("s")).unwrap(), &models);
    }
}

/// The bytes in the store stay near those that are needed, and records few.
#[test]
fn a_long_session_stays_small_and_each_byte_is_written_few_times() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let keep = Keep { undo_entries: 3, ..Keep::default() };
    let mut log = Log::create(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    let mut most = 0;
    for number in 0..600u32 {
        // Eight pages that are always written, and one that moves on.
        let mut pages: Vec<(u32, u64)> = (0..8).map(|page| (page, u64::from(number * 10 + page))).collect();
        pages.push((8 + number % 200, u64::from(number)));
        log.append(state(number, &pages)).unwrap();
        let listed = backend.list("sessions/s/log").unwrap();
        assert_eq!(listed.iter().map(|object| object.bytes).sum::<u64>(), log.summary().bytes);
        most = most.max(log.summary().bytes);
        assert!(listed.len() < 120, "{} records", listed.len());
    }
    let live = 208 * PAGE as u64;
    assert!(most < 3 * live, "{most} bytes for {live}");
    assert_eq!(contents(&log, current(&log)).0.pages.len(), 208);
}
