//! Positions and counts that do not fit a pointer's integer are told, never taken modulo 2^32; and positions that numpy
//! gives are of the default integer.

mod added;
mod array;
mod wrappers;

use wasm_encoder::ValType::{self, I32, I64};

use super::ints;
use crate::language::patch::{Change, Op, Patch, Theme};

const TOO_LARGE: &str = "tests/kernel/test_positions.py::test_a_position_that_is_too_large_is_told";
const WIDE: &str = "tests/kernel/test_positions.py::test_positions_are_of_the_default_integer";

const fn add(
    function: &'static str,
    params: &'static [ValType],
    locals: &'static [ValType],
    about: &'static str,
    body: fn() -> Vec<Op>,
) -> Patch {
    Patch {
        function,
        change: Change::Add { params, results: &[I32], locals, about, body },
        reason: "The wrappers below call it.",
        test: TOO_LARGE,
    }
}

const fn wrap(
    function: &'static str,
    params: usize,
    locals: &'static [ValType],
    about: &'static str,
    body: fn() -> Vec<Op>,
    reason: &'static str,
) -> Patch {
    let change = Change::WrapMade { params: ints(params), results: &[I32], locals, about, body };
    Patch { function, change, reason, test: TOO_LARGE }
}

/// Of a function that gives positions in an array, or a number of them.
const fn gives(function: &'static str, params: usize, body: fn() -> Vec<Op>) -> Patch {
    let about = "what it gives is cast to `int64`";
    Patch {
        function,
        change: Change::WrapMade { params: ints(params), results: &[I32], locals: &[], about, body },
        reason: "Positions are `int64` where Python code sees them; C code calls other functions.",
        test: WIDE,
    }
}

/// Of a method that draws numbers which are C's `long`.
const fn draws(function: &'static str) -> Patch {
    Patch {
        reason: "The numbers of the legacy generators are of the default integer.",
        ..gives(function, 4, || wrappers::gives_one(4))
    }
}

pub const THEME: Theme = Theme {
    title: "Positions",
    about: "Inside numpy positions and counts are `np.intp`, which has to be what pointers are: 32 bits. Arrays of `int64` that are given for \
            such are looked through before they are cast: what does not fit becomes the nearest number that does, which no array is large enough \
            for, so numpy's own checks find it; where the number is in the message, it is told before. Positions that numpy's functions give \
            are cast to `int64` at their edge to Python.",
    patches: &[&[
        add(
            "cellblock_plain",
            &[I32],
            &[I32],
            "the array itself or a copy of it, contiguous, of the machine's byte order and no subclass",
            added::plain,
        ),
        add(
            "cellblock_first_outside",
            &[I32],
            &[I32, I32, I32],
            "where in an array of `int64` the first number is that has more than 32 bits, or -1",
            added::first_outside,
        ),
        add(
            "cellblock_narrow",
            &[I32],
            &[I32, I32, I32, I32, I64],
            "an array of `int64` as one of `intp`, with what does not fit made the nearest that does",
            added::narrow,
        ),
        add(
            "cellblock_outside",
            &[I32, I32, I32, I32],
            &[I32, I32, I32],
            "raises numpy's `IndexError` if a number in an array of `int64` has more than 32 bits",
            added::outside,
        ),
        add(
            "cellblock_overflown",
            &[I32, I32, I32, I32],
            &[I32, I32, I32, I32, I32],
            "raises numpy's `IndexError` about the integer in an index that has more than 32 bits",
            added::overflown,
        ),
        add(
            "cellblock_wide",
            &[I32],
            &[I32],
            "an array or number of `intp` as one of `int64`, a new reference",
            added::wide,
        ),
        add(
            "cellblock_widened",
            &[I32],
            &[I32],
            "the same, in place of a reference, unless somebody else has the object, too",
            added::widened,
        ),
        add("cellblock_widened_each", &[I32], &[I32, I32, I32], "the same for what is in a tuple", added::widened_each),
        wrap(
            "PyArray_FromArray",
            3,
            ints(2),
            "an array of `int64` that is wanted as `intp`, but not by force, is looked through, and comes by way of `cellblock_narrow` if anything does not fit",
            wrappers::from_array,
            "All that takes positions or counts as arrays: `np.repeat`, `np.choose`, `np.bincount`, `reduceat`, `sorter=`.",
        ),
        wrap(
            "prepare_index_noarray",
            9,
            ints(7),
            "arrays of `int64` in an index are looked through and cast to `intp`; an integer of more than 32 bits is out of bounds",
            wrappers::prepare_index,
            "`array[positions]`, `ufunc.at`, `array.flat[positions]`.",
        ),
        wrap("PyArray_TakeFrom", 5, ints(4), "the same", wrappers::take, "`np.take`, and what `mode=\"wrap\"` does."),
        wrap("PyArray_PutTo", 4, ints(3), "the same", wrappers::put, "`np.put`, and what `mode=\"wrap\"` does."),
        wrap(
            "PyArray_Repeat",
            3,
            &[I32, I32, I32, I32, I64, I64],
            "counts that come to more than an array can have are out of memory",
            wrappers::repeat,
            "`np.repeat`; numpy's own sum of them overflows.",
        ),
        wrap(
            "PyArray_Choose",
            4,
            ints(3),
            "positions are taken modulo the number of choices before",
            wrappers::choose,
            "What `mode=\"wrap\"` does.",
        ),
        wrap(
            "partition_prep_kth_array",
            3,
            ints(2),
            "an array of `int64` comes by way of `cellblock_narrow`",
            wrappers::partition,
            "`np.partition` casts by force.",
        ),
        gives("array_argmax", 4, || wrappers::gives_one(4)),
        gives("array_argmin", 4, || wrappers::gives_one(4)),
        gives("array_argsort", 4, || wrappers::gives_one(4)),
        gives("array_argpartition", 4, || wrappers::gives_one(4)),
        gives("array_searchsorted", 4, || wrappers::gives_one(4)),
        gives("array_lexsort", 4, || wrappers::gives_one(4)),
        gives("arr_ravel_multi_index", 3, || wrappers::gives_one(3)),
        gives("arr_unravel_index", 3, || wrappers::gives_each(3)),
        gives("array_nonzero", 2, || wrappers::gives_each(2)),
        gives("array_where", 3, || wrappers::gives_each(3)),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_29tomaxint"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_43random_integers"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_87binomial"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_89negative_binomial"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_91poisson"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_93zipf"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_95geometric"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_97hypergeometric"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_99logseries"),
        draws("__pyx_pw_5numpy_6random_6mtrand_11RandomState_103multinomial"),
    ]],
};
