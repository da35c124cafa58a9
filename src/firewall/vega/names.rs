//! Names that the parts of a chart have for each other, for columns, and for what an object has. What every value of
//! JavaScript has beside its own columns leads to code: `datum.a.constructor.constructor` is what makes functions.

/// What objects and functions have by themselves, and what JavaScript asks of a value without being told to.
const INHERITED: [&str; 20] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "arguments",
    "callee",
    "caller",
    "constructor",
    "eval",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "prototype",
    "then",
    "toJSON",
    "toLocaleString",
    "toPrimitive",
    "toString",
    "valueOf",
];

/// What lists, texts, numbers, dates, patterns, functions and colours have by themselves, beyond what all objects have:
/// parts of the page that all of its code shares.
#[rustfmt::skip]
const METHODS: [&str; 142] = [
    "anchor", "apply", "at", "big", "bind", "blink", "bold", "brighter", "call", "charAt", "charCodeAt", "clamp",
    "codePointAt", "compile", "concat", "copy", "copyWithin", "darker", "displayable", "endsWith", "entries", "every",
    "exec", "fill", "filter", "find", "findIndex", "findLast", "findLastIndex", "fixed", "flat", "flatMap",
    "fontcolor", "fontsize", "forEach", "formatHex", "formatHex8", "formatHsl", "formatRgb", "getDate", "getDay",
    "getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "getTime",
    "getTimezoneOffset", "getUTCDate", "getUTCDay", "getUTCFullYear", "getUTCHours", "getUTCMilliseconds",
    "getUTCMinutes", "getUTCMonth", "getUTCSeconds", "getYear", "hex", "includes", "indexOf", "isWellFormed",
    "italics", "join", "keys", "lastIndexOf", "link", "localeCompare", "map", "match", "matchAll", "normalize",
    "padEnd", "padStart", "pop", "push", "reduce", "reduceRight", "repeat", "replace", "replaceAll", "reverse", "rgb",
    "search", "setDate", "setFullYear", "setHours", "setMilliseconds", "setMinutes", "setMonth", "setSeconds",
    "setTime", "setUTCDate", "setUTCFullYear", "setUTCHours", "setUTCMilliseconds", "setUTCMinutes", "setUTCMonth",
    "setUTCSeconds", "setYear", "shift", "slice", "small", "some", "sort", "splice", "split", "startsWith", "stop",
    "strike", "sub", "substr", "substring", "sup", "test", "toDateString", "toExponential", "toFixed", "toGMTString",
    "toISOString", "toLocaleDateString", "toLocaleLowerCase", "toLocaleTimeString", "toLocaleUpperCase",
    "toLowerCase", "toPrecision", "toReversed", "toSorted", "toSpliced", "toTemporalInstant", "toTimeString",
    "toUTCString", "toUpperCase", "toWellFormed", "trim", "trimEnd", "trimLeft", "trimRight", "trimStart", "unshift",
    "values", "with",
];

/// The longest name.
const MAX_NAME: usize = 256;

/// Whether a value may have this name for one of its own.
pub fn is_own(name: &str) -> bool {
    INHERITED.binary_search(&name).is_err()
}

/// Whether some value has this name by itself, and shares what is behind it with the rest of the page.
pub fn is_method(name: &str) -> bool {
    METHODS.binary_search(&name).is_ok()
}

/// Whether a name that leads on is anywhere in a text, or could be made of it by changing its case.
pub fn is_led_on(text: &str) -> bool {
    // As a script changes case: `upper` makes one letter of some that are none of ASCII's, or several.
    let text = if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_uppercase().to_lowercase() };
    ["constructor", "prototype", "__proto__", "__define", "__lookup", "caller", "arguments"]
        .iter()
        .any(|name| text.contains(name))
}

/// A name that stands in code as it is: of a signal, a data set, a mark, a scale.
pub fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && is_own(name)
        && name.chars().all(|character| character.is_alphanumeric() || "_$ .-:/".contains(character))
}

/// One of the words that a chart's languages have for their settings.
pub fn is_word(word: &str) -> bool {
    word.len() <= 64 && is_own(word) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The names along a path to a column, such as `a.b`, `a[0].b` or `a\.b`.
pub fn path(path: &str) -> Vec<String> {
    let (mut names, mut name) = (Vec::new(), String::new());
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => name.extend(characters.next()),
            '.' | '[' | ']' => names.push(std::mem::take(&mut name)),
            '"' | '\'' => {}
            _ => name.push(character),
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

/// Whether a path leads to columns alone, and stays one name where Vega-Lite writes it into an expression.
pub fn is_path(text: &str) -> bool {
    let mut characters = text.chars();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            // Before anything else a backslash might take the meaning of what comes after the name.
            '\\' => match characters.next() {
                Some('.' | '[' | ']') => {}
                _ => return false,
            },
            '"' | '`' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => return false,
            '\'' => quoted = true,
            _ => {}
        }
    }
    // What is written in quotation marks and has some itself could end them.
    let plain = |character: char| character.is_alphanumeric() || " '?!,-%$#/:_".contains(character);
    (!quoted || text.chars().all(plain) || is_indexed(text))
        && path(text).iter().all(|name| is_own(name))
        && is_own(text)
}

/// Whether a text stays as it is where Vega-Lite puts it into an expression in place of `datum.label`: what is replaced
/// could be in it again, and a dollar sign can stand for what comes after.
pub fn stays_in_place(text: &str) -> bool {
    !["datum.", "$'", "$&", "$`"].iter().any(|sign| text.contains(sign))
}

/// Whether the quotation marks are those around a column's name in brackets: `argmax_a['b c']`.
fn is_indexed(text: &str) -> bool {
    let plain = |name: &str| {
        !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || "_ ".contains(character))
    };
    text.split_once("['")
        .and_then(|(list, rest)| Some((list, rest.strip_suffix("']")?)))
        .is_some_and(|(list, name)| plain(list) && plain(name))
}

/// Whether a text stays one text where Vega-Lite writes it between quotation marks, having put a backslash before those
/// that it has.
pub fn is_text(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' && matches!(characters.next(), None | Some('"' | '\'' | '\\')) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(INHERITED.is_sorted() && METHODS.is_sorted());
    }

    #[test]
    fn a_path_leads_to_columns() {
        for fine in [
            "a",
            "a.b",
            "a[0].b",
            "a\\.b",
            "Miles per Gallon (mpg)",
            "What's your age?",
            "größe",
            "a[\\.]",
            "argmax_a['b c']",
        ] {
            assert!(is_path(fine), "{fine}");
        }
        for bad in [
            "constructor",
            "a.constructor",
            "a['constructor']",
            "a[constructor]",
            "con\\structor",
            "__proto__.x",
            "a\"+b",
            "'+event.view.eval(1)+'",
            "a\\'",
            "a['b'+event['c']",
            "a\\",
            "a\\\\",
            "a.toString",
        ] {
            assert!(!is_path(bad), "{bad}");
        }
    }

    #[test]
    fn a_name_that_leads_on_is_found_in_any_case() {
        for bad in ["xConstructor", "con\u{17f}tructor", "con\u{fb05}ructor", "__PROTO__", "argument\u{17f}"] {
            assert!(is_led_on(bad), "{bad}");
        }
        assert!(!is_led_on("construct") && !is_led_on("größe"));
    }

    #[test]
    fn a_text_stays_within_its_quotation_marks() {
        assert!(is_text("a \"b\" \\alpha 'c'"));
        for bad in ["a\\", "a\\\"", "\\\\", "\\'"] {
            assert!(!is_text(bad), "{bad}");
        }
    }
}
