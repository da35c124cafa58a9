//! numpy's default integer has 64 bits.

use wasm_encoder::Instruction as I;

use crate::language::patch::op::{ADD, AND, EQ, LE_U, Op, SELECT, SUB, TO_LONG, at, get, int, load, set, store};
use crate::language::patch::{Change, Patch, Theme};

/// numpy's type number of C `long`, which has 32 bits here and is `np.intp` too.
const LONG: i32 = 7;
/// numpy's type number of C `long long`, which is `np.int64` here.
const LONG_LONG: i32 = 9;
/// That of its unsigned kind, `np.uint64`.
const UNSIGNED_LONG_LONG: i32 = 10;
/// Where the pointer to the DType of `np.intp` is.
const INTP_DTYPE: u64 = 27_642_972;
/// Where the pointer to the DType of `np.longlong` is.
const LONG_LONG_DTYPE: u64 = 27_642_932;
/// Where the module of the legacy random numbers has its names "long" and "int64".
const NAME_LONG: u64 = 27_668_500;
const NAME_INT64: u64 = 27_668_356;
/// Where a descriptor (`PyArray_Descr`) has its type number.
const TYPE_NUMBER: u64 = 16;

const TEST: &str = "tests/kernel/test_integers.py::test_integers_are_those_of_64_bit_linux";

const NARROW_DESCRIPTOR: &[Op] = &[int(LONG), Op::Call("PyArray_DescrFromType")];
const WIDE_DESCRIPTOR: &[Op] = &[int(LONG_LONG), Op::Call("PyArray_DescrFromType")];

/// Of a function that makes the default integer in one place: in as many bits as on 64-bit Linux.
const fn default_integer(function: &'static str, times: usize, reason: &'static str) -> Patch {
    Patch {
        function,
        change: Change::Edit { expected: NARROW_DESCRIPTOR, times, replacement: WIDE_DESCRIPTOR },
        reason,
        test: TEST,
    }
}

pub const THEME: Theme = Theme {
    title: "Integers",
    about: "numpy's default integer is that of pointers, which have 32 bits here: sums, powers and conversions come out \
            wrong without a word that are right on every 64-bit machine. It is `int64` instead. The names in Python (`np.int_`, `np.uint`) and what is counted \
            there follow in the bridge (`wide_integers.py`).\n\n\
            What stays: `np.intp` has to be what pointers are, so an array that is cast to it (`astype(np.intp)`) has 32 bits, and what does not fit is \
            taken modulo 2^32, as by `astype(np.int32)`, which it is; pandas' own arrays of positions (`Index.get_indexer`, `GroupBy.indices`) have 32 bits; \
            `np.long` and the code `l` are C's `long`, which has 32 bits.",
    patches: &[&[
        default_integer("discover_descriptor_from_pylong", 1, "The type of a Python integer whose value is not known."),
        Patch {
            function: "discover_descriptor_from_pylong",
            change: Change::Edit {
                expected: &[int(LONG), int(LONG_LONG), get(2)],
                times: 1,
                replacement: &[int(LONG_LONG), int(LONG_LONG), get(2)],
            },
            reason: "The type of a Python integer: `np.array([1])`.",
            test: TEST,
        },
        default_integer("int_default_descriptor", 1, "The type of `int` where there is no value."),
        default_integer("_convert_from_any", 1, "`dtype=int`."),
        default_integer("PyArray_ArangeObj", 1, "`np.arange(n)`."),
        Patch {
            function: "can_cast_pyscalar_scalar_to",
            change: Change::Edit {
                expected: &[int(0), int(LONG), int(12)],
                times: 1,
                replacement: &[int(0), int(LONG_LONG), int(12)],
            },
            reason: "Whether a Python integer can be cast.",
            test: TEST,
        },
        default_integer(
            "_multiarray_umath_exec",
            1,
            "The zero that stands for Python integers where a ufunc chooses its types.",
        ),
        Patch {
            function: "convert_ufunc_arguments",
            change: Change::Edit {
                expected: &[int(TYPE_NUMBER as i32), ADD, load(0), int(LONG), EQ],
                times: 1,
                replacement: &[int(TYPE_NUMBER as i32), ADD, load(0), int(LONG_LONG), EQ],
            },
            reason: "How it tells a Python integer from one that is too large.",
            test: TEST,
        },
        default_integer("py_resolve_dtypes_generic", 2, "The same for `ufunc.resolve_dtypes`."),
        Patch {
            function: "int_common_dtype",
            change: Change::Edit {
                expected: &[int(0), load(INTP_DTYPE)],
                times: 2,
                replacement: &[int(0), load(LONG_LONG_DTYPE)],
            },
            reason: "What a Python integer and something else have in common: `np.array([True]) + 1`.",
            test: TEST,
        },
        Patch {
            function: "reducelike_promote_and_resolve",
            change: Change::Edit { expected: &[int(LONG), set(9)], times: 1, replacement: &[int(LONG_LONG), set(9)] },
            reason: "Sums and products of booleans.",
            test: TEST,
        },
        Patch {
            function: "reducelike_promote_and_resolve",
            change: Change::Edit { expected: &[int(3), LE_U], times: 1, replacement: &[int(7), LE_U] },
            reason: "Sums and products of integers of less than 8 bytes, not of less than 4, are of the default integer.",
            test: TEST,
        },
        Patch {
            function: "reducelike_promote_and_resolve",
            change: Change::Edit {
                expected: &[get(11), Op::Plain(I::I32Load8U(at(22_081_920, 0)))],
                times: 1,
                // The local is the type's number less 2: unsigned ones are even.
                replacement: &[int(UNSIGNED_LONG_LONG), get(11), int(1), AND, SUB],
            },
            reason: "Which default integer they are of, signed or unsigned; it was looked up in a table.",
            test: TEST,
        },
        Patch {
            function: "ufunc_generic_fastcall",
            change: Change::Edit {
                expected: &[get(9), store(304), int(LONG), Op::Call("PyArray_DescrFromType")],
                times: 1,
                replacement: &[
                    get(9),
                    TO_LONG,
                    Op::Plain(I::I64Store(at(304, 3))),
                    int(LONG_LONG),
                    Op::Call("PyArray_DescrFromType"),
                ],
            },
            reason: "A ufunc of one Python integer takes a shorter way: `np.square(100000)`.",
            test: TEST,
        },
        Patch {
            function: "__pyx_pw_5numpy_6random_6mtrand_11RandomState_31randint",
            change: Change::Edit {
                expected: &[int(0), load(NAME_LONG), store(68)],
                times: 1,
                replacement: &[int(0), load(NAME_INT64), store(68)],
            },
            reason: "`np.random.randint` and `RandomState.randint` without a type take that of the name \"long\".",
            test: TEST,
        },
        Patch {
            function: "PyArray_FromArray",
            change: Change::Edit {
                expected: &[int(4), int(3), int(2), get(2), int(67_108_864), AND, SELECT],
                times: 1,
                // Casting "same kind" (3) instead of "safe" (2) if it is from `int64` (the descriptor in local 4) to
                // `intp` (the one in local 5).
                replacement: &[
                    int(4),
                    int(3),
                    int(3),
                    int(2),
                    get(4),
                    load(TYPE_NUMBER),
                    int(LONG_LONG),
                    EQ,
                    get(5),
                    load(TYPE_NUMBER),
                    int(LONG),
                    EQ,
                    AND,
                    SELECT,
                    get(2),
                    int(67_108_864),
                    AND,
                    SELECT,
                ],
            },
            reason: "What takes positions takes integers of the default type: `np.repeat`, `np.take`, `np.put`, `np.bincount`.",
            test: "tests/kernel/test_integers.py::test_positions_may_be_integers_of_64_bits",
        },
    ]],
};
