use super::*;
use crate::timeline::Move;

#[test]
fn a_second_holder_is_told_who_and_since_when() {
    let (backend, watch) = memory();
    let holder = stranger("the kernel of nb.ipynb");
    let log = Log::create(&backend, opening("s", &holder)).unwrap();
    watch.pass(TimeDelta::seconds(20));
    let error = Log::open(&backend, opening("s", &holder)).err().unwrap().to_string();
    assert!(error.contains("the kernel of nb.ipynb (process") && error.contains("on far"), "{error}");
    assert!(error.contains("since 2027-01-15"), "{error}");
    log.close().unwrap();
    Log::open(&backend, opening("s", &holder)).unwrap();
}

#[test]
fn who_is_gone_is_taken_over_at_once_on_the_same_machine_and_after_a_while_elsewhere() {
    let (backend, watch) = memory();
    let gone = Holder { started: 1, ..Holder::here("killed") };
    std::mem::forget(Log::create(&backend, opening("s", &gone)).unwrap());
    let far = stranger("far away");
    std::mem::forget(Log::open(&backend, opening("s", &far)).unwrap());
    watch.pass(TimeDelta::seconds(29));
    assert!(matches!(Log::open(&backend, opening("s", &far)), Err(StoreError::Held { .. })));
    watch.pass(TimeDelta::seconds(1));
    Log::open(&backend, opening("s", &far)).unwrap();
}

#[test]
fn a_lease_is_renewed_while_the_holder_works() {
    let (backend, watch) = memory();
    let far = stranger("far away");
    let mut log = Log::create(&backend, opening("s", &far)).unwrap();
    for number in 1..10 {
        watch.pass(TimeDelta::seconds(15));
        log.append(state(number, &[(0, 1)])).unwrap();
        assert!(matches!(Log::open(&backend, opening("s", &far)), Err(StoreError::Held { .. })));
    }
}

#[test]
fn a_clock_that_is_set_back_or_forward_stops_nothing() {
    for hours in [-5, 5] {
        let (backend, watch) = memory();
        let far = stranger("far away");
        let mut log = Log::create(&backend, opening("s", &far)).unwrap();
        log.append(state(1, &[(0, 1)])).unwrap();
        watch.pass(TimeDelta::hours(hours));
        let mut last = None;
        for number in 2..6 {
            last = Some(log.append(state(number, &[(0, u64::from(number))])).unwrap());
            assert!(matches!(Log::open(&backend, opening("s", &far)), Err(StoreError::Held { .. })), "{hours}");
            watch.pass(TimeDelta::seconds(15));
        }
        log.close().unwrap();
        watch.pass(TimeDelta::hours(-hours));
        let mut log = Log::open(&backend, opening("s", &far)).unwrap();
        assert_eq!(Some(log.move_to(&Move::Resume).unwrap()), last.map(Target::State));
        log.append(state(6, &[(0, 6)])).unwrap();
    }
}

#[test]
fn who_was_taken_over_learns_it_and_writes_nothing_more() {
    let (backend, watch) = memory();
    let far = stranger("far away");
    let mut old = Log::create(&backend, opening("s", &far)).unwrap();
    let first = old.append(state(1, &[(0, 1)])).unwrap();
    watch.pass(TimeDelta::seconds(60));
    let other = stranger("the other");
    let mut new = Log::open(&backend, opening("s", &other)).unwrap();
    let objects = || backend.list("sessions/s/log").unwrap().len();
    let before = objects();
    for _ in 0..2 {
        let Err(StoreError::Fenced { by, .. }) = old.append(state(2, &[(0, 2)])) else { panic!("it wrote") };
        assert!(by.contains("the other"), "{by}");
    }
    assert!(matches!(old.move_to(&Move::Undo(1)), Err(StoreError::Fenced { .. })));
    assert!(matches!(old.set_portable(b""), Err(StoreError::Fenced { .. })));
    assert!(matches!(old.close(), Err(StoreError::Fenced { .. })));
    assert_eq!(objects(), before);
    assert_eq!(new.move_to(&Move::Resume).unwrap(), Target::State(first));
    new.append(state(2, &[(0, 3)])).unwrap();
}

#[test]
fn a_holder_whose_clock_stood_still_is_kept_out_by_the_log() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (stopped, running) = (Watch::default(), Watch::default());
    let far = stranger("stopped");
    let mut old = Log::create(&backend_over(Arc::clone(&store), &stopped), opening("s", &far)).unwrap();
    old.append(state(1, &[(0, 1)])).unwrap();
    running.pass(TimeDelta::hours(5));
    let backend = backend_over(store, &running);
    let mut new = Log::open(&backend, opening("s", &far)).unwrap();
    // Long after its first record would have been cleaned up, if it were like the others.
    for number in 0..100 {
        new.append(state(number, &[(number % 7, u64::from(number))])).unwrap();
    }
    new.close().unwrap();
    let mut new = Log::open(&backend, opening("s", &far)).unwrap();
    new.append(state(101, &[(0, 1)])).unwrap();
    assert!(matches!(old.append(state(2, &[(0, 2)])), Err(StoreError::Fenced { .. })));
}

#[test]
fn a_lease_that_cannot_be_read_is_no_free_session() {
    let (backend, watch) = memory();
    let far = stranger("far");
    let log = Log::create(&backend, opening("s", &far)).unwrap();
    watch.pass(TimeDelta::hours(1));
    backend.put("sessions/s/lease/00000000000000000002.json", b"{}".to_vec(), Durability::Relaxed).unwrap();
    let Err(StoreError::LeaseDamaged { object, .. }) = Log::open(&backend, opening("s", &far)) else {
        panic!("it opened")
    };
    assert!(object.ends_with("2.json"));
    assert!(matches!(catalog::delete(&backend, &id("s")), Err(StoreError::LeaseDamaged { .. })));
    assert!(catalog::list(&backend).unwrap()[0].problem.as_ref().unwrap().contains("lease"));
    drop(log);
}

#[test]
fn the_real_renewer_lets_go_when_the_log_does() {
    let backend = Backend::at("memory:///").unwrap();
    let holder = Holder::here("a test");
    let log = Log::create(&backend, opening("s", &holder)).unwrap();
    assert!(matches!(Log::open(&backend, opening("s", &holder)), Err(StoreError::Held { .. })));
    drop(log);
    Log::open(&backend, opening("s", &holder)).unwrap();
}
