//! What is written to a stream, in whatever pieces it comes.
//!
//! The input: one byte that says how many cuts there are, a byte with the length of each piece, and the text.
#![no_main]

use cellblock_fuzz::Input;
use cellblock_fuzz::firewall::{Firewall, Removals, Terminal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let count = usize::from(input.byte() % 16);
    let cuts = input.take(count);
    let text = String::from_utf8_lossy(input.0).into_owned();
    let firewall = Firewall::default();

    let (mut whole, mut state, mut removed) = (text.clone(), Terminal::default(), Removals::new());
    firewall.text(&mut state, &mut whole, &mut removed);
    harmless(&whole);

    // Every character for itself, and cut where the input says.
    let each: Vec<String> = text.chars().map(String::from).collect();
    for pieces in [each, pieces(&text, cuts)] {
        let (mut out, mut state_of_pieces, mut removed_of_pieces) =
            (String::new(), Terminal::default(), Removals::new());
        for mut piece in pieces.iter().cloned() {
            firewall.text(&mut state_of_pieces, &mut piece, &mut removed_of_pieces);
            harmless(&piece);
            out.push_str(&piece);
        }
        assert_eq!((&out, &state_of_pieces), (&whole, &state), "the pieces of {text:?} make no difference");
        assert_eq!(removed_of_pieces, removed);
        // The lines of a traceback are such pieces.
        let (mut lines, mut removed_of_lines) = (pieces, Removals::new());
        firewall.lines(lines.iter_mut(), &mut removed_of_lines);
        assert_eq!((lines.concat(), removed_of_lines), (whole.clone(), removed.clone()));
    }

    let (mut again, mut nothing) = (whole.clone(), Removals::new());
    firewall.text(&mut Terminal::default(), &mut again, &mut nothing);
    assert_eq!(again, whole, "the second time nothing is changed");
    assert!(nothing.is_empty(), "{nothing:?} of {whole:?}");

    let mut proposed = text;
    firewall.next_input(&mut proposed, &mut Removals::new());
    assert!(!proposed.contains(|next: char| next.is_control() && !matches!(next, '\n' | '\t' | '\r')));
});

fn pieces(text: &str, cuts: &[u8]) -> Vec<String> {
    let mut rest = text.chars();
    let mut all: Vec<String> = cuts.iter().map(|cut| rest.by_ref().take(usize::from(*cut)).collect()).collect();
    all.push(rest.collect());
    all
}

/// Colours, erasing and moves within the line; nothing else that a terminal acts on.
fn harmless(text: &str) {
    for (place, character) in text.char_indices() {
        match character {
            '\x1b' => {
                let sequence = text[place + 1..].strip_prefix('[').expect("a control sequence, and whole");
                let length = sequence.bytes().take_while(|byte| (b' '..=b'?').contains(byte)).count();
                let (parameters, last) = sequence.split_at(length);
                assert!(last.starts_with(['m', 'K', 'C', 'D', 'G']), "{text:?}");
                assert!(
                    parameters.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')),
                    "{text:?}"
                );
                assert!(parameters.len() <= 64);
            }
            '\n' | '\t' | '\r' | '\x08' | '\0' => {}
            other => assert!(!other.is_control(), "{other:?} is in {text:?}"),
        }
    }
}
