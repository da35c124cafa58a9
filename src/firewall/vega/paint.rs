//! Texts that end up in styles: colours, pointers, ways to mix layers. In SVG a colour can be the address of a paint.

use super::super::css;
use super::super::removals::Removals;

/// The pointers that a style sheet has words for.
const POINTERS: [&str; 36] = [
    "alias",
    "all-scroll",
    "auto",
    "cell",
    "col-resize",
    "context-menu",
    "copy",
    "crosshair",
    "default",
    "e-resize",
    "ew-resize",
    "grab",
    "grabbing",
    "help",
    "move",
    "n-resize",
    "ne-resize",
    "nesw-resize",
    "no-drop",
    "none",
    "not-allowed",
    "ns-resize",
    "nw-resize",
    "nwse-resize",
    "pointer",
    "progress",
    "row-resize",
    "s-resize",
    "se-resize",
    "sw-resize",
    "text",
    "vertical-text",
    "w-resize",
    "wait",
    "zoom-in",
    "zoom-out",
];

/// The ways to mix layers.
const BLENDS: [&str; 17] = [
    "color",
    "color-burn",
    "color-dodge",
    "darken",
    "difference",
    "exclusion",
    "hard-light",
    "hue",
    "lighten",
    "luminosity",
    "multiply",
    "normal",
    "overlay",
    "saturation",
    "screen",
    "soft-light",
    "plus-lighter",
];

/// Whether this is a pointer's name, or none.
pub fn is_pointer(text: &str) -> bool {
    text.is_empty() || POINTERS.contains(&text)
}

/// Whether this is a way to mix layers, or none.
pub fn is_blend(text: &str) -> bool {
    text.is_empty() || BLENDS.contains(&text)
}

/// Whether a text, wherever it ends up, is no address of a paint.
pub fn is_no_address(text: &str, remote: bool) -> bool {
    remote || !names_address(text) || css::value_is_fine(text, false, &mut Removals::new())
}

/// Whether a text that is a colour is one that loads nothing.
pub fn is_colour(text: &str, remote: bool) -> bool {
    !text.contains(['\\', ';', '{', '}', '<']) && (css::value_is_fine(text, remote, &mut Removals::new()))
}

/// Whether `url(` is in a text, as a style sheet reads it: in any case, with escapes.
fn names_address(text: &str) -> bool {
    if !text.contains('(') {
        return false;
    }
    if !text.contains('\\') {
        return text.as_bytes().windows(4).any(|window| window.eq_ignore_ascii_case(b"url("));
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character.to_ascii_lowercase());
            continue;
        }
        let (mut code, mut digits) = (0_u32, 0);
        while let Some(digit) = characters.peek().and_then(|next| next.to_digit(16)).filter(|_| digits < 6) {
            (code, digits) = (code * 16 + digit, digits + 1);
            characters.next();
        }
        match digits {
            0 => plain.extend(characters.next().map(|next| next.to_ascii_lowercase())),
            _ => {
                plain.extend(char::from_u32(code).map(|character| character.to_ascii_lowercase()));
                characters.next_if(|next| next.is_ascii_whitespace());
            }
        }
    }
    plain.contains("url(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_colours() {
        for fine in ["red", "#1f77b4", "rgb(1, 2, 3)", "rgba(1,2,3,.5)", "hsl(120deg 50% 50%)", "transparent", ""] {
            assert!(is_colour(fine, false) && is_no_address(fine, false), "{fine}");
        }
        for bad in ["url(http://x)", "URL(//x#y)", "u\\72l(//x)", "red;background:url(x)", "image-set('x' 1x)"] {
            assert!(!is_colour(bad, false), "{bad}");
        }
        for bad in ["url(http://x)", "\\75 rl(//x)", "u\\rl(//x)", "UR\\4c(//x)"] {
            assert!(!is_no_address(bad, false), "{bad}");
        }
        assert!(is_no_address("\\frac(1) and curl (x)", false));
        assert!(is_pointer("pointer") && !is_pointer("url(x), auto"));
        assert!(is_blend("multiply") && !is_blend("x; color: red"));
    }
}
