//! Stylesheets: a `<style>` in an output holds for the whole page, so every selector is put under a class that
//! only this output's own box has. Rules that load, name fonts or animate by a page-wide name are left out.

use cssparser::{Delimiter, ParseError, Parser, SourcePosition, Token};

use super::super::removals::Kind;
use super::{MAX_CSS, Reading, declaration_list, parser};

/// At-rules within at-rules.
const MAX_DEPTH: usize = 8;

/// Where the scope's class stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// On a box around the output.
    Around,
    /// On the output's own root element, an `<svg>`.
    Svg,
}

/// The class under which selectors are put.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub class: &'a str,
    pub root: Root,
}

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
    let selectors = input
        .parse_until_before(Delimiter::CurlyBracketBlock, |input| Ok::<_, ParseError<()>>(selectors(input, scope)));
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

/// A list of selectors under the scope; none if one of them is beyond what is understood, as a browser does it.
fn selectors(input: &mut Parser, scope: Option<Scope>) -> Option<String> {
    let mut list = Vec::new();
    let mut one = Complex::starting(input);
    let mut fine = true;
    while fine {
        let before = input.position();
        let Ok(token) = input.next_including_whitespace().cloned() else { break };
        match token {
            Token::Comma => {
                list.push(one.under(scope, input.slice(one.start..before))?);
                one = Complex::starting(input);
            }
            Token::WhiteSpace(_) => one.end_of_compound(before),
            Token::Delim('>' | '+' | '~') => {
                // One that begins with a combinator would reach out of the scope.
                fine = one.has_compound;
                one.end_of_compound(before);
            }
            Token::Function(name) => fine = one.part() && is_selector_function(&name) && inner_selectors(input),
            Token::SquareBracketBlock => fine = one.part() && inner_selectors(input),
            Token::Ident(_) | Token::IDHash(_) | Token::Hash(_) | Token::Colon | Token::Delim('*' | '.') => {
                fine = one.part()
            }
            _ => fine = false,
        }
    }
    if !fine {
        while input.next().is_ok() {}
        return None;
    }
    let end = input.position();
    list.push(one.under(scope, input.slice(one.start..end))?);
    Some(list.join(", "))
}

/// A selector that is being read.
struct Complex {
    start: SourcePosition,
    has_compound: bool,
    /// Where its compounds end, the first few of them: enough for `html body`.
    ends: Vec<SourcePosition>,
    in_compound: bool,
}

impl Complex {
    fn starting(input: &Parser) -> Self {
        Self { start: input.position(), has_compound: false, ends: Vec::new(), in_compound: false }
    }

    fn part(&mut self) -> bool {
        self.has_compound = true;
        self.in_compound = true;
        true
    }

    fn end_of_compound(&mut self, at: SourcePosition) {
        if self.in_compound && self.ends.len() < 2 {
            self.ends.push(at);
        }
        self.in_compound = false;
    }

    fn under(&self, scope: Option<Scope>, written: &str) -> Option<String> {
        if !self.has_compound || written.contains(['\0', '{', '}']) {
            return None;
        }
        let text = written.trim();
        let Some(Scope { class, root }) = scope else { return Some(text.to_string()) };
        if root == Root::Svg && starts_with_type(text, "svg") {
            return Some(format!("{}:where(.{class}){}", text.get(..3)?, text.get(3..)?));
        }
        // Rules on the page itself hold for the output's box, and may depend on the page's theme.
        let offset = written.len() - written.trim_start().len();
        let mut head = 0;
        for end in &self.ends {
            let end = end.byte_index().checked_sub(self.start.byte_index() + offset)?;
            if !names_the_page(text.get(head..end)?.trim_start()) {
                break;
            }
            head = end;
        }
        if head == 0 && self.ends.is_empty() && names_the_page(text) {
            head = text.len();
        } else if head > 0 && self.ends.len() == 1 && names_the_page(text.get(head..)?.trim_start()) {
            head = text.len();
        }
        let (page, rest) = (text.get(..head)?, text.get(head..)?.trim_start());
        if rest.starts_with(['+', '~']) {
            return None;
        }
        let space = if page.is_empty() { "" } else { " " };
        let gap = if rest.is_empty() { "" } else { " " };
        // `:where` has no weight: the rule is as strong against the page's own as it was.
        Some(format!("{page}{space}:where(.{class}){gap}{rest}"))
    }
}

fn names_the_page(compound: &str) -> bool {
    starts_with_type(compound, "html") || starts_with_type(compound, "body") || starts_with_type(compound, ":root")
}

fn starts_with_type(compound: &str, name: &str) -> bool {
    let Some((start, rest)) = compound.split_at_checked(name.len()) else { return false };
    start.eq_ignore_ascii_case(name)
        && !rest.starts_with(|next: char| {
            next.is_alphanumeric() || next == '-' || next == '_' || next == '\\' || !next.is_ascii()
        })
}

fn is_selector_function(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "not" | "is" | "where" | "has" | "lang" | "dir")
        || (name.starts_with("nth-") && name.len() < 20)
}

/// What stands in brackets: attributes, and selectors of which it does not matter where they reach.
fn inner_selectors(input: &mut Parser) -> bool {
    input
        .parse_nested_block(|input| {
            let mut fine = true;
            while let Ok(token) = input.next().cloned() {
                fine &= match token {
                    Token::Function(name) => is_selector_function(&name) && inner_selectors(input),
                    Token::SquareBracketBlock => inner_selectors(input),
                    Token::Ident(_) | Token::IDHash(_) | Token::Hash(_) | Token::QuotedString(_) => true,
                    Token::Number { .. } | Token::Dimension { .. } | Token::Colon | Token::Comma => true,
                    Token::IncludeMatch
                    | Token::DashMatch
                    | Token::PrefixMatch
                    | Token::SuffixMatch
                    | Token::SubstringMatch => true,
                    Token::Delim('*' | '.' | '>' | '+' | '~' | '=' | '-') => true,
                    _ => false,
                };
            }
            Ok::<_, ParseError<()>>(fine)
        })
        .unwrap_or(false)
}
