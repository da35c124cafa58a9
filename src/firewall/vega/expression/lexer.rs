//! The words of an expression. What JavaScript might read in another way is no word here: escapes in names, comments,
//! old octal numbers.

/// The longest expression, in bytes.
pub const MAX_LENGTH: usize = 1 << 18;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Number,
    Text(String),
    /// A name, or a word of JavaScript's own.
    Name(String),
    Regex(String),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

/// The longer ones before those that they begin with.
const SIGNS: [&str; 38] = [
    ">>>", "===", "!==", "<<", ">>", "<=", ">=", "==", "!=", "++", "--", "&&", "||", "(", ")", "[", "]", "{", "}", ",",
    ":", "?", ".", "+", "-", "*", "/", "%", "<", ">", "!", "~", "&", "|", "^", "=", ";", "\\",
];

/// Reads an expression word by word.
#[derive(Clone, Debug)]
pub struct Lexer<'e> {
    rest: &'e str,
}

impl<'e> Lexer<'e> {
    /// The words of this text.
    pub fn new(text: &'e str) -> Self {
        Self { rest: text }
    }

    /// The next word, a slash being an operator; nothing if there is none that is known.
    pub fn next(&mut self) -> Option<Token> {
        self.skip_space();
        let Some(first) = self.rest.chars().next() else { return Some(Token::End) };
        match first {
            '"' | '\'' => self.text(first),
            '0'..='9' => self.number(),
            '.' if self.rest.get(1..).is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit())) => {
                self.number()
            }
            _ if is_start(first) => {
                let name = self.take(|character| is_start(character) || character.is_ascii_digit());
                Some(Token::Name(name.to_string()))
            }
            _ => {
                let sign = SIGNS.into_iter().find(|sign| self.rest.starts_with(sign))?;
                self.rest = self.rest.get(sign.len()..).unwrap_or_default();
                Some(Token::Sign(sign))
            }
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{a0}']);
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'e str {
        let end = self.rest.find(|character| !fits(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn number(&mut self) -> Option<Token> {
        let digits = |lexer: &mut Self| lexer.take(|character| character.is_ascii_digit()).len();
        if let Some(rest) = self.rest.strip_prefix("0x").or_else(|| self.rest.strip_prefix("0X")) {
            self.rest = rest;
            let hexadecimal = self.take(|character| character.is_ascii_hexdigit());
            return (!hexadecimal.is_empty() && self.ends()).then_some(Token::Number);
        }
        let octal = self.rest.starts_with('0') && self.rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let mut count = digits(self);
        if let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            count += digits(self);
        }
        if let Some(rest) = self.rest.strip_prefix(['e', 'E']) {
            self.rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
            if digits(self) == 0 {
                return None;
            }
        }
        (count > 0 && !octal && self.ends()).then_some(Token::Number)
    }

    /// Whether no name follows at once.
    fn ends(&self) -> bool {
        !self.rest.starts_with(|character: char| is_start(character) || character.is_ascii_digit())
    }

    fn text(&mut self, mark: char) -> Option<Token> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        loop {
            match characters.next()? {
                (place, character) if character == mark => {
                    self.rest = self.rest.get(place + 1..)?;
                    return Some(Token::Text(text));
                }
                (_, '\\') => {
                    let (_, escape) = characters.next()?;
                    text.push(match escape {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'v' => '\u{b}',
                        '\\' | '"' | '\'' | '/' | '.' | '[' | ']' | ' ' => escape,
                        'u' | 'x' => {
                            let length = if escape == 'u' { 4 } else { 2 };
                            let mut code = 0;
                            for _ in 0..length {
                                code = code * 16 + characters.next()?.1.to_digit(16)?;
                            }
                            // Half of a pair is no character here; it is never a part of a name that counts.
                            char::from_u32(code).unwrap_or('\u{fffd}')
                        }
                        _ => return None,
                    });
                }
                (_, '\n' | '\r' | '\u{2028}' | '\u{2029}') => return None,
                (_, character) => text.push(character),
            }
        }
    }

    /// The regular expression that begins here, where a value may.
    pub fn regex(&mut self) -> Option<Token> {
        self.skip_space();
        let (mut class, mut escaped) = (false, false);
        for (place, character) in self.rest.char_indices().skip(1) {
            match character {
                '\n' | '\r' | '\u{2028}' | '\u{2029}' => return None,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => class = true,
                ']' => class = false,
                // Two slashes are a comment to JavaScript.
                '/' if !class && place == 1 => return None,
                '*' if place == 1 => return None,
                '/' if !class => {
                    let pattern = self.rest.get(1..place)?;
                    self.rest = self.rest.get(place + 1..)?;
                    let flags = self.take(|character| character.is_ascii_alphanumeric());
                    let known = flags.bytes().all(|flag| b"gimsuy".contains(&flag));
                    return known.then(|| Token::Regex(pattern.to_string()));
                }
                _ => {}
            }
        }
        None
    }
}

fn is_start(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$')
}
