//! The functions that an expression may call, of those that Vega documents. Not among them: what hands out the viewer,
//! its marks or the window (`view`, `intersect`, `screen`), what changes data (`modify`, `setdata`), what answers with a
//! function (`copy`, `geoShape`), and Vega-Lite's own.

/// What comes out of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Numbers, dates, truth values, colours, and lists of them.
    Numbers,
    /// What went in, or a part of it.
    Part,
    /// The same, or what a value that went in has: `length({length: 'x'})` is a text.
    Any,
    /// A text that is put together.
    Built,
}

const NUMBERS: &str = "isArray isBoolean isDate isDefined isNumber isObject isRegExp isString isTuple isValid isNaN isFinite \
    abs acos asin atan atan2 ceil cos exp floor hypot log max min pow random round sin sqrt tan clamp \
    now utc datetime date day year month hours minutes seconds milliseconds time timezoneoffset quarter week isoweek dayofyear \
    utcdate utcday utcyear utcmonth utchours utcminutes utcseconds utcmilliseconds utcquarter utcweek utcisoweek utcdayofyear \
    timeParse utcParse timeOffset utcOffset timeSequence utcSequence toBoolean toDate toNumber parseFloat parseInt \
    indexof lastindexof inrange span sequence test luminance contrast rgb hsl lab hcl \
    sampleNormal sampleLogNormal sampleUniform cumulativeNormal cumulativeLogNormal cumulativeUniform \
    densityNormal densityLogNormal densityUniform quantileNormal quantileLogNormal quantileUniform \
    bandspace windowSize containerSize \
    easeLinear easeQuad easeQuadIn easeQuadOut easeQuadInOut easeCubic easeCubicIn easeCubicOut easeCubicInOut easePoly \
    easePolyIn easePolyOut easePolyInOut easeSin easeSinIn easeSinOut easeSinInOut easeExp easeExpIn easeExpOut \
    easeExpInOut easeCircle easeCircleIn easeCircleOut easeCircleInOut easeBounce easeBounceIn easeBounceOut \
    easeBounceInOut easeElastic easeElasticIn easeElasticOut easeElasticInOut easeBack easeBackIn easeBackOut easeBackInOut";

const PARTS: &str = "if extent merge peek reverse slice sort split substring trim lower upper toString interpolateLinear \
    encodeURIComponent regexp";

const ANY: &str =
    "length lerp panLinear panLog panPow panSymlog zoomLinear zoomLog zoomPow zoomSymlog clampRange lassoAppend flush";

const BUILT: &str = "join replace pad truncate format timeFormat utcFormat monthFormat monthAbbrevFormat dayFormat \
    dayAbbrevFormat timeUnitSpecifier lassoPath btoa atob";

/// What a function answers with, if it is one that takes any values.
pub fn answer(name: &str) -> Option<Answer> {
    let has = |names: &str| names.split_ascii_whitespace().any(|other| other == name);
    if has(NUMBERS) {
        Some(Answer::Numbers)
    } else if has(PARTS) {
        Some(Answer::Part)
    } else if has(ANY) {
        Some(Answer::Any)
    } else if has(BUILT) {
        Some(Answer::Built)
    } else {
        None
    }
}

/// Those that are told of a scale or a projection, by its name, and after so many arguments of the group it is in.
pub fn scale_arguments(name: &str) -> Option<usize> {
    match name {
        "bandwidth" | "domain" | "range" | "geoScale" | "geoTranslate" => Some(1),
        "scale" | "invert" | "geoArea" | "geoBounds" | "geoCentroid" => Some(2),
        "gradient" => Some(4),
        _ => None,
    }
}

/// Those that are told of a data set by its name.
pub fn names_data(name: &str) -> bool {
    matches!(name, "data" | "indata" | "treePath" | "treeAncestors")
}

/// Those that say where the pointer is, in an item or a group of marks.
pub fn takes_item(name: &str) -> bool {
    matches!(name, "x" | "y" | "xy" | "inScope")
}
