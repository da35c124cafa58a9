"""Writes `attributes.txt`, the names of plotly's attributes and what their values are, from plotly's own schema.

    pip download --no-deps plotly==X && unzip plotly-X….whl -d X     # for each version that is to be covered
    python3 src/firewall/plotly/attributes.py X Y Z > src/firewall/plotly/attributes.txt

A name that stands at several places gets all that it is at any of them.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

# What a value is: (o)bject or list of them, (w)ord or number, (c)olour, (t)ext, (d)ata, (u)rl of a picture.
CLASSES = {
    "Angle": "w",
    "Any": "d",
    "BaseData": "o",
    "BaseTemplate": "o",
    "Boolean": "w",
    "Color": "c",
    "Colorlist": "c",
    "Colorscale": "c",
    "Compound": "o",
    "CompoundArray": "o",
    "Dash": "w",
    "DataArray": "d",
    "Data": "o",
    "Enumerated": "w",
    "Flaglist": "w",
    "ImageUri": "u",
    "InfoArray": "d",
    "Integer": "w",
    "Layout": "o",
    "Number": "w",
    "Src": "w",
    "String": "t",
    "Subplotid": "w",
    "Title": "ot",
}

# What is in figures and not in the schema: the figure itself, typed arrays, settings of animations, old names.
MORE = {
    "o": "data layout frames config template transition frame titlefont",
    "w": "bdata dtype shape duration redraw easing ordering fromcurrent direction mode type titleposition titleside",
}


def new(folder):
    """(name, class of its validator) of a version that keeps its schema in one file."""
    schema = json.loads((folder / "_validators.json").read_text())
    for path, entry in schema.items():
        yield path.split(".")[-1], entry["superclass"].removesuffix("Validator")


def old(folder):
    """The same of a version that has a class for each attribute."""
    pattern = re.compile(r"_plotly_utils\.basevalidators\.(\w+)Validator\).*?plotly_name=\"(\w+)\"", re.DOTALL)
    for path in folder.rglob("*.py"):
        for kind, name in pattern.findall(path.read_text()):
            yield name, kind


def main(folders):
    found = defaultdict(set)
    for folder in folders:
        validators = Path(folder) / "plotly/validators"
        read = new if (validators / "_validators.json").exists() else old
        for name, kind in read(validators):
            found[name].update(CLASSES[kind])
    for kind, names in MORE.items():
        for name in names.split():
            found[name].update(kind)
    groups = defaultdict(list)
    for name, kinds in found.items():
        groups["".join(sorted(kinds))].append(name)
    for kinds, names in sorted(groups.items()):
        line = ""
        for name in sorted(names):
            if len(line) + len(name) > 112:
                print(f"{kinds}:{line}")
                line = ""
            line += f" {name}"
        print(f"{kinds}:{line}")


main(sys.argv[1:])
