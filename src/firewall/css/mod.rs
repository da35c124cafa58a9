//! What CSS in an output may say: it styles that output, loads nothing and runs nothing. Read with the
//! parser that browsers are built on. It knows nothing of HTML but that its text ends up there.

mod extent;
mod properties;
mod scope;
mod selector;
mod sheet;
mod value;

pub use scope::{Root, Scope};
pub use sheet::sheet;
pub use value::{single, value_is_fine};

use cssparser::{Delimiter, Parser, Token};
use std::borrow::Cow;

use super::removals::{Kind, Removals};
use properties::Manner;

/// The longest stylesheet or attribute that is looked at, in bytes.
pub const MAX_CSS: usize = 2 << 20;

/// The deepest nesting of blocks and functions.
const MAX_NESTED: u8 = 24;

/// What is found while CSS is read.
#[derive(Debug)]
pub struct Reading<'a> {
    /// Whether remote URLs may stay.
    pub remote: bool,
    pub removed: &'a mut Removals,
    /// Whether something was let through that could be painted outside its place, so that the whole output has to be
    /// contained.
    pub roams: bool,
}

/// What may stay of a `style` attribute.
pub fn declarations<'s>(style: &'s str, reading: &mut Reading) -> Cow<'s, str> {
    if style.len() > MAX_CSS {
        reading.removed.add(Kind::TooLarge);
        return Cow::Borrowed("");
    }
    let mut input = parser(style);
    let mut out = String::new();
    match declaration_list(&mut input, reading, &mut out) && !style.contains("/*") {
        true => Cow::Borrowed(style),
        false => Cow::Owned(out),
    }
}

/// Whether the lengths of a value lead no further than an honest layout does.
pub fn is_near(value: &str) -> bool {
    extent::of(value) == extent::Reach::Near
}

/// Whether a property with this value keeps its element in its place, if it is one that is known. `text_color` and the like
/// are no properties of CSS, but become one.
pub fn stays_in_place(name: &str, value: &str) -> bool {
    let known = properties::is_known(name);
    if known { properties::manner(name, value) != Manner::Refused } else { is_near(value) }
}

fn parser(text: &str) -> Parser<'_> {
    let mut parser = Parser::new(text);
    parser.set_nested_block_limit(MAX_NESTED);
    parser
}

/// Reads declarations up to the end and writes those that may stay; says whether that is all of them, as they
/// are written.
fn declaration_list(input: &mut Parser, reading: &mut Reading, out: &mut String) -> bool {
    let mut whole = true;
    loop {
        let state = input.state();
        match input.next() {
            Err(_) => return whole,
            Ok(Token::Semicolon) => continue,
            Ok(_) => input.reset(&state),
        }
        let written = input.parse_until_before(Delimiter::Semicolon, |input| {
            Ok::<_, cssparser::ParseError<()>>(declaration(input, reading))
        });
        match written {
            Ok(Some((name, value))) => {
                whole &= matches!(value, Cow::Borrowed(_));
                out.push_str(&name);
                out.push_str(": ");
                out.push_str(value.trim());
                out.push_str("; ");
            }
            // What is no declaration means nothing to a browser either.
            _ => whole = false,
        }
    }
}

/// One declaration, to the end of the input.
fn declaration<'i>(input: &mut Parser<'i>, reading: &mut Reading) -> Option<(String, Cow<'i, str>)> {
    let read = input.expect_ident().map(|name| name.to_string()).ok().filter(|_| input.expect_colon().is_ok());
    let name = match read {
        Some(name) if properties::is_name(&name) => name,
        _ => {
            while input.next().is_ok() {}
            return None;
        }
    };
    let value = value::read(input, reading)?;
    match properties::manner(&name, &value) {
        Manner::Calm => {}
        Manner::Roaming => reading.roams = true,
        Manner::Refused => {
            reading.removed.add(Kind::Style);
            return None;
        }
    }
    Some((name, value))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
