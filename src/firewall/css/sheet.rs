//! Stylesheets: a `<style>` in an output holds for the whole page, so every selector is put under a class that
//! only this output's own box has. Rules that load, name fonts or animate by a page-wide name are left out.

use cssparser::{Delimiter, ParseError, Parser, Token};

use super::super::removals::Kind;
use super::scope::Scope;
use super::{MAX_CSS, Reading, declaration_list, parser, selector};

/// At-rules within at-rules.
const MAX_DEPTH: usize = 8;

/// What may stay of a stylesheet, with its selectors under the scope; without one they are only checked. It has no
/// `<` and no `&`, so it is the same text in HTML and in SVG.
pub fn sheet(text: &str, scope: Option<Scope>, reading: &mut Reading) -> String {
    let mut out = String::new();
    if text.len() > MAX_CSS {
        reading.removed.add(Kind::TooLarge);
        return out;
    }
    rules(&mut parser(text), scope, reading, &mut out, 0);
    if out.contains(['<', '&']) {
        // They stand in strings only, where an escape means the same.
        out = out.replace('<', "\\3c ").replace('&', "\\26 ");
    }
    out
}

fn rules(input: &mut Parser, scope: Option<Scope>, reading: &mut Reading, out: &mut String, depth: usize) {
    loop {
        let state = input.state();
        let name = match input.next() {
            Err(_) => return,
            Ok(Token::Semicolon | Token::CDO | Token::CDC) => continue,
            Ok(Token::AtKeyword(name)) => Some(name.to_ascii_lowercase()),
            Ok(_) => None,
        };
        match name {
            Some(name) => at_rule(&name, input, scope, reading, out, depth),
            None => {
                input.reset(&state);
                style_rule(input, scope, reading, out);
            }
        }
        if out.len() > 2 * MAX_CSS {
            reading.removed.add(Kind::TooLarge);
            return;
        }
    }
}

fn at_rule(
    name: &str,
    input: &mut Parser,
    scope: Option<Scope>,
    reading: &mut Reading,
    out: &mut String,
    depth: usize,
) {
    let prelude = input.parse_until_before(Delimiter::CurlyBracketBlock | Delimiter::Semicolon, |input| {
        let start = input.position();
        let fine = condition(input);
        Ok::<_, ParseError<()>>((input.slice_from(start), fine))
    });
    let (prelude, fine) = prelude.unwrap_or(("", false));
    let block = matches!(input.next(), Ok(Token::CurlyBracketBlock));
    match name {
        "media" | "supports" if block && fine && depth < MAX_DEPTH => {
            let mut inner = String::new();
            let _ = input.parse_nested_block(|input| {
                rules(input, scope, reading, &mut inner, depth + 1);
                Ok::<_, ParseError<()>>(())
            });
            out.push('@');
            out.push_str(name);
            out.push(' ');
            out.push_str(prelude.trim());
            out.push_str(" {\n");
            out.push_str(&inner);
            out.push_str("}\n");
        }
        "import" | "font-face" => reading.removed.add(Kind::Remote),
        // Namespaces, layers, keyframes and the like have names that hold for the whole page.
        _ => {}
    }
}

/// The condition of a `@media` or `@supports`: nothing in it but words, numbers and comparisons.
fn condition(input: &mut Parser) -> bool {
    let mut fine = true;
    while let Ok(token) = input.next().cloned() {
        fine &= match token {
            Token::ParenthesisBlock => {
                input.parse_nested_block(|input| Ok::<_, ParseError<()>>(condition(input))).unwrap_or(false)
            }
            Token::Ident(name) => !name.contains('\\'),
            Token::Number { .. } | Token::Dimension { .. } | Token::Percentage { .. } => true,
            Token::Colon | Token::Comma | Token::Hash(_) | Token::IDHash(_) | Token::Delim('>' | '=' | '/') => true,
            _ => false,
        };
    }
    fine
}

fn style_rule(input: &mut Parser, scope: Option<Scope>, reading: &mut Reading, out: &mut String) {
    let selectors = input.parse_until_before(Delimiter::CurlyBracketBlock, |input| {
        Ok::<_, ParseError<()>>(selector::list(input, scope))
    });
    let block = matches!(input.next(), Ok(Token::CurlyBracketBlock));
    let mut body = String::new();
    if block {
        let _ = input.parse_nested_block(|input| {
            declaration_list(input, reading, &mut body);
            Ok::<_, ParseError<()>>(())
        });
    }
    match selectors {
        Ok(Some(selectors)) if block && !body.is_empty() => {
            out.push_str(&selectors);
            out.push_str(" { ");
            out.push_str(&body);
            out.push_str("}\n");
        }
        _ => {}
    }
}
