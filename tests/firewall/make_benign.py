"""Writes tests/firewall/benign/: outputs as the libraries make them, for the tests that nothing honest changes.

Run by hand when a library changes its output; needs pandas, jinja2, matplotlib, sympy, plotly, altair and ipywidgets. What is
written is in git, so the tests need none of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import altair
import comm
import ipywidgets
import matplotlib
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import sympy
from IPython.core.formatters import DisplayFormatter
from IPython.display import HTML, JSON, Audio, Code, FileLink, Image, Latex, Markdown, Math, Pretty, ProgressBar

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

HERE = Path(__file__).parent / "benign"
FORMATTER = DisplayFormatter()
written: set[str] = set()


def write(name: str, family: str, why: str, **body: object) -> None:
    written.add(name)
    (HERE / f"{name}.json").write_text(json.dumps({"name": name, "family": family, "why": why, **body}, indent=1) + "\n")


def shown(name: str, family: str, value: object, why: str = "") -> None:
    data, metadata = FORMATTER.format(value)
    write(name, family, why or f"repr of {type(value).__name__}", bundle={"data": data, "metadata": metadata})


def pandas() -> None:
    frame = pd.DataFrame({"name": ["Ann", "Bob <b>", None], "x & y": [1.5, np.nan, 3], "when": pd.date_range("2026-01-01", periods=3)})
    shown("pandas-frame", "pandas", frame)
    shown("pandas-series", "pandas", frame["x & y"])
    wide = pd.DataFrame(np.arange(600).reshape(20, 30), columns=pd.MultiIndex.from_product([["a", "b", "c"], range(10)]))
    shown("pandas-multiindex", "pandas", wide)
    shown("pandas-grouped", "pandas", wide.T.groupby(level=0).mean())
    shown("pandas-long", "pandas", pd.DataFrame({"n": range(500)}))
    numbers = pd.DataFrame(np.linspace(-2, 2, 20).reshape(5, 4), columns=list("ABCD"))
    shown("styler-gradient", "styler", numbers.style.background_gradient(cmap="viridis").set_uuid("grad"))
    shown("styler-bars", "styler", numbers.style.bar(align="mid", color=["#d65f5f", "#5fba7d"]).format("{:.2f}").set_uuid("bars"))
    shown("styler-caption", "styler", numbers.style.set_caption("A caption").highlight_max(color="yellow").set_table_styles(
        [{"selector": "th:hover", "props": "background-color: #ffff99;"}, {"selector": "td, th", "props": [("border", "1px solid grey"), ("padding", "2px 4px")]}]).set_uuid("cap"))
    shown("styler-hidden", "styler", numbers.style.hide(axis="index").map(lambda v: "color: red; font-weight: bold" if v < 0 else "").set_uuid("hid"))
    links = pd.DataFrame({"link": ['<a href="https://pandas.pydata.org" target="_blank">pandas</a>'], "n": [1]})
    write("pandas-links", "pandas", "links that a user may click", bundle={"data": {"text/html": links.to_html(escape=False), "text/plain": repr(links)}, "metadata": {}})


def matplotlib_figures() -> None:
    from IPython.core.pylabtools import print_figure

    figure, axes = plt.subplots(1, 2, figsize=(5, 2.5))
    axes[0].plot([1, 3, 2], label="a $x^2$")
    axes[0].set_title("title")
    axes[0].legend()
    axes[1].scatter(range(5), range(5), c=range(5))
    axes[1].hist2d([1, 2, 3], [1, 2, 3], bins=3)
    png = print_figure(figure, fmt="png", base64=True)
    write("matplotlib-png", "matplotlib", "a figure", bundle={"data": {"image/png": png, "text/plain": repr(figure)}, "metadata": {"image/png": {"width": 500, "height": 250}}})
    jpeg = print_figure(figure, fmt="jpeg", base64=True)
    write("matplotlib-jpeg", "matplotlib", "a figure", bundle={"data": {"image/jpeg": jpeg, "text/plain": repr(figure)}, "metadata": {}})
    plain, axis = plt.subplots(figsize=(4, 2))
    axis.plot([1, 3, 2], "o-")
    axis.fill_between([0, 1, 2], [1, 2, 1], alpha=0.3, hatch="//")
    axis.set_xlabel("time <s> & more")
    write("matplotlib-svg", "matplotlib", "a figure as SVG", bundle={"data": {"image/svg+xml": print_figure(plain, fmt="svg"), "text/plain": repr(plain)}, "metadata": {}})
    write("matplotlib-svg-in-html", "matplotlib", "a figure as SVG within HTML", bundle={"data": {"text/html": "<div>" + print_figure(plain, fmt="svg").split("?>", 1)[1].split(">", 1)[1] + "</div>", "text/plain": "x"}, "metadata": {}})


def sympy_and_latex() -> None:
    sympy.init_printing()
    x = sympy.symbols("x")
    for name, value in {
        "integral": sympy.Integral(sympy.sqrt(1 / x), (x, 0, sympy.oo)),
        "matrix": sympy.Matrix([[1, x], [sympy.sin(x), 2]]),
        "equation": sympy.Eq(sympy.exp(sympy.I * sympy.pi) + 1, 0),
    }.items():
        write(f"sympy-{name}", "sympy", "mathematics", bundle={"data": {"text/latex": f"$\\displaystyle {sympy.latex(value)}$", "text/plain": sympy.pretty(value)}, "metadata": {}})
    shown("latex-aligned", "latex", Latex(r"\begin{align}\nabla \times \vec{B} &= \mu_0 \vec{J} \\ \text{and } a &< b\end{align}"))
    shown("latex-math", "latex", Math(r"F(k) = \int_{-\infty}^{\infty} f(x) e^{2\pi i k} \, dx \color{red}{x} \boxed{y} \href{https://example.org}{z}"))


def ipython_reprs() -> None:
    shown("ipython-html", "ipython", HTML("<h3 id='t-1'>Title</h3><p>Text &amp; <code>code</code></p><ul><li>a</li></ul><details><summary>more</summary>less</details>"))
    shown("ipython-markdown", "ipython", Markdown("# Title\n\nText *with* `code`, [a link](https://example.org) and $x<5$ in\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nif a < b: print('<x>')\n```\n"))
    shown("ipython-json", "ipython", JSON({"a": [1, 2, {"b": "<c>"}]}, expanded=True))
    shown("ipython-code", "ipython", Code("def f(x):\n    return x < 1  # <b>\n", language="python"))
    shown("ipython-audio", "ipython", Audio(np.sin(np.linspace(0, 100, 800)), rate=8000))
    shown("ipython-filelink", "ipython", FileLink("results.csv", result_html_prefix="see "))
    shown("ipython-progress", "ipython", ProgressBar(10))
    shown("ipython-pretty", "ipython", Pretty("\x1b[1;31mbold red\x1b[0m"))
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc```\x00\x00\x00\x04\x00\x01\xf6\x178U\x00\x00\x00\x00IEND\xaeB`\x82"
    shown("ipython-image", "ipython", Image(png, width=20, height=10))
    shown("ipython-plain", "ipython", {"a": [1, 2, 3], "b": "<script>only text</script>"})


def charts() -> None:
    scatter = go.Figure(go.Scatter(x=[1, 2, 3], y=[3, 1, 2], mode="markers+lines", text=["a", "b", "c"], hovertemplate="<b>%{text}</b>: %{y}<extra></extra>"))
    scatter.update_layout(title="A <b>figure</b>", annotations=[{"text": "note", "x": 2, "y": 1}])
    surface = go.Figure(go.Surface(z=np.outer(range(4), range(4)).tolist()), layout={"width": 400})
    buttons = go.Figure(go.Bar(x=["https://x.org", "b"], y=[1, 2]))
    buttons.update_layout(updatemenus=[{"buttons": [{"label": "line", "method": "restyle", "args": ["type", "scatter"]}, {"label": "bar", "method": "restyle", "args": ["type", "bar"]}]}])
    sankey = go.Figure(go.Sankey(node={"label": ["a", "b", "c"]}, link={"source": [0, 0], "target": [1, 2], "value": [1, 2]}))
    markup = go.Figure(go.Bar(x=["H<sub>2</sub>O", "p < 0.05", "A & B"], y=[1, 3, 2], text=["<b>b</b>", "<i>i</i>", "x<sup>2</sup>"], customdata=[["<u>one</u>"]] * 3,
                              hovertemplate="%{customdata[0]}: %{y:.1f}<extra></extra>"))
    markup.update_layout(title={"text": 'A <span style="color:red">red</span> word<br><a href="https://plotly.com/?a=1&b=2">and a link</a>'},
                         annotations=[{"x": 1, "y": 3, "text": "<em>a &lt; b</em> <s>no</s>", "showarrow": False}], xaxis={"tickprefix": "<b>", "ticksuffix": "</b>"})
    pie = go.Figure([go.Pie(labels=["a", "b"], values=[1, 2], hole=0.4, marker={"colors": ["gold", "rgb(1, 120, 200)"]}, textinfo="label+percent", domain={"x": [0, 0.5]}),
                     go.Table(header={"values": ["<b>A</b>", "B"], "fill": {"color": "lightgrey"}}, cells={"values": [[1, 2], ["x", "1 < 2"]]}, domain={"x": [0.6, 1]})])
    steps = [{"label": name, "method": "animate", "args": [[name], {"mode": "immediate", "frame": {"duration": 0}}]} for name in "ab"]
    frames = [go.Frame(name=name, data=[go.Scatter(x=[1, 2], y=[at, 1])]) for at, name in enumerate("ab")]
    slider = go.Figure([go.Scatter(x=[1, 2], y=[0, 1])], {"sliders": [{"steps": steps}], "shapes": [{"type": "path", "path": "M 1 0 L 2 1", "line": {"dash": "dot"}}]}, frames)
    for name, figure in {"scatter": scatter, "surface": surface, "buttons": buttons, "sankey": sankey, "markup": markup, "pie": pie, "slider": slider}.items():
        data = json.loads(figure.to_json())
        data["config"] = {"responsive": True}
        write(f"plotly-{name}", "plotly", "a plotly figure", bundle={"data": {"application/vnd.plotly.v1+json": data, "text/plain": "Figure"}, "metadata": {}})
    frame = pd.DataFrame({"a": list("ABCD"), "b": [28, 55, 43, 91], "url": ["https://x.org"] * 4})
    bars = altair.Chart(frame).mark_bar().encode(x="a", y="b", color="a:N", tooltip=["a", "b"])
    brushed = altair.Chart(frame).mark_point().encode(x="b:Q", y="a:N", color=altair.condition(altair.datum.b > 40, altair.value("red"), altair.value("blue"))).interactive()
    layered = altair.layer(bars, altair.Chart(frame).mark_rule().encode(y="mean(b)")).transform_calculate(c="datum.b * 2")
    for name, chart in {"bars": bars, "points": brushed, "layered": layered}.items():
        # As Altair 5 sends it: JupyterLab 4 draws no later version, and these charts are the same in both.
        drawn = {**chart.to_dict(), "$schema": "https://vega.github.io/schema/vega-lite/v5.json"}
        write(f"altair-{name}", "vega", "a chart of Altair's", bundle={"data": {"application/vnd.vegalite.v5+json": drawn, "text/plain": "Chart"}, "metadata": {}})


def chart(name: str, why: str, drawn: dict) -> None:
    """A chart, as Altair 5 sends it, or one of Vega's."""
    language = "vegalite" if "vega-lite" in drawn["$schema"] else "vega"
    drawn = {**drawn, "$schema": drawn["$schema"].replace("v6", "v5").split(".json")[0].rsplit("/v5", 1)[0] + "/v5.json"}
    write(name, "vega", why, bundle={"data": {f"application/vnd.{language}.v5+json": drawn, "text/plain": "Chart"}, "metadata": {}})


def interactive_charts() -> None:
    frame = pd.DataFrame({"name": [f"n{place}" for place in range(12)], "group": list("abc") * 4, "x & y": range(12), "size": [3, 1, 2] * 4,
                          "Miles per Gallon (mpg)": [20 + place % 5 for place in range(12)], "when": pd.date_range("2026-01-01", periods=12).strftime("%Y-%m-%d")})
    points = altair.Chart(frame, width=200, height=120).mark_point(filled=True, cursor="pointer")
    at = dict(x="x & y:Q", y=altair.Y("Miles per Gallon (mpg):Q", scale=altair.Scale(zero=False)))

    least, shape, only = altair.param(value=3, name="least", bind=altair.binding_range(min=0, max=9, step=1, name="At least: ")), altair.param(
        value="circle", bind=altair.binding_select(options=["circle", "square"], name="Shape ")), altair.param(value=True, bind=altair.binding_checkbox(name="Only them"))
    chart("altair-controls", "parameters with controls", points.encode(
        **at, opacity=altair.condition(f"datum['x & y'] >= {least.name} || !{only.name}", altair.value(1), altair.value(0.2)),
        shape=altair.ShapeValue(altair.expr(shape.name))).add_params(least, shape, only).to_dict())

    column = altair.param(value="size", name="column", bind=altair.binding_radio(options=["size", "x & y"]))
    chart("altair-column-choice", "a column that the user chooses", altair.Chart(frame).mark_bar().encode(x="group:N", y="sum(chosen):Q").transform_calculate(
        chosen="datum[column]").add_params(column).to_dict())

    brush, legend = altair.selection_interval(encodings=["x"]), altair.selection_point(fields=["group"], bind="legend", toggle="event.shiftKey")
    chart("altair-selections", "a brush and a legend that select", altair.hconcat(
        points.encode(**at, color=altair.condition(brush, "group:N", altair.value("lightgray")), opacity=altair.condition(legend, altair.value(1), altair.value(0.1)),
                      tooltip=["name", altair.Tooltip("Miles per Gallon (mpg):Q", format=".1f", title="A 'title'")]).add_params(brush, legend),
        altair.Chart(frame, width=60).mark_bar().encode(y="group:N", x="count()", color="group:N").transform_filter(brush)).to_dict())

    over = altair.selection_point(on="pointerover", nearest=True, fields=["when"], empty=False, clear="pointerout")
    line = altair.Chart(frame, width=200, height=100).encode(x="when:T", y="size:Q")
    chart("altair-nearest", "what is under the pointer is shown", altair.layer(line.mark_line(interpolate="monotone"), line.mark_point().encode(
        opacity=altair.condition(over, altair.value(1), altair.value(0))).add_params(over), line.mark_text(dy=-9).encode(
            text=altair.condition(over, "size:Q", altair.value(" ")))).to_dict())

    chart("altair-facets", "small multiples with expressions in their labels", altair.Chart(frame, width=60, height=60).mark_circle().encode(
        x=altair.X("x & y:Q", axis=altair.Axis(labelExpr="datum.value > 5 ? datum.label + '!' : datum.label", tickCount=3)), y="size:Q",
        column=altair.Column("group:N", header=altair.Header(labelExpr="'group ' + datum.label"))).to_dict())
    chart("altair-repeat", "one chart for each column", altair.Chart(frame, width=80, height=80).mark_bar(tooltip={"content": "data"}).encode(
        x=altair.X(altair.repeat("column"), type="quantitative", bin=altair.Bin(maxbins=5)), y="count()").repeat(column=["size", "x & y"]).to_dict())

    squares = [{"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [[[at, 0], [at, 8], [at + 9, 8], [at + 9, 0], [at, 0]]]}}
               for name, at in [("west", 0), ("east", 10)]]
    chart("altair-map", "shapes that the chart brings along", altair.Chart(altair.Data(values=squares), width=150, height=80).mark_geoshape(stroke="white").encode(
        color="properties.name:N", tooltip="properties.name:N").project("mercator").to_dict())
    chart("altair-gradient", "a gradient, a theme and a format", altair.Chart(frame, width=180, height=100, title=["Two", "lines of a title"]).mark_area(
        line={"color": "darkgreen"}, color=altair.Gradient(gradient="linear", x1=1, x2=1, y1=1, y2=0, stops=[
            altair.GradientStop(color="white", offset=0), altair.GradientStop(color="rgb(0, 100, 0)", offset=1)])).encode(
                x=altair.X("yearmonthdate(when):T", axis=altair.Axis(format="%d h")), y=altair.Y("size:Q", impute=None)).configure_view(stroke=None).to_dict())

    chart("vega-bars", "bars with labels that are drawn for them, and signals", {
        "$schema": "https://vega.github.io/schema/vega/v5.json", "width": 200, "height": 100, "padding": 5,
        "signals": [{"name": "pointed", "value": {}, "on": [{"events": "rect:pointerover", "update": "{x: x(), y: item().y}"}, {"events": "rect:pointerout", "update": "{}"}]},
                    {"name": "gap", "value": 0.1, "bind": {"input": "range", "min": 0, "max": 0.5, "step": 0.1}}, {"name": "cursor", "value": "default"}],
        "data": [{"name": "table", "values": "category,amount\nA,28\nB,55\nC,43\n", "format": {"type": "csv", "parse": {"amount": "number"}},
                  "transform": [{"type": "formula", "as": "label", "expr": "datum.category + ' (' + format(datum.amount, 'd') + ')'"}]}],
        "scales": [{"name": "x", "type": "band", "domain": {"data": "table", "field": "category"}, "range": "width", "padding": {"signal": "gap"}},
                   {"name": "y", "domain": {"data": "table", "field": "amount"}, "nice": True, "range": "height"}],
        "axes": [{"orient": "bottom", "scale": "x"}, {"orient": "left", "scale": "y", "tickCount": 3}],
        "marks": [{"type": "rect", "name": "bars", "from": {"data": "table"}, "encode": {
            "enter": {"x": {"scale": "x", "field": "category"}, "width": {"scale": "x", "band": 1}, "y": {"scale": "y", "field": "amount"}, "y2": {"scale": "y", "value": 0}, "tooltip": {"signal": "datum"}},
            "update": {"fill": {"value": {"gradient": "linear", "stops": [{"offset": 0, "color": "steelblue"}, {"offset": 1, "color": "navy"}]}}}, "hover": {"fill": {"value": "red"}}}},
                  {"type": "text", "from": {"data": "bars"}, "encode": {"update": {"x": {"signal": "datum.x + datum.width / 2"}, "y": {"field": "bounds.y1", "offset": -2},
                                                                                   "text": {"field": "datum.label"}, "align": {"value": "center"}, "fontSize": {"value": 9}}}}]})


def widgets() -> None:
    sent: list[dict] = []

    class Recorded(comm.base_comm.BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            kind = {"comm_open": "open", "comm_msg": "msg", "comm_close": "close"}[msg_type]
            sent.append({"kind": kind, "comm_id": self.comm_id, "target_name": self.target_name, "data": json.loads(json.dumps(data or {}))})

    comm.create_comm = Recorded
    w = ipywidgets
    made = {
        "slider": lambda: w.IntSlider(value=3, description="a < b", max=9),
        "text": lambda: w.Text(value="<b>text, not HTML</b>", description="text", placeholder="type"),
        "dropdown": lambda: w.Dropdown(options=["a", "b & c"], description="pick"),
        "box": lambda: w.HBox([w.Button(description="OK", icon="check", button_style="success"), w.Checkbox(description="c"), w.ToggleButtons(options=["x", "y"])]),
        "tab": lambda: w.Tab([w.Label("$x^2$"), w.HTML("<b>bold</b> <i>italic</i>")], titles=["one", "two"]),
        "ranges": lambda: w.VBox([w.IntRangeSlider(value=[2, 5], max=9), w.SelectionRangeSlider(options=["a", "b", "c"], index=(0, 2)), w.TagsInput(value=["x", "y"]), w.ColorPicker(value="teal")]),
        "progress": lambda: w.FloatProgress(value=0.5, max=1, description="loading", style={"bar_color": "#ff0000"}, layout=w.Layout(width="50%", border="1px solid")),
    }
    for name, make in made.items():
        sent.clear()
        widget = make()
        messages = [dict(message) for message in sent]
        write(f"widget-{name}", "widget", "a control of ipywidgets", comm=messages,
              bundle={"data": {"application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}, "text/plain": name}, "metadata": {}})


def streams() -> None:
    write("stream-plain", "stream", "what print writes", stream="one\ntwo\tthree\r\n£ · é 漢字 🎉\n")
    write("stream-colours", "stream", "colours", stream="\x1b[0;31mred\x1b[0m \x1b[1;4;38;5;208mx\x1b[m \x1b[38;2;1;2;3my\x1b[0m\n")
    write("stream-progress", "stream", "a progress bar", stream="\r 10%|█         | 1/10\r\x1b[K 20%|██        | 2/10\x08\x08")


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for part in (pandas, matplotlib_figures, sympy_and_latex, ipython_reprs, charts, interactive_charts, widgets, streams):
        part()
    for left in HERE.glob("*.json"):
        if left.stem not in written:
            left.unlink()
    print(f"{len(written)} outputs")
