//! Expressions as trees: what Vega's own parser takes, which is JavaScript's expressions without anything that assigns,
//! makes functions or calls what has no name. Bounded in length, nesting and number; chains are lists, so that the
//! nesting of the tree is that of the text.

use super::lexer::{Lexer, MAX_LENGTH, Token};

/// The deepest nesting.
const MAX_DEPTH: usize = 64;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Number,
    Text(String),
    /// `true`, `false`, `null`.
    Literal,
    /// A regular expression, which can become a text.
    Regex(String),
    Name(String),
    /// What is taken from a value, step by step: `datum.a['b'][0]`.
    Path(Box<Node>, Vec<Step>),
    Call(String, Vec<Node>),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
    /// `-a`, `!a`: the operators that stand before a value.
    Before(&'static str, Box<Node>),
    /// A value and what follows it, each after its operator: `a + b - c`.
    Chain(Box<Node>, Vec<(&'static str, Node)>),
    /// Tests with their results, and what holds otherwise: `a ? b : c ? d : e`.
    Choice(Vec<(Node, Node)>, Box<Node>),
}

impl Node {
    /// Every text that is written in it.
    pub fn texts(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'n>(&'n self, found: &mut Vec<&'n str>) {
        match self {
            Self::Number | Self::Literal | Self::Name(_) => {}
            Self::Text(text) | Self::Regex(text) => found.push(text),
            Self::Path(root, steps) => {
                root.collect(found);
                for step in steps {
                    match step {
                        Step::Name(name) => found.push(name),
                        Step::Computed(node) => node.collect(found),
                    }
                }
            }
            Self::Call(_, nodes) | Self::Array(nodes) => nodes.iter().for_each(|node| node.collect(found)),
            Self::Object(entries) => entries.iter().for_each(|(key, node)| {
                found.push(key);
                node.collect(found);
            }),
            Self::Before(_, inner) => inner.collect(found),
            Self::Chain(first, rest) => {
                first.collect(found);
                rest.iter().for_each(|(_, node)| node.collect(found));
            }
            Self::Choice(choices, last) => {
                for (test, result) in choices {
                    test.collect(found);
                    result.collect(found);
                }
                last.collect(found);
            }
        }
    }
}

/// One step along a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Name(String),
    /// Of which the name, or the number, is itself worked out.
    Computed(Node),
}

/// Reads an expression; nothing if it is none, or too large.
pub fn parse(text: &str) -> Option<Node> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let start = Lexer::new(text);
    let mut parser = Parser { start: start.clone(), lexer: start, token: Token::End };
    parser.advance()?;
    let node = parser.expression(0)?;
    (parser.token == Token::End).then_some(node)
}

/// Operators between values, those that bind least first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!=", "===", "!=="],
    &["<", ">", "<=", ">="],
    &["<<", ">>", ">>>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Words that begin something else than a value.
const RESERVED: [&str; 32] = [
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "finally",
    "for",
    "function",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "return",
    "super",
    "switch",
    "this",
    "throw",
    "typeof",
    "void",
    "while",
    "with",
    "yield",
];

struct Parser<'e> {
    /// Where the word begins that is looked at.
    start: Lexer<'e>,
    /// Where it ends.
    lexer: Lexer<'e>,
    token: Token,
}

impl Parser<'_> {
    /// Goes past a word.
    fn advance(&mut self) -> Option<Token> {
        self.start = self.lexer.clone();
        let next = self.lexer.next()?;
        Some(std::mem::replace(&mut self.token, next))
    }

    /// Goes past a sign, if it stands here.
    fn takes(&mut self, wanted: &str) -> Option<bool> {
        let here = matches!(self.token, Token::Sign(sign) if sign == wanted);
        if here {
            self.advance()?;
        }
        Some(here)
    }

    fn expression(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut first = self.level(0, depth)?;
        let mut choices = Vec::new();
        while self.takes("?")? {
            let result = self.expression(depth + 1)?;
            self.takes(":")?.then_some(())?;
            choices.push((first, result));
            first = self.level(0, depth)?;
        }
        Some(if choices.is_empty() { first } else { Node::Choice(choices, Box::new(first)) })
    }

    fn level(&mut self, level: usize, depth: usize) -> Option<Node> {
        let Some(operators) = LEVELS.get(level) else { return self.before(depth) };
        let first = self.level(level + 1, depth)?;
        let mut rest = Vec::new();
        while let Token::Sign(sign) = self.token
            && operators.contains(&sign)
        {
            self.advance()?;
            rest.push((sign, self.level(level + 1, depth)?));
        }
        Some(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    fn before(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.token {
            Token::Sign(sign @ ("+" | "-" | "!" | "~")) => {
                self.advance()?;
                Some(Node::Before(sign, Box::new(self.before(depth + 1)?)))
            }
            _ => self.path(depth),
        }
    }

    fn path(&mut self, depth: usize) -> Option<Node> {
        let root = self.value(depth)?;
        let mut steps = Vec::new();
        loop {
            if self.takes(".")? {
                let Token::Name(name) = self.advance()? else { return None };
                steps.push(Step::Name(name));
            } else if self.takes("[")? {
                let index = self.expression(depth + 1)?;
                self.takes("]")?.then_some(())?;
                steps.push(match index {
                    Node::Text(name) => Step::Name(name),
                    index => Step::Computed(index),
                });
            } else {
                return Some(if steps.is_empty() { root } else { Node::Path(Box::new(root), steps) });
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if self.token == Token::Sign("/") {
            self.lexer = self.start.clone();
            self.token = self.lexer.regex()?;
        }
        match self.advance()? {
            Token::Number => Some(Node::Number),
            Token::Text(text) => Some(Node::Text(text)),
            Token::Regex(pattern) => Some(Node::Regex(pattern)),
            Token::Name(name) => self.name(name, depth),
            Token::Sign("(") => {
                let inner = self.expression(depth + 1)?;
                self.takes(")")?.then_some(inner)
            }
            Token::Sign("[") => self.list("]", depth).map(Node::Array),
            Token::Sign("{") => self.object(depth),
            _ => None,
        }
    }

    fn name(&mut self, name: String, depth: usize) -> Option<Node> {
        match name.as_str() {
            "true" | "false" | "null" => Some(Node::Literal),
            word if RESERVED.contains(&word) => None,
            _ if self.takes("(")? => self.list(")", depth).map(|arguments| Node::Call(name, arguments)),
            _ => Some(Node::Name(name)),
        }
    }

    /// Values with commas between them, up to a bracket.
    fn list(&mut self, end: &str, depth: usize) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        if self.takes(end)? {
            return Some(items);
        }
        loop {
            items.push(self.expression(depth + 1)?);
            if self.takes(end)? {
                return Some(items);
            }
            self.takes(",")?.then_some(())?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Node> {
        let mut entries = Vec::new();
        if self.takes("}")? {
            return Some(Node::Object(entries));
        }
        loop {
            let key = match self.advance()? {
                Token::Name(name) | Token::Text(name) => name,
                Token::Number => String::new(),
                _ => return None,
            };
            self.takes(":")?.then_some(())?;
            entries.push((key, self.expression(depth + 1)?));
            if self.takes("}")? {
                return Some(Node::Object(entries));
            }
            self.takes(",")?.then_some(())?;
        }
    }
}
