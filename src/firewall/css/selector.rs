//! Selectors: read token by token and written anew, with the output's own names under their prefix and everything under
//! the scope's class. A browser leaves out a rule with a selector that it does not know; so does this.

use std::borrow::Cow;

use cssparser::{ParseError, Parser, ToCss, Token, serialize_identifier, serialize_string};

use super::super::names;
use super::scope::{Root, Scope};

/// Pseudo-classes and pseudo-elements without arguments, sorted.
const PSEUDO: [&str; 46] = [
    "-moz-progress-bar",
    "-webkit-details-marker",
    "-webkit-meter-bar",
    "-webkit-progress-bar",
    "-webkit-progress-value",
    "-webkit-scrollbar",
    "-webkit-scrollbar-thumb",
    "-webkit-scrollbar-track",
    "active",
    "after",
    "any-link",
    "before",
    "checked",
    "default",
    "details-content",
    "disabled",
    "empty",
    "enabled",
    "even",
    "first-child",
    "first-letter",
    "first-line",
    "first-of-type",
    "focus",
    "focus-visible",
    "focus-within",
    "hover",
    "in-range",
    "indeterminate",
    "last-child",
    "last-of-type",
    "link",
    "marker",
    "odd",
    "only-child",
    "only-of-type",
    "open",
    "optional",
    "out-of-range",
    "placeholder",
    "read-only",
    "root",
    "scope",
    "selection",
    "target",
    "visited",
];

/// A list of selectors under the scope; none if one of them is beyond what is understood, as a browser does it.
pub fn list(input: &mut Parser, scope: Option<Scope>) -> Option<String> {
    let all = complex_list(input, Place::Rule)?;
    let written: Option<Vec<String>> = all.iter().map(|one| one.under(scope)).collect();
    Some(written?.join(", "))
}

/// Where a list of selectors stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before a rule's block.
    Rule,
    /// In `:not()`, `:is()` and `:where()`.
    Inner,
    /// In `:has()`, where one may begin with a combinator.
    Relative,
}

fn complex_list(input: &mut Parser, place: Place) -> Option<Vec<Complex>> {
    let mut list = Vec::new();
    let mut one = Complex::new(place);
    let mut fine = true;
    while fine {
        let Ok(token) = input.next_including_whitespace().cloned() else { break };
        match token {
            Token::Comma => {
                fine = one.is_whole();
                list.push(std::mem::replace(&mut one, Complex::new(place)));
            }
            token => fine = one.take(&token, input),
        }
    }
    if !fine || !one.is_whole() {
        while input.next().is_ok() {}
        return None;
    }
    list.push(one);
    Some(list)
}

/// What the next name in a compound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Type,
    Class,
    Pseudo,
    /// After `:`, of which there may be a second.
    PseudoOrColon,
}

/// A selector that is being read, as it is written.
#[derive(Debug)]
struct Complex {
    place: Place,
    text: String,
    has_compound: bool,
    in_compound: bool,
    /// Whether a combinator waits for what it leads to.
    waits: bool,
    next: Next,
    /// Whether the compound names the page itself, whose classes are its own; and whether all did so far.
    is_page: bool,
    all_page: bool,
    /// Where the leading compounds that name the page end.
    head: usize,
}

impl Complex {
    fn new(place: Place) -> Self {
        Self {
            place,
            text: String::new(),
            has_compound: false,
            in_compound: false,
            waits: false,
            next: Next::Type,
            is_page: false,
            all_page: true,
            head: 0,
        }
    }

    fn is_whole(&mut self) -> bool {
        self.end_of_compound();
        self.has_compound && !self.waits && self.next == Next::Type
    }

    fn take(&mut self, token: &Token, input: &mut Parser) -> bool {
        match token {
            Token::WhiteSpace(_) => {
                self.end_of_compound();
                if !self.text.is_empty() && !self.text.ends_with(' ') {
                    self.text.push(' ');
                }
                self.next == Next::Type
            }
            Token::Delim(sign @ ('>' | '+' | '~')) => {
                self.end_of_compound();
                // One that begins with a combinator would reach out of the scope.
                let fine =
                    !self.waits && self.next == Next::Type && (self.has_compound || self.place == Place::Relative);
                // And so would one right after the page itself.
                let fine = fine && !(*sign != '>' && self.has_compound && self.head > 0 && self.all_page);
                if !self.text.ends_with(' ') {
                    self.text.push(' ');
                }
                self.text.push(*sign);
                self.waits = true;
                fine
            }
            Token::Ident(name) => self.name(name),
            Token::Delim('*') => {
                let fine = !self.in_compound && self.next == Next::Type;
                self.part();
                self.text.push('*');
                fine
            }
            Token::IDHash(name) => {
                let fine = self.next == Next::Type;
                self.part();
                self.text.push('#');
                let name = if self.is_page { Some(Cow::Borrowed(&**name)) } else { names::id(name) };
                fine && name.is_some_and(|name| identifier(&name, &mut self.text))
            }
            Token::Delim('.') => {
                let fine = self.next == Next::Type;
                self.part();
                self.text.push('.');
                self.next = Next::Class;
                fine
            }
            Token::Colon => {
                let next = match self.next {
                    Next::Type => Next::PseudoOrColon,
                    Next::PseudoOrColon => Next::Pseudo,
                    _ => return false,
                };
                self.next = next;
                if next == Next::PseudoOrColon {
                    self.part();
                }
                self.text.push(':');
                true
            }
            Token::Function(name) => {
                let fine = matches!(self.next, Next::PseudoOrColon);
                self.next = Next::Type;
                fine && function(name, input, &mut self.text)
            }
            Token::SquareBracketBlock => {
                let fine = self.next == Next::Type;
                self.part();
                fine && attribute(input, &mut self.text, self.is_page)
            }
            _ => false,
        }
    }

    fn name(&mut self, name: &str) -> bool {
        match std::mem::replace(&mut self.next, Next::Type) {
            Next::Type => {
                let fine = !self.in_compound;
                self.part();
                self.is_page = self.leads() && (name.eq_ignore_ascii_case("html") || name.eq_ignore_ascii_case("body"));
                fine && identifier(name, &mut self.text)
            }
            Next::Class => {
                let name = if self.is_page { Some(Cow::Borrowed(name)) } else { names::class(name) };
                name.is_some_and(|name| identifier(&name, &mut self.text))
            }
            Next::Pseudo | Next::PseudoOrColon => {
                let name = name.to_ascii_lowercase();
                let first =
                    self.text.trim_end_matches(':').ends_with(' ') || self.text.trim_end_matches(':').is_empty();
                self.is_page |= self.leads() && first && name == "root";
                self.text.push_str(&name);
                PSEUDO.binary_search(&name.as_str()).is_ok()
            }
        }
    }

    /// Whether the compound is one of those at the start that may name the page.
    fn leads(&self) -> bool {
        self.place == Place::Rule && self.all_page
    }

    fn part(&mut self) {
        if !self.in_compound && self.waits && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
        self.has_compound = true;
        self.in_compound = true;
        self.waits = false;
    }

    fn end_of_compound(&mut self) {
        if std::mem::take(&mut self.in_compound) {
            self.all_page &= self.is_page;
            if self.all_page {
                self.head = self.text.len();
            }
            self.is_page = false;
        }
    }

    fn under(&self, scope: Option<Scope>) -> Option<String> {
        let text = self.text.trim();
        let Some(Scope { class, root }) = scope else { return Some(text.to_string()) };
        if root == Root::Svg && starts_with_type(text, "svg") {
            return Some(format!("{}:where(.{class}){}", text.get(..3)?, text.get(3..)?));
        }
        // Rules on the page itself hold for the output's box, and may depend on the page's theme.
        let (page, rest) = (text.get(..self.head)?, text.get(self.head..)?.trim_start());
        let space = if page.is_empty() { "" } else { " " };
        let gap = if rest.is_empty() { "" } else { " " };
        // `:where` has no weight: the rule is as strong against the page's own as it was.
        Some(format!("{page}{space}:where(.{class}){gap}{rest}"))
    }
}

fn identifier(name: &str, out: &mut String) -> bool {
    // The formatter of a string cannot fail.
    !name.contains('\0') && serialize_identifier(name, out).is_ok()
}

fn starts_with_type(compound: &str, name: &str) -> bool {
    let Some((start, rest)) = compound.split_at_checked(name.len()) else { return false };
    start.eq_ignore_ascii_case(name)
        && !rest.starts_with(|next: char| {
            next.is_alphanumeric() || next == '-' || next == '_' || next == '\\' || !next.is_ascii()
        })
}

/// What a functional pseudo-class is given, and its closing bracket.
fn function(name: &str, input: &mut Parser, out: &mut String) -> bool {
    let name = name.to_ascii_lowercase();
    out.push_str(&name);
    out.push('(');
    let inside = input.parse_nested_block(|input| {
        let inside = match name.as_str() {
            "not" | "is" | "where" => inner(input, Place::Inner),
            "has" => inner(input, Place::Relative),
            "lang" | "dir" | "nth-child" | "nth-last-child" | "nth-of-type" | "nth-last-of-type" => words(input),
            _ => None,
        };
        while input.next().is_ok() {}
        Ok::<_, ParseError<()>>(inside)
    });
    let Ok(Some(inside)) = inside else { return false };
    out.push_str(&inside);
    out.push(')');
    true
}

/// A list of selectors of which it does not matter where they reach: they only say which of the output's own are meant.
fn inner(input: &mut Parser, place: Place) -> Option<String> {
    let texts: Vec<String> = complex_list(input, place)?.iter().map(|one| one.text.trim().to_owned()).collect();
    Some(texts.join(", "))
}

/// Words and numbers: languages, and the steps of `:nth-child()`.
fn words(input: &mut Parser) -> Option<String> {
    let mut out = String::new();
    while let Ok(token) = input.next_including_whitespace().cloned() {
        match token {
            Token::Ident(_) | Token::Number { .. } | Token::Dimension { .. } => token.to_css(&mut out).ok()?,
            Token::QuotedString(text) if !text.contains('\0') => serialize_string(&text, &mut out).ok()?,
            Token::Comma | Token::Delim('+' | '-') => token.to_css(&mut out).ok()?,
            Token::WhiteSpace(_) => out.push(' '),
            _ => return None,
        }
    }
    Some(out.trim().to_owned()).filter(|out| !out.is_empty())
}

/// An attribute in brackets.
fn attribute(input: &mut Parser, out: &mut String, is_page: bool) -> bool {
    let inside = input.parse_nested_block(|input| {
        let inside = attribute_inside(input, is_page);
        while input.next().is_ok() {}
        Ok::<_, ParseError<()>>(inside)
    });
    let Ok(Some(inside)) = inside else { return false };
    out.push('[');
    out.push_str(&inside);
    out.push(']');
    true
}

fn attribute_inside(input: &mut Parser, is_page: bool) -> Option<String> {
    let mut out = String::new();
    let name = input.expect_ident_cloned().ok()?;
    identifier(&name, &mut out).then_some(())?;
    let Ok(operator) = input.next().cloned() else { return Some(out) };
    let operator = match operator {
        Token::Delim('=') => "=",
        Token::IncludeMatch => "~=",
        Token::DashMatch => "|=",
        Token::PrefixMatch => "^=",
        Token::SuffixMatch => "$=",
        Token::SubstringMatch => "*=",
        _ => return None,
    };
    let value = input.expect_ident_or_string().ok()?.clone();
    let value = match is_page || matches!(operator, "$=" | "*=") || value.is_empty() {
        true => Cow::Borrowed(&*value),
        false => match name.to_ascii_lowercase().as_str() {
            "class" => names::classes(&value),
            "id" | "for" | "headers" | "aria-labelledby" | "aria-describedby" | "aria-controls" => names::ids(&value),
            "href" if value.len() > 1 && value.starts_with('#') => names::reference(&value)?,
            _ => Cow::Borrowed(&*value),
        },
    };
    if value.contains('\0') {
        return None;
    }
    out.push_str(operator);
    serialize_string(&value, &mut out).ok()?;
    if let Ok(flag) = input.expect_ident_cloned() {
        let flag = flag.to_ascii_lowercase();
        matches!(flag.as_str(), "i" | "s").then_some(())?;
        out.push(' ');
        out.push_str(&flag);
    }
    input.is_exhausted().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searched_tables_are_sorted() {
        let mut sorted = PSEUDO;
        sorted.sort_unstable();
        assert_eq!(PSEUDO, sorted);
    }
}
