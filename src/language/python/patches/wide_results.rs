//! Results of 64 bits that numpy's C code takes through types of 32: how far a number is shifted, and what the legacy random
//! numbers draw.

use wasm_encoder::{Ieee64, Instruction as I};

use crate::language::patch::op::{Op, TO_LONG, int, load, long, store};
use crate::language::patch::{Change, Patch, Theme};

const TEST: &str = "tests/kernel/test_integers.py::test_integers_are_those_of_64_bit_linux";

/// Where the module of the legacy random numbers has its names "l" and "int64".
const NAME_L: u64 = 27_668_432;
const NAME_INT64: u64 = 27_668_356;

/// 2^31 - 1 and 2^63 as doubles: the largest C `long` here, and on 64-bit Linux.
const LONG_MAX_HERE: Op = Op::Plain(I::F64Const(Ieee64::new(0x41df_ffff_ffc0_0000)));
const LONG_MAX: Op = Op::Plain(I::F64Const(Ieee64::new(0x43e0_0000_0000_0000)));

/// The shift is compared with 64 as a `size_t`, which has 32 bits here: no bit of it but the lowest six may be set.
const BELOW_64_HERE: &[Op] = &[long(0xffff_ffc0), Op::Plain(I::I64And), Op::Plain(I::I64Eqz)];
const BELOW_64: &[Op] = &[long(-64), Op::Plain(I::I64And), Op::Plain(I::I64Eqz)];

const CAST_TO_L: &[Op] = &[int(0), load(NAME_L), store(8)];
const CAST_TO_INT64: &[Op] = &[int(0), load(NAME_INT64), store(8)];
const TO_INTEGER_HERE: &[Op] = &[Op::Plain(I::I32TruncSatF64S), TO_LONG];
const TO_INTEGER: &[Op] = &[Op::Plain(I::I64TruncSatF64S)];

const fn shift(function: &'static str, times: usize) -> Patch {
    let change = Change::Edit { expected: BELOW_64_HERE, times, replacement: BELOW_64 };
    Patch { function, change, reason: "Shifted by 2^32 and more, nothing is left of a number.", test: TEST }
}

const fn draws(
    function: &'static str,
    expected: &'static [Op],
    replacement: &'static [Op],
    reason: &'static str,
) -> Patch {
    Patch { function, change: Change::Edit { expected, times: 1, replacement }, reason, test: TEST }
}

pub const THEME: Theme = Theme {
    title: "Results of 64 bits",
    about: "What C code has as `size_t` or `long` has 32 bits here. Where a result of 64 bits goes through one, it came out wrong without a word: \
            a shift was taken modulo 2^32, and what `np.random` (`RandomState`) draws ended at 2^31 - 1. A `RandomState` still refuses parameters beyond \
            that for `poisson`, `binomial`, `multinomial`, `hypergeometric` and `random_integers`; a `Generator` (`np.random.default_rng()`) takes them.",
    patches: &[&[
        shift("LONGLONG_left_shift", 24),
        shift("LONGLONG_right_shift", 24),
        shift("ULONGLONG_left_shift", 24),
        shift("ULONGLONG_right_shift", 24),
        shift("longlong_lshift", 1),
        shift("longlong_rshift", 1),
        shift("ulonglong_lshift", 1),
        shift("ulonglong_rshift", 1),
        draws("legacy_random_geometric", TO_INTEGER_HERE, TO_INTEGER, "`geometric` draws what 64 bits hold."),
        draws("legacy_random_zipf", TO_INTEGER_HERE, TO_INTEGER, "`zipf` draws what 64 bits hold …"),
        draws(
            "legacy_random_zipf",
            &[LONG_MAX_HERE, Op::Plain(I::F64Gt)],
            &[LONG_MAX, Op::Plain(I::F64Gt)],
            "… and draws again only beyond that.",
        ),
        draws(
            "legacy_negative_binomial",
            &[Op::Call("npy_legacy_random_poisson"), TO_LONG],
            &[Op::Call("random_poisson")],
            "`negative_binomial` draws what 64 bits hold: the same algorithm, compiled for them.",
        ),
        draws(
            "__pyx_f_5numpy_6random_6mtrand_int64_to_long",
            CAST_TO_L,
            CAST_TO_INT64,
            "What was drawn goes through `int64_to_long`: an array …",
        ),
        draws(
            "__pyx_f_5numpy_6random_6mtrand_int64_to_long",
            &[Op::Plain(I::I32WrapI64), Op::Call("PyLong_FromLong")],
            &[Op::Call("PyLong_FromLongLong")],
            "… or a number.",
        ),
    ]],
};
