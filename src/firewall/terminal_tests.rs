use proptest::prelude::*;

use super::*;

fn filtered(text: &str) -> String {
    let mut text = text.to_string();
    Terminal::default().filter(&mut text, &mut Removals::new());
    text
}

#[test]
fn colours_and_what_progress_bars_need_stay() {
    for text in [
        "plain\ttext\r\n",
        "\x1b[0;31mred\x1b[0m",
        "\x1b[38:2::255:0:0mx",
        " 50%|███  |\r\x1b[K",
        "ab\x08c",
        "\x1b[3D\x1b[1C\x1b[1G",
        "£5 · ±1",
    ] {
        assert_eq!(filtered(text), text);
    }
}

#[test]
fn everything_else_that_a_terminal_acts_on_goes() {
    for (text, rest) in [
        ("a\x1b]52;c;aGk=\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x1b]8;;http://evil/\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1bP+q544e\x1b\\b", "ab"),
        ("a\x1b_Gf=100;AAAA\x1b\\b", "ab"),
        ("a\x1b^pm\x1b\\b\x1bXsos\x1b\\c", "abc"),
        ("a\x1b[2Jb\x1b[Hc\x1b[5Ad", "abcd"),
        ("a\x1b[6nb\x1b[c", "ab"),
        ("a\x1b[?1049hb\x1b[?25lc", "abc"),
        ("a\x1b[21tb", "ab"),
        ("a\x1bcb\x1b(0c\x1b7d", "abcd"),
        ("a\u{9b}2Jb\u{9d}0;t\u{9c}c\u{85}d", "abcd"),
        ("a\x07\x0b\x0c\x0e\x7fb", "ab"),
        ("a\x00b", "a\x00b"),
        ("\u{9b}31mred", "\x1b[31mred"),
        ("a\x1b[>4;2mb\x1b[1;2Kc", "abc"),
        ("a\x1b]0;never ended\nnext", "a\nnext"),
        ("\x1b]0;a\x1b[31mb", "\x1b[31mb"),
        ("a\x1b[31", "a"),
        ("a\x1b[3é", "aé"),
    ] {
        assert_eq!(filtered(text), rest, "{text:?}");
    }
}

#[test]
fn each_sequence_counts_once() {
    let mut removed = Removals::new();
    Terminal::default().filter(&mut "\x1b]0;a title\x07 \x1b[2J \x07".to_string(), &mut removed);
    assert_eq!(removed.count(Kind::Terminal), 3);
}

#[test]
fn a_long_sequence_is_not_kept_in_memory() {
    let mut state = Terminal::default();
    state.filter(&mut format!("\x1b[{}", "1;".repeat(100_000)), &mut Removals::new());
    assert!(state.held.len() <= MAX_SEQUENCE + 1);
    let mut rest = "mafter".to_string();
    state.filter(&mut rest, &mut Removals::new());
    assert_eq!(rest, "after");
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\x1b".to_string()),
        Just("\x1b[".to_string()),
        Just("\x1b]".to_string()),
        Just("\x1b\\".to_string()),
        Just("\x1bP".to_string()),
        Just("\u{9b}".to_string()),
        Just("\u{9d}".to_string()),
        Just("31m".to_string()),
        Just("K".to_string()),
        Just("\x07".to_string()),
        Just("\n".to_string()),
        "[ -~]{0,5}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn wherever_writes_are_split_the_text_is_the_same(text in pieces(), at in any::<prop::sample::Index>()) {
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
        let (mut first, mut second) = { let (a, b) = text.split_at(places[at.index(places.len())]); (a.to_string(), b.to_string()) };
        let mut state = Terminal::default();
        state.filter(&mut first, &mut Removals::new());
        state.filter(&mut second, &mut Removals::new());
        prop_assert_eq!(first + &second, filtered(&text));
    }

    #[test]
    fn what_comes_out_has_only_what_may_stay(text in pieces()) {
        let out = filtered(&text);
        prop_assert_eq!(&filtered(&out), &out);
        for (place, character) in out.char_indices() {
            if character == '\x1b' {
                let rest = out[place..].strip_prefix("\x1b[").expect("only CSI");
                let last = rest.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':')).expect("ended");
                prop_assert!(matches!(rest.as_bytes()[last], b'm' | b'K' | b'C' | b'D' | b'G'));
            } else {
                prop_assert!(passes(character));
            }
        }
    }
}
