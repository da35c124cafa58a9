//! Listings, as a guest's C library asks for them.

use std::collections::BTreeSet;
use std::fs;

use wasmtime::Val;

use super::super::errno;
use super::errno::Errno;
use crate::sandbox::prices;
use crate::sandbox::wasi::fd_table::FIRST_MOUNT;
use crate::sandbox::wasi::mutate::tests::Rig;
use crate::sandbox::wasi_config::Quota;
use crate::sandbox::{Asked, Reason};

const APP: i32 = FIRST_MOUNT.cast_signed();
/// What the guest's `readdir` has.
const ROOM: usize = 4096;
const AT: usize = 8192;

/// One call: the names that came whole, and the cookie behind each.
fn ask(rig: &mut Rig, number: i32, cookie: u64, room: usize) -> Result<(Vec<(String, u64)>, bool), Errno> {
    let arguments = [number, AT as i32, room as i32].map(Val::I32);
    let arguments = [&arguments[..], &[Val::I64(cookie.cast_signed()), Val::I32(0)]].concat();
    let errno = rig.call("fd_readdir", &arguments);
    if errno != errno::SUCCESS {
        return Err(Errno::from_answer(errno).unwrap());
    }
    let mut used = [0; 4];
    rig.memory.read(&rig.store, 0, &mut used).unwrap();
    let used = u32::from_le_bytes(used) as usize;
    let mut bytes = vec![0; used];
    rig.memory.read(&rig.store, AT, &mut bytes).unwrap();
    let (mut names, mut rest) = (Vec::new(), &bytes[..]);
    while rest.len() >= 24 {
        let length = u32::from_le_bytes(rest[16..20].try_into().unwrap()) as usize;
        let Some(name) = rest.get(24..24 + length) else { break };
        let next = u64::from_le_bytes(rest[..8].try_into().unwrap());
        names.push((String::from_utf8_lossy(name).into_owned(), next));
        rest = &rest[24 + length..];
    }
    Ok((names, used < room))
}

/// A whole listing.
fn names(rig: &mut Rig, number: i32, mut between: impl FnMut(&mut Rig, usize)) -> Result<Vec<String>, Errno> {
    let (mut all, mut cookie) = (Vec::new(), 0);
    loop {
        let (names, at_end) = ask(rig, number, cookie, ROOM)?;
        cookie = names.last().map_or(cookie, |(_, next)| *next);
        all.extend(names.into_iter().map(|(name, _)| name));
        if at_end {
            return Ok(all);
        }
        between(rig, all.len());
    }
}

fn filled(count: usize) -> Rig {
    let rig = Rig::new(Quota::default());
    for index in 0..count {
        fs::write(rig.dir.path().join(format!("file-{index:06}")), "").unwrap();
    }
    rig
}

fn asked(reason: Reason) -> Asked {
    Asked { reason, fuel: 0, afresh: true }
}

#[test]
fn a_listing_costs_by_its_entries_and_is_whole() {
    let cost = |count: usize| {
        let mut rig = filled(count);
        let before = rig.fuel();
        let listed = names(&mut rig, APP, |_, _| {}).unwrap();
        assert_eq!(listed.len(), count + 2);
        assert!(listed[2..].is_sorted() && listed[..2] == [".", ".."]);
        let listing = &rig.store.data().listings;
        assert!(listing.kept == 0 && listing.open.values().all(|one| one.entries.is_none()), "nothing is kept");
        rig.fuel() - before
    };
    let (small, large) = (cost(1000), cost(4000));
    assert!(small > 1000 * prices::LISTED && large < 4 * small + small / 10, "{small} {large}");
}

#[test]
fn what_comes_and_goes_meanwhile_takes_nothing_else_along() {
    let mut rig = filled(500);
    let stays: BTreeSet<_> = (0..500).filter(|index| index % 5 != 0).map(|index| format!("file-{index:06}")).collect();
    for forgotten in [false, true] {
        let listed = names(&mut rig, APP, |rig, seen| {
            let at = |name: String| rig.dir.path().join(name);
            for index in (0..500).filter(|index| index % 5 == 0) {
                let _ = fs::remove_file(at(format!("file-{index:06}")));
            }
            fs::write(at(format!("new-{seen}")), "").unwrap();
            fs::write(at(format!("a-{seen}")), "").unwrap();
            if forgotten {
                // As if others had taken the room.
                for listing in rig.store.data_mut().listings.open.values_mut() {
                    listing.entries = None;
                }
            }
        });
        let listed = listed.unwrap();
        let unique: BTreeSet<_> = listed.iter().cloned().collect();
        assert_eq!(unique.len(), listed.len(), "each once");
        assert!(stays.is_subset(&unique), "all that stayed");
    }
}

#[test]
fn a_listing_goes_on_at_any_cookie() {
    let mut rig = filled(20);
    let all = names(&mut rig, APP, |_, _| {}).unwrap();
    for cookie in [5, 1, 0, 21, 2, 22, 99, 7] {
        let (rest, _) = ask(&mut rig, APP, cookie, ROOM).unwrap();
        let rest: Vec<_> = rest.into_iter().map(|(name, _)| name).collect();
        assert_eq!(rest, all[(cookie as usize).min(all.len())..], "{cookie}");
    }
}

#[test]
fn many_listings_at_once_keep_no_more_than_there_is_room_for() {
    let mut rig = filled(400);
    let mut numbers = Vec::new();
    for _ in 0..20 {
        let number = rig.open(".", 2, 1 << 14, 0).unwrap();
        ask(&mut rig, number, 0, ROOM).unwrap();
        numbers.push(number);
    }
    let listings = &rig.store.data().listings;
    let size = listings.open.values().map(|listing| listing.size).max().unwrap();
    assert_eq!(listings.kept, 20 * size);
    // As if each were a twentieth of everything.
    let host = rig.store.data_mut();
    host.listings.kept += super::MAX_KEPT - 20 * size;
    let (mut all, mut cookie) = (0, 0);
    for number in [numbers[0], numbers[1]] {
        ask(&mut rig, number, 0, ROOM).unwrap();
        assert!(rig.store.data().listings.kept <= super::MAX_KEPT);
    }
    // The others go on all the same.
    loop {
        let (names, at_end) = ask(&mut rig, numbers[5], cookie, ROOM).unwrap();
        all += names.len();
        cookie = names.last().map_or(cookie, |(_, next)| *next);
        if at_end {
            break;
        }
    }
    assert_eq!(all, 402);
    for number in numbers {
        assert_eq!(rig.close(number), errno::SUCCESS);
    }
    assert!(rig.store.data().listings.open.is_empty());
}

#[test]
fn between_cells_the_smaller_listings_are_kept_and_all_go_on() {
    let mut rig = filled(400);
    fs::create_dir(rig.dir.path().join("small")).unwrap();
    for index in 0..200 {
        fs::write(rig.dir.path().join(format!("small/file-{index:03}")), "").unwrap();
    }
    let large: Vec<i32> = (0..6).map(|_| rig.open(".", 2, 1 << 14, 0).unwrap()).collect();
    let small = rig.open("small", 2, 1 << 14, 0).unwrap();
    let mut begun = Vec::new();
    for number in large.iter().chain([&small]) {
        let (names, at_end) = ask(&mut rig, *number, 0, ROOM).unwrap();
        assert!(!at_end);
        begun.push((*number, names));
    }
    let listings = &mut rig.store.data_mut().listings;
    let (of_large, of_small) = (listings.open[&large[0]].size, listings.open[&small].size);
    listings.rest();
    assert_eq!(listings.kept, 6 * of_large + of_small, "so little stays");
    listings.rest_within(2 * of_large + of_small);
    assert_eq!(listings.kept, 2 * of_large + of_small);
    assert!(listings.open[&small].entries.is_some());
    assert_eq!(listings.open.values().filter(|one| one.entries.is_none()).count(), 4);
    assert_eq!(listings.kept, listings.open.values().map(|one| one.size).sum::<usize>());
    for (number, names) in begun {
        let (mut all, mut cookie) = (names.len(), names.last().unwrap().1);
        loop {
            let (names, at_end) = ask(&mut rig, number, cookie, ROOM).unwrap();
            all += names.len();
            cookie = names.last().map_or(cookie, |(_, next)| *next);
            if at_end {
                break;
            }
        }
        assert_eq!(all, if number == small { 202 } else { 403 });
    }
    assert_eq!(rig.store.data().listings.kept, 0);
}

#[test]
fn a_long_listing_ends_when_the_cell_is_interrupted() {
    let mut rig = filled(4000);
    rig.store.data().control.ask(asked(Reason::Sample));
    assert_eq!(names(&mut rig, APP, |_, _| {}).map(|names| names.len()), Ok(4002), "a sample is no interrupt");
    rig.store.data().control.ask(asked(Reason::Interrupt));
    assert_eq!(names(&mut rig, APP, |_, _| {}), Err(errno::INTR));
    rig.store.data().control.signal.clear();
    assert_eq!(names(&mut rig, APP, |rig, _| rig.store.data().control.ask(asked(Reason::Interrupt))), Err(errno::INTR));
    rig.store.data().control.signal.clear();
    assert_eq!(names(&mut rig, APP, |_, _| {}).map(|names| names.len()), Ok(4002));
}

#[test]
fn an_entry_has_the_inode_that_its_file_has() {
    let mut rig = filled(1);
    fs::create_dir(rig.dir.path().join("dir")).unwrap();
    let word = |rig: &Rig, at: usize| {
        let mut word = [0; 8];
        rig.memory.read(&rig.store, at, &mut word).unwrap();
        u64::from_le_bytes(word)
    };
    let listed = ask(&mut rig, APP, 2, ROOM).unwrap().0;
    assert_eq!(listed[0].0, "dir");
    let inode = word(&rig, AT + 8);
    let [path, length] = rig.path(1024, "dir");
    let stat = [Val::I32(APP), Val::I32(0), path, length, Val::I32(2048)];
    assert_eq!(rig.call("path_filestat_get", &stat), errno::SUCCESS);
    assert_eq!(word(&rig, 2048 + 8), inode);
}

#[test]
fn only_directories_are_listed() {
    let mut rig = filled(1);
    let number = rig.open("file-000000", 0, 1 << 1, 0).unwrap();
    assert_eq!(ask(&mut rig, number, 0, ROOM).unwrap_err(), errno::NOTDIR);
    assert_eq!(ask(&mut rig, 99, 0, ROOM).unwrap_err(), errno::BADF);
    assert_eq!(ask(&mut rig, 1, 0, ROOM).unwrap_err(), errno::BADF);
}
