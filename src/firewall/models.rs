//! The widget models of ipywidgets' own modules: the front-end has their code, and they bring none.

use serde_json::{Map, Value};

/// `@jupyter-widgets/controls`, versions 7 and 8 of ipywidgets; sorted.
const CONTROLS: &[&str] = &[
    "AccordionModel",
    "AudioModel",
    "BoundedFloatTextModel",
    "BoundedIntTextModel",
    "BoxModel",
    "ButtonModel",
    "ButtonStyleModel",
    "CheckboxModel",
    "CheckboxStyleModel",
    "ColorPickerModel",
    "ColorsInputModel",
    "ComboboxModel",
    "ControllerAxisModel",
    "ControllerButtonModel",
    "ControllerModel",
    "DatePickerModel",
    "DatetimeModel",
    "DescriptionStyleModel",
    "DirectionalLinkModel",
    "DropdownModel",
    "FileUploadModel",
    "FloatLogSliderModel",
    "FloatProgressModel",
    "FloatRangeSliderModel",
    "FloatSliderModel",
    "FloatTextModel",
    "FloatsInputModel",
    "GridBoxModel",
    "HBoxModel",
    "HTMLMathModel",
    "HTMLMathStyleModel",
    "HTMLModel",
    "HTMLStyleModel",
    "ImageModel",
    "IntProgressModel",
    "IntRangeSliderModel",
    "IntSliderModel",
    "IntTextModel",
    "IntsInputModel",
    "LabelModel",
    "LabelStyleModel",
    "LinkModel",
    "NaiveDatetimeModel",
    "PasswordModel",
    "PlayModel",
    "ProgressStyleModel",
    "RadioButtonsModel",
    "SelectModel",
    "SelectMultipleModel",
    "SelectionRangeSliderModel",
    "SelectionSliderModel",
    "SliderStyleModel",
    "StackModel",
    "TabModel",
    "TagsInputModel",
    "TextModel",
    "TextStyleModel",
    "TextareaModel",
    "TimeModel",
    "ToggleButtonModel",
    "ToggleButtonStyleModel",
    "ToggleButtonsModel",
    "ToggleButtonsStyleModel",
    "VBoxModel",
    "ValidModel",
    "VideoModel",
];

/// What front-ends may copy from one widget to another by themselves.
pub const LINKED: [&str; 12] = [
    "value",
    "index",
    "selected_index",
    "min",
    "max",
    "step",
    "disabled",
    "playing",
    "pressed",
    "lower",
    "upper",
    "indices",
];

/// Whether a model is one of ipywidgets' own.
pub fn is_known(module: &str, name: &str) -> bool {
    match module {
        "@jupyter-widgets/controls" => CONTROLS.binary_search(&name).is_ok(),
        "@jupyter-widgets/base" => matches!(name, "LayoutModel" | "StyleModel"),
        "@jupyter-widgets/output" => name == "OutputModel",
        _ => false,
    }
}

/// Whether a model's view, if the state names one, is of the same modules; a version is only a version.
pub fn has_own_view(state: &Map<String, Value>) -> bool {
    let text = |key: &str| state.get(key).filter(|value| !value.is_null()).map(|value| value.as_str().unwrap_or("?"));
    let module = text("_view_module").is_none_or(|module| {
        matches!(module, "@jupyter-widgets/controls" | "@jupyter-widgets/base" | "@jupyter-widgets/output")
    });
    let view = text("_view_name")
        .is_none_or(|view| view.ends_with("View") && view.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let versions = ["_model_module_version", "_view_module_version"];
    module
        && view
        && versions.iter().all(|key| {
            text(key).is_none_or(|version| {
                version.len() <= 32
                    && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".^~*<>= -".contains(&byte))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(CONTROLS.is_sorted());
    }
}
