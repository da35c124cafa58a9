//! The widget models of ipywidgets' own modules, with the kind of each of their traits: the front-end has their code,
//! and they bring none. Written by `models.py` from ipywidgets' own description.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::traits::Trait;

/// A model a line.
const TABLE: &str = include_str!("models.txt");

/// What is known of a model.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    module: &'static str,
    version: &'static str,
    pub name: &'static str,
    view_module: &'static str,
    view_version: &'static str,
    /// None for what is not shown by itself.
    view: Option<&'static str>,
    traits: HashMap<&'static str, Trait>,
}

impl Model {
    /// The model of this module and name.
    pub fn named(module: &str, name: &str) -> Option<&'static Self> {
        static MODELS: OnceLock<HashMap<&'static str, Model>> = OnceLock::new();
        let models = MODELS.get_or_init(|| TABLE.lines().filter_map(read).map(|model| (model.name, model)).collect());
        models.get(name).filter(|model| model.module == module)
    }

    /// The kind of a trait that says something of the widget.
    pub fn kind(&self, name: &str) -> Option<Trait> {
        self.traits.get(name).copied()
    }

    /// What a trait must say that says what the widget *is*: module, version, name and view. They are those that the
    /// front-end has, to the letter: a range of versions, or another view, could make it look for others.
    pub fn head(&self, name: &str) -> Option<Option<&'static str>> {
        Some(match name {
            "_model_module" => Some(self.module),
            "_model_module_version" => Some(self.version),
            "_model_name" => Some(self.name),
            "_view_module" => Some(self.view_module),
            "_view_module_version" => Some(self.view_version),
            "_view_name" => self.view,
            _ => return None,
        })
    }
}

fn read(line: &'static str) -> Option<Model> {
    let mut words = line.split(' ');
    Some(Model {
        module: words.next()?,
        version: words.next()?,
        name: words.next()?,
        view_module: words.next()?,
        view_version: words.next()?,
        view: words.next().filter(|view| *view != "-"),
        traits: words
            .filter_map(|word| word.split_once(':'))
            .filter_map(|(name, kind)| Some((name, Trait::read(kind)?)))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        for line in TABLE.lines() {
            let model = read(line).expect("a model");
            assert_eq!(model.traits.len(), line.split(' ').count() - 6, "{line}");
            assert_eq!(Model::named(model.module, model.name), Some(&model));
        }
        assert!(TABLE.lines().count() > 60);
        assert_eq!(Model::named("@jupyter-widgets/base", "HTMLModel"), None);
    }
}
