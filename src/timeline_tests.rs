use proptest::prelude::*;

use super::*;

fn with(states: u64) -> Timeline {
    let mut timeline = Timeline::default();
    (1..=states).for_each(|state| timeline.push(StateId(state), false));
    timeline
}

fn state(id: u64) -> Result<Target, MoveError> {
    Ok(Target::State(StateId(id)))
}

#[test]
fn undo_and_redo_step_through_the_states_down_to_the_warm_image() {
    let mut timeline = with(3);
    assert_eq!(timeline.go(&Move::Undo(1)), state(2));
    assert_eq!(timeline.go(&Move::Undo(2)), Ok(Target::Fresh));
    assert_eq!(timeline.go(&Move::Undo(1)), Err(MoveError::NothingToUndo));
    assert_eq!(timeline.go(&Move::Redo(3)), state(3));
    assert_eq!(timeline.go(&Move::Redo(1)), Err(MoveError::NothingToRedo));
    assert_eq!(timeline.peek(&Move::Undo(4)), Err(MoveError::UndoTooFar { wanted: 4, possible: 3 }));
    assert_eq!(timeline.current(), Target::State(StateId(3)), "what fails changes nothing");
    timeline.go(&Move::Undo(1)).unwrap();
    assert_eq!(timeline.peek(&Move::Redo(2)), Err(MoveError::RedoTooFar { wanted: 2, possible: 1 }));
}

#[test]
fn new_work_after_an_undo_drops_what_could_be_redone() {
    let mut timeline = with(3);
    timeline.go(&Move::Undo(2)).unwrap();
    timeline.push(StateId(4), false);
    assert_eq!(timeline.redoable(), 0);
    assert_eq!(timeline.go(&Move::Undo(1)), state(1));
    assert_eq!(timeline.states(), [StateId(1), StateId(4)].into());
}

#[test]
fn an_amended_state_takes_the_place_of_the_one_before() {
    let mut timeline = with(2);
    timeline.push(StateId(3), true);
    assert_eq!(timeline.current(), Target::State(StateId(3)));
    assert_eq!(timeline.go(&Move::Undo(1)), state(1));
    let mut fresh = Timeline::default();
    fresh.push(StateId(1), true);
    assert_eq!(fresh.go(&Move::Undo(1)), Err(MoveError::NothingToUndo), "a run's first state is where it begins");
    assert_eq!(fresh.steps(), [Step::Began(StateId(1))]);
}

#[test]
fn restore_and_reset_are_undone_with_one_step() {
    let mut timeline = with(1);
    timeline.save("start").unwrap();
    timeline.push(StateId(2), false);
    assert_eq!(timeline.go(&Move::Restore("start".to_owned())), state(1));
    assert_eq!(timeline.go(&Move::Undo(1)), state(2));
    assert_eq!(timeline.go(&Move::Reset), Ok(Target::Fresh));
    assert_eq!(timeline.go(&Move::Undo(1)), state(2));
    let error = timeline.go(&Move::Restore("end".to_owned())).unwrap_err().to_string();
    assert!(error.contains("\"end\"") && error.contains("there are: start"), "{error}");
}

#[test]
fn the_next_run_resumes_where_the_last_one_was_and_undoes_from_there() {
    let mut timeline = with(3);
    assert_eq!(timeline.go(&Move::Resume), Err(MoveError::NothingToResume));
    timeline.go(&Move::Undo(1)).unwrap();
    assert_eq!(timeline.go(&Move::Fresh), Ok(Target::Fresh));
    assert_eq!(timeline.previous(), Some(StateId(2)));
    assert_eq!(timeline.go(&Move::Resume), state(2));
    assert_eq!(timeline.peek(&Move::Undo(1)), state(1));
    assert_eq!(timeline.peek(&Move::Redo(1)), state(3), "a new run loses nothing");
}

#[test]
fn a_run_that_goes_on_has_nothing_left_to_resume() {
    let mut timeline = with(3);
    assert!(!timeline.goes_on());
    timeline.go(&Move::Fresh).unwrap();
    timeline.push(StateId(4), false);
    assert!(!timeline.goes_on(), "it began afresh");
    timeline.go(&Move::Resume).unwrap();
    assert!(timeline.goes_on());
    timeline.push(StateId(5), false);
    assert!(timeline.goes_on());
    timeline.go(&Move::Undo(2)).unwrap();
    assert!(!timeline.goes_on(), "it is before that");
    timeline.go(&Move::Redo(2)).unwrap();
    timeline.go(&Move::Reset).unwrap();
    assert!(!timeline.goes_on());
}

#[test]
fn runs_that_do_nothing_do_not_hide_what_can_be_resumed_and_leave_no_trace() {
    let mut timeline = with(1);
    for _ in 0..3 {
        timeline.go(&Move::Fresh).unwrap();
    }
    assert_eq!(timeline.previous(), Some(StateId(1)));
    assert_eq!(timeline.steps(), [Step::Run, Step::State(StateId(1)), Step::Run]);
}

#[test]
fn a_session_that_was_reset_is_not_resumed() {
    let mut timeline = with(1);
    timeline.go(&Move::Reset).unwrap();
    timeline.go(&Move::Fresh).unwrap();
    assert_eq!(timeline.go(&Move::Resume), Err(MoveError::NothingToResume));
    assert_eq!(timeline.go(&Move::Undo(1)), state(1), "but the reset can be undone");
}

#[test]
fn the_window_forgets_the_oldest_states_but_no_names() {
    let mut timeline = with(1);
    timeline.save("first").unwrap();
    (2..=30).for_each(|id| timeline.push(StateId(id), false));
    timeline.keep(20);
    assert_eq!(timeline.go(&Move::Undo(20)), state(10));
    assert_eq!(timeline.peek(&Move::Undo(1)), Err(MoveError::NothingToUndo));
    assert_eq!(timeline.go(&Move::Redo(20)), state(30));
    assert_eq!(timeline.go(&Move::Restore("first".to_owned())), state(1));
    assert_eq!(timeline.go(&Move::At(StateId(5))), Err(MoveError::NoSuchState(StateId(5))));
}

#[test]
fn names_are_visible_bounded_and_need_a_state() {
    let mut timeline = Timeline::default();
    assert_eq!(timeline.save("x"), Err(MoveError::NothingToSave));
    timeline.push(StateId(1), false);
    for bad in ["", " x", "x ", "a\nb", "a\u{202e}b", "a\u{200b}b", "a\u{9b}b", "\u{e0041}", &"x".repeat(129)] {
        assert!(matches!(timeline.save(bad), Err(MoveError::BadName(_))), "{bad:?}");
    }
    (0..MAX_NAMES).for_each(|name| timeline.save(&format!("größe {name}")).unwrap());
    assert_eq!(timeline.save("one more"), Err(MoveError::TooManyNames));
    timeline.save("größe 0").unwrap();
    timeline.forget_name("größe 0").unwrap();
    timeline.save("one more").unwrap();
}

#[test]
fn the_current_state_and_names_are_never_forgotten() {
    let mut timeline = with(5);
    timeline.save("kept").unwrap();
    timeline.go(&Move::Fresh).unwrap();
    timeline.push(StateId(6), false);
    timeline.push(StateId(7), false);
    timeline.go(&Move::Undo(1)).unwrap();
    while timeline.forget_one() {}
    assert_eq!(timeline.current(), Target::State(StateId(6)));
    assert_eq!(timeline.states(), [StateId(5), StateId(6)].into());
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        (0usize..4).prop_map(Move::Undo),
        (0usize..4).prop_map(Move::Redo),
        Just(Move::Resume),
        Just(Move::Restore("n".to_owned())),
        (0u64..20).prop_map(|id| Move::At(StateId(id))),
        Just(Move::Reset),
        Just(Move::Fresh),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_it_stays_sound_and_reads_back(steps in prop::collection::vec((any_move(), 0u8..5), 0..60)) {
        let mut timeline = Timeline::default();
        let mut next = 0;
        for (to, then) in steps {
            let before = timeline.clone();
            let peeked = timeline.peek(&to);
            let went = timeline.go(&to);
            prop_assert_eq!(&peeked, &went);
            match went {
                Ok(target) => prop_assert_eq!(target, timeline.current()),
                Err(_) => prop_assert_eq!(&before, &timeline),
            }
            match then {
                0 | 1 => { next += 1; timeline.push(StateId(next), then == 1); }
                2 => drop(timeline.save("n")),
                3 => timeline.keep(3),
                _ => {}
            }
            prop_assert!(timeline.is_sound());
            let fresh_neighbours = timeline.steps().windows(2).filter(|pair| pair.iter().all(|step| step.state().is_none()));
            prop_assert!(fresh_neighbours.count() <= 1);
            let json = serde_json::to_string(&timeline).unwrap();
            prop_assert_eq!(serde_json::from_str::<Timeline>(&json).unwrap(), timeline.clone());
        }
    }
}

#[test]
fn an_aside_keeps_what_can_be_redone_and_a_cell_does_not() {
    let mut timeline = with(3);
    timeline.go(&Move::Undo(2)).unwrap();
    timeline.push(StateId(9), true);
    assert_eq!(timeline.peek(&Move::Redo(2)), state(3));
    timeline.push(StateId(10), false);
    assert_eq!(timeline.go(&Move::Redo(1)), Err(MoveError::NothingToRedo));
}

#[test]
fn a_run_without_cells_leaves_the_run_before_it_to_be_resumed() {
    let mut timeline = with(2);
    for run in 0..3 {
        timeline.go(&Move::Fresh).unwrap();
        timeline.push(StateId(10 + run), true);
        assert_eq!(timeline.peek(&Move::Resume), state(2));
    }
    assert_eq!(timeline.steps().len(), 4);
}
