"""Writes `models.txt`, the widgets' models with the kind of each trait, from the description that ipywidgets has of them.

    python3 src/firewall/widgets/models.py ipywidgets/packages/schema/jupyterwidgetmodels.latest.json > src/firewall/widgets/models.txt

A model a line: module, version, model, module and version of its view, view (or -), and then trait:kind. The kinds are
those of `traits.rs`; a kind in brackets is the words that there are.
"""

import json
import sys

# Where the description's type does not say what a front end does with a trait.
NAMED = {
    "_dom_classes": "classes",
    "_options_labels": "texts",
    "accept": "text",
    "allowed_tags": "tags",
    "description": "description",
    "icon": "icon",
    "icons": "icons",
    "layout": "model",
    "msg_id": "name",
    "options": "texts",
    "outputs": "outputs",
    "source": "end",
    "style": "model",
    "target": "end",
}

OF_MODEL = {
    ("AudioModel", "format"): "format",
    ("ColorPickerModel", "value"): "colour",
    ("ColorsInputModel", "allowed_tags"): "colours",
    ("ColorsInputModel", "value"): "colours",
    ("FileUploadModel", "value"): "files",
    ("HTMLMathModel", "value"): "html",
    ("HTMLModel", "value"): "html",
    ("ImageModel", "format"): "format",
    ("ImageModel", "height"): "length",
    ("ImageModel", "width"): "length",
    ("LabelModel", "value"): "formula",
    ("TagsInputModel", "value"): "tags",
    ("VideoModel", "format"): "format",
    ("VideoModel", "height"): "length",
    ("VideoModel", "width"): "length",
}

TYPES = {
    "Date": "date",
    "Datetime": "date",
    "Time": "date",
    "bool": "bool",
    "bytes": "bytes",
    "float": "number",
    "int": "number",
    "string": "text",
}


def kind(model, trait):
    name, of = trait["name"], trait["type"]
    if (model, name) in OF_MODEL:
        return OF_MODEL[model, name]
    if name in NAMED:
        return NAMED[name]
    if model == "LayoutModel" or model.endswith("StyleModel"):
        return "css"
    if isinstance(of, list):
        return "step"
    if "enum" in trait:
        return f"[{'|'.join(trait['enum'])}]".replace(" ", "_")
    if of == "array":
        items = trait.get("items", {})
        return {"reference": "models", "string": "texts"}.get(items.get("type"), "numbers")
    return TYPES[of]


def main(path):
    with open(path, encoding="utf-8") as file:
        models = json.load(file)
    for entry in models:
        model, view = entry["model"], entry["view"]
        # What others are derived from has no view of its own and is never made.
        if model["name"] == "DOMWidgetModel":
            continue
        heads = {"_model_module", "_model_module_version", "_model_name", "_view_module", "_view_module_version", "_view_name"}
        traits = {trait["name"]: kind(model["name"], trait) for trait in entry["attributes"] if trait["name"] not in heads}
        listed = " ".join(f"{name}:{of}" for name, of in sorted(traits.items()))
        head = [model["module"], model["version"], model["name"], view["module"], view["version"], view["name"] or "-"]
        print(" ".join(head), listed)


main(sys.argv[1])
