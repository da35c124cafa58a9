//! Sentences with blanks: `{name}` is filled from values, and a sentence with a blank that has no value is left out.

/// What the blanks are filled with. Values are put in as they are: they must be clean already.
#[derive(Debug, Default)]
pub struct Values(Vec<(&'static str, String)>);

impl Values {
    /// Sets a value; the first one of a name counts.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.0.push((name, value.into()));
        }
    }

    /// Sets a value if there is one.
    pub fn set_some(&mut self, name: &'static str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// `template` with its blanks filled; none if one has no value. `{{` is a brace.
    pub fn fill(&self, template: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = template;
        while let Some(start) = rest.find(['{', '}']) {
            text.push_str(rest.get(..start)?);
            let brace = rest.get(start..=start)?;
            let after = rest.get(start + 1..)?;
            if after.starts_with(brace) {
                text.push_str(brace);
                rest = after.get(1..)?;
                continue;
            }
            let (name, tail) = after.split_once('}')?;
            text.push_str(self.get(name)?);
            rest = tail;
        }
        text.push_str(rest);
        Some(text)
    }
}

/// The names of a template's blanks.
#[cfg(test)]
pub fn blanks(template: &str) -> Vec<&str> {
    let without = template.split("{{").flat_map(|part| part.split("}}"));
    without.flat_map(|part| part.split('{').skip(1)).filter_map(|part| Some(part.split_once('}')?.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled_or_the_sentence_is_left_out() {
        let mut values = Values::default();
        values.set("path", "/home/{x}");
        values.set("path", "second");
        assert_eq!(values.fill("open {path} now").as_deref(), Some("open /home/{x} now"));
        assert_eq!(values.fill("{path} {other}"), None);
        assert_eq!(values.fill("f'{{x}}' {path}").as_deref(), Some("f'{x}' /home/{x}"));
        assert_eq!(blanks("a {b} {{c}} {d}"), ["b", "d"]);
    }
}
