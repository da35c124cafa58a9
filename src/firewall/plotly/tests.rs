use serde_json::json;

use super::*;

fn checked(figure: Value) -> (Value, Removals) {
    let (mut figure, mut removed) = (figure, Removals::new());
    assert!(sanitize(&mut figure, false, &mut removed));
    (figure, removed)
}

#[test]
fn figures_stay_as_they_are() {
    let figure = json!({
        "data": [{"type": "scatter", "x": ["https://a.b", "c"], "y": [1, 2.5], "hovertemplate": "<b>%{x}</b><extra></extra>", "marker": {"color": "red"}},
                 {"type": "heatmap", "z": [[1]]}, {"type": "sankey", "link": {"source": [0, 1], "target": [2, 3]}}],
        "layout": {"title": {"text": "A <a href=\"https://x.org\">link</a>"}, "images": [{"source": "data:image/png;base64,iVBO"}]},
        "config": {"responsive": true, "displaylogo": false, "modeBarButtonsToRemove": ["zoom2d"]}
    });
    let (out, removed) = checked(figure.clone());
    assert_eq!(out, figure);
    assert!(removed.is_empty());
}

#[test]
fn nothing_is_fetched() {
    for figure in [
        json!({"layout": {"images": [{"source": "http://evil/x.png"}]}}),
        json!({"layout": {"template": {"layout": {"images": [{"source": "//evil/x.png"}]}}}}),
        json!({"frames": [{"layout": {"images": [{"source": "http://evil"}]}}]}),
        json!({"data": [{"type": "image", "source": "http://evil/x.png"}]}),
        json!({"data": [{"type": "choroplethmap", "geojson": "http://evil/x.json"}]}),
        json!({"layout": {"mapbox": {"style": "http://evil/style.json", "accesstoken": "evil"}}}),
        json!({"layout": {"map2": {"style": {"sources": {"evil": {"tiles": ["http://evil"]}}}}}}),
        json!({"layout": {"mapbox": {"layers": [{"sourcetype": "raster", "source": ["http://evil/{z}"], "sourceattribution": "<img src=//evil>"}]}}}),
        json!({"config": {"plotlyServerURL": "http://evil", "topojsonURL": "http://evil/", "showLink": true}}),
        json!({"layout": {"updatemenus": [{"buttons": [{"method": "relayout", "args": [{"images[0].source": "http://evil"}]}]}]}}),
        json!({"layout": {"updatemenus": [{"buttons": [{"method": "relayout", "args": ["images[0].source", "http://evil"]}]}]}}),
        json!({"layout": {"title": {"text": "<a href=\"javascript:evil()\">x</a>"}}}),
        json!({"data": [{"type": "bar", "text": ["<b x=\"<span style='background:url(http://evil)'>\">y"]}]}),
        json!({"layout": {"updatemenus": [{"buttons": [{"method": "relayout", "args": ["images[0].source", "\\\\evil\\x.png"]}]}]}}),
        json!({"layout": {"updatemenus": [{"buttons": [{"method": "relayout", "args": [{"images[0]": {"source": "/\\evil"}}]}]}]}}),
        json!({"layout": {"updatemenus": [{"buttons": [{"method": "animate", "args": [[{"layout": {"images": [{"source": "\t//evil"}]}}]]}]}]}}),
        json!({"layout": {"sliders": [{"steps": [{"method": "update", "args": [{}, {"images": [{"source": "ht\ntp://evil"}]}]}]}]}}),
        json!({"frames": [{"layout": {"images[0].source": "http://evil"}}]}),
        json!({"data": [{"type": "scatter", "fill": "url(http://evil)", "line": {"color": "url(http://evil)"}}]}),
        json!({"data": [{"type": "scatter", "marker": {"color": ["red", "url(http://evil#x)"]}}]}),
        json!({"layout": {"font": {"family": "x;background:url(http://evil)", "shadow": "url(http://evil)"}}}),
        json!({"layout": {"template": {"data": {"scatter": [{"hoverlabel": {"bgcolor": "url(http://evil)"}}]}}}}),
        json!({"layout": {"shapes": [{"type": "path", "path": "url(http://evil)"}]}}),
        json!({"layout": {"modebar": {"add": ["sendDataToCloud", "http://evil"]}}}),
        json!({"layout": {"onevil": "x", "evil": {"a": 1}}}),
        json!({"layout": {"title": {"text": "<a href=\"vbscript:evil\">x</a>"}}}),
    ] {
        let (out, removed) = checked(figure.clone());
        assert!(!out.to_string().contains("evil"), "{figure} became {out}");
        assert!(!removed.is_empty());
    }
}

#[test]
fn figures_with_outlines_that_are_fetched_go() {
    for figure in [
        json!({"data": [{"type": "choropleth", "geojson": {"type": "FeatureCollection", "features": []}}]}),
        json!({"layout": {"updatemenus": [{"buttons": [{"method": "restyle", "args": ["type", "scattergeo"]}]}]}}),
    ] {
        let mut removed = Removals::new();
        assert!(!sanitize(&mut figure.clone(), false, &mut removed) && removed.count(Kind::Remote) == 1);
        assert!(sanitize(&mut figure.clone(), true, &mut Removals::new()));
    }
    let template =
        json!({"data": [{"type": "bar"}], "layout": {"template": {"data": {"choropleth": [{"type": "choropleth"}]}}}});
    assert_eq!(checked(template.clone()).0, template);
}

#[test]
fn maps_show_no_tiles() {
    let (out, _) = checked(
        json!({"data": [{"type": "scattermapbox"}], "layout": {"mapbox": {"style": "open-street-map", "zoom": 3}}}),
    );
    assert_eq!(out["layout"]["mapbox"], json!({"style": "white-bg", "zoom": 3}));
    let (out, _) = checked(json!({"data": [{"type": "scattermap"}], "layout": {}}));
    assert_eq!(out["layout"]["map"]["style"], "white-bg");
    let (out, _) = checked(
        json!({"data": [{"type": "scattermap", "mode": "markers+text", "marker": {"symbol": "harbor"}}],
            "layout": {"updatemenus": [{"buttons": [{"args": [{"mapbox.style": "satellite", "marker.symbol": "harbor"}]}]}]}}),
    );
    assert!(
        !out.to_string().contains("satellite")
            && !out.to_string().contains("harbor")
            && !out.to_string().contains("+text")
    );
    let template =
        json!({"data": [{"type": "bar"}], "layout": {"template": {"layout": {"mapbox": {"style": "light"}}}}});
    assert_eq!(checked(template.clone()).0, template);
}

#[test]
fn figures_of_many_kinds_stay_as_they_are() {
    for figure in [
        json!({"data": [{"type": "scatter", "x": {"dtype": "f8", "bdata": "AAAA/wB+/z8="}, "marker": {"size": {"dtype": "i1", "bdata": "AQ/="}, "color": {"dtype": "f8", "bdata": "A/=="}, "symbol": ["circle", "x"], "line": {"dash": "5px,10px"}},
            "customdata": [["a", 1], [null, {"color": "any <5"}]], "hovertemplate": "%{customdata[0]}<br>%{y:$.2f}<extra>%{fullData.name}</extra>", "visible": "legendonly", "stackgroup": "one", "xaxis": "x2"}],
            "layout": {"xaxis2": {"type": "date", "range": ["2020-01-01 10:00", "2021-01-01"], "tickformat": "%d %b<br>%Y", "dtick": "M1", "title": "T", "rangebreaks": [{"bounds": ["sat", "mon"]}]},
                "shapes": [{"type": "path", "path": "M 1 1 L2,3.5e-1 Z", "xref": "x domain"}], "annotations": [{"text": "a<b> b</b>", "ax": -20, "showarrow": true}], "meta": ["m"], "uirevision": true, "hovermode": "x unified"}}),
        json!({"data": [{"type": "contour", "z": [[1, 2], [3, 4]], "contours": {"type": "constraint", "operation": "<", "value": 2}, "colorscale": "RdBu_r"}]}),
        json!({"data": [{"type": "surface", "z": [[1]], "contours": {"x": {"show": true, "color": "rgb(1, 2,3)"}}, "colorscale": [[0, "rgb(0,0,0)"], [1, "#fff"]]}]}),
        json!({"data": [{"type": "sunburst", "labels": ["A", "B & C"], "parents": ["", "A"], "values": [1, 2], "branchvalues": "total", "textinfo": "label+percent parent"}]}),
        json!({"data": [{"type": "pie", "labels": ["a"], "values": [1], "hole": 0.3, "marker": {"colors": ["gold", "hsl(1, 2%, 3%)"]}, "pull": [0, 0.2]}]}),
        json!({"data": [{"type": "table", "header": {"values": ["<b>A</b>"], "fill": {"color": "paleturquoise"}}, "cells": {"values": [["x"], ["1 < 2"]], "fill": {"color": [["white", "red"]]}, "format": ["", ".2f"]}}]}),
        json!({"data": [{"type": "indicator", "mode": "gauge+number+delta", "value": 5, "gauge": {"axis": {"range": [null, 5]}, "steps": [{"range": [0, 1], "color": "lightgray"}], "threshold": {"line": {"color": "red", "width": 4}, "thickness": 0.75, "value": 4}}, "number": {"suffix": "%", "prefix": "$"}}]}),
        json!({"data": [{"type": "candlestick", "open": [1], "high": [2], "low": [0], "close": [1], "increasing": {"line": {"color": "#3D9970"}}}]}),
        json!({"data": [{"type": "parcoords", "dimensions": [{"label": "A", "values": [1, 2], "range": [0, 3], "constraintrange": [1, 2], "tickvals": [1], "ticktext": ["one"]}], "line": {"color": [1, 2], "colorscale": "Viridis", "showscale": true}}]}),
        json!({"data": [{"type": "bar", "x": ["a"], "y": [1]}], "frames": [{"name": "f/1", "group": "g", "data": [{"x": ["b"], "y": [2]}], "layout": {"title": {"text": "<b>t</b>"}}, "traces": [0]}],
            "layout": {"updatemenus": [{"type": "buttons", "direction": "left", "pad": {"r": 10, "t": 87}, "buttons": [
                {"label": "Play", "method": "animate", "args": [null, {"frame": {"duration": 500, "redraw": false}, "fromcurrent": true, "transition": {"duration": 300, "easing": "quadratic-in-out"}}]},
                {"label": "Type", "method": "restyle", "args": ["type", "heatmap"], "args2": [{"marker.color": [["red"]], "visible": [true, false]}, [0]]},
                {"label": "Layout", "method": "update", "args": [{"visible": [true]}, {"title.text": "A", "xaxis.range": [0, 1], "annotations": [{"text": "b"}], "shapes[0].x0": 3}]}]}],
                "sliders": [{"active": 0, "currentvalue": {"prefix": "Year:", "font": {"size": 20}}, "steps": [{"label": "f1", "method": "animate", "args": [["f1"], {"frame": {"duration": 300}, "mode": "immediate"}]}]}]}}),
        json!({"data": [{"type": "choroplethmap", "geojson": {"type": "FeatureCollection", "features": [{"type": "Feature", "id": "a/b", "properties": {"url": "http://x.org", "name": "N"}, "geometry": {"type": "Point", "coordinates": [1, 2]}}]}, "locations": ["a/b"], "z": [1]}], "layout": {"map": {"style": "white-bg", "center": {"lat": 1, "lon": 2}, "zoom": 3}, "mapbox": {"style": "white-bg"}}}),
        json!({"data": [{"type": "image", "source": "data:image/png;base64,iVBO"}, {"type": "scatter3d", "x": [1], "y": [1], "z": [1], "projection": {"x": {"show": true}}}], "layout": {"scene": {"camera": {"eye": {"x": 1.2, "y": 1, "z": 1}, "up": {"x": 0}}, "xaxis": {"title": {"text": "x"}}}, "grid": {"rows": 1, "columns": 2, "pattern": "independent"}}}),
    ] {
        let (out, removed) = checked(figure.clone());
        assert_eq!(out, figure);
        assert_eq!(removed.sentence(), None);
    }
}
