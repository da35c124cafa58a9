//! How far the lengths of a value reach. It is coarse: a unit is so many pixels, whatever the font.

use cssparser::{ParseError, Parser, Token};

use super::parser;

/// How far something is from its place, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// No further than things are in an honest layout.
    Near,
    /// Nobody can say: it depends on a variable, the window, or a product.
    Unclear,
    /// Further up or to the left than what an honest layout straightens by, or further down than an output is high.
    Aside,
    /// Larger than any honest output.
    Vast,
}

/// The furthest up and to the left, and down and to the right, in pixels.
const BACK: f32 = -64.0;
const ON: f32 = 1500.0;

/// The same in percent, of the element's own box or its parent's.
const PERCENT: f32 = 100.0;

/// The largest length of all.
const VAST: f32 = 30_000.0;

/// How far a value reaches.
pub fn of(value: &str) -> Reach {
    // Words, and numbers of three digits.
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if !value.contains(['-', '(', 'v', 'V', 'e', 'E', '%']) && !value.as_bytes().windows(4).any(digits) {
        return Reach::Near;
    }
    let mut reach = Reach::Near;
    lengths(&mut parser(value), Within::Nothing, &mut reach);
    reach
}

/// How often larger than it is something may be drawn.
const SCALE: f32 = 4.0;

/// How far the numbers of a `scale` reach: what is beside the middle is moved away from it.
pub fn of_scale(value: &str) -> Reach {
    let mut reach = Reach::Near;
    lengths(&mut parser(value), Within::Scale, &mut reach);
    reach
}

/// What the lengths stand in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    /// A function that takes plain numbers for pixels.
    Move,
    /// One that adds and takes away.
    Sum,
    /// One that makes larger or smaller.
    Scale,
}

fn lengths(input: &mut Parser, within: Within, reach: &mut Reach) {
    while let Ok(token) = input.next().cloned() {
        let here = match &token {
            Token::Dimension { value, unit, .. } => dimension(*value, unit).max(match within {
                Within::Sum => dimension(-*value, unit),
                _ => Reach::Near,
            }),
            Token::Percentage { unit_value, .. } if (unit_value * 100.0).abs() > PERCENT => Reach::Aside,
            Token::Number { value, .. } if within == Within::Scale => match value.abs() <= SCALE {
                true => Reach::Near,
                false => Reach::Aside,
            },
            Token::Number { value, .. } if within != Within::Nothing => pixels(*value),
            Token::Delim('*' | '/') if within == Within::Sum => Reach::Unclear,
            // Nothing is worked out in one.
            Token::Function(_) if within == Within::Scale => Reach::Aside,
            Token::Function(name) => function(&name.to_ascii_lowercase(), input, reach),
            Token::ParenthesisBlock => {
                nested(input, within, reach);
                Reach::Near
            }
            _ => Reach::Near,
        };
        *reach = (*reach).max(here);
    }
}

fn function(name: &str, input: &mut Parser, reach: &mut Reach) -> Reach {
    let within = match name {
        "calc" | "min" | "max" | "clamp" | "mod" | "rem" | "round" => Within::Sum,
        _ if name.starts_with("scale") => Within::Scale,
        _ if name.starts_with("matrix") || name.starts_with("translate") => Within::Move,
        _ => Within::Nothing,
    };
    nested(input, within, reach);
    match name {
        "var" | "env" | "attr" | "pow" | "exp" | "hypot" | "log" => Reach::Unclear,
        _ => Reach::Near,
    }
}

fn nested(input: &mut Parser, within: Within, reach: &mut Reach) {
    let _ = input.parse_nested_block(|input| {
        lengths(input, within, reach);
        Ok::<_, ParseError<()>>(())
    });
}

fn dimension(value: f32, unit: &str) -> Reach {
    let unit = unit.to_ascii_lowercase();
    let scale = match unit.as_str() {
        "px" => 1.0,
        "pt" => 1.34,
        "pc" | "em" | "rem" | "ex" | "ch" | "cap" | "ic" | "lh" | "rlh" => 16.0,
        "in" => 96.0,
        "cm" => 37.8,
        "mm" => 3.78,
        "q" => 0.95,
        "deg" | "rad" | "grad" | "turn" | "s" | "ms" | "fr" | "dpi" | "dppx" | "dpcm" | "x" => return Reach::Near,
        // Of the window, or of a container: as large as the page.
        _ if value == 0.0 => return Reach::Near,
        _ if value.abs() > 200.0 => return Reach::Vast,
        _ => return Reach::Unclear,
    };
    pixels(value * scale)
}

fn pixels(value: f32) -> Reach {
    if !value.is_finite() || value.abs() > VAST {
        Reach::Vast
    } else if (BACK..=ON).contains(&value) {
        Reach::Near
    } else {
        Reach::Aside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_near_or_far() {
        for (value, reach) in [
            ("10px 2em 50% auto", Reach::Near),
            ("-1px", Reach::Near),
            ("translate(-50%, -50%)", Reach::Near),
            ("100vh", Reach::Unclear),
            ("var(--a)", Reach::Unclear),
            ("calc(2 * 3px)", Reach::Unclear),
            ("-9999px", Reach::Aside),
            ("calc(10px + (5px - 300em))", Reach::Aside),
            ("translate3d(0, -5in, 0)", Reach::Aside),
            ("-200%", Reach::Aside),
            ("1e9px", Reach::Vast),
            ("99999px", Reach::Vast),
            ("9e3vh", Reach::Vast),
            ("red", Reach::Near),
            ("rotate(45deg) 1e5s", Reach::Near),
        ] {
            assert_eq!(of(value), reach, "{value}");
        }
    }
}
