//! Floating-point numbers are cast to integers as processors of 64-bit Linux machines do it, and with a warning.

use wasm_encoder::Instruction as I;
use wasm_encoder::ValType::{F64, I32, I64, V128};

use super::ints;
use crate::language::patch::op::{
    ADD, AND, BLOCK, ELSE, END, EQ, EQZ, IF, LOOP, LT_S, OR, Op, RETURN, SUB, at, br, br_if, double, get, int, load,
    long, set, tee,
};
use crate::language::patch::{Change, Patch, Theme};

const TEST: &str = "tests/kernel/test_float_warnings.py::test_casts_are_those_of_64_bit_linux";

/// A type that is cast from.
#[derive(Clone, Copy)]
enum Source {
    Half,
    Float,
    Double,
    /// Complex numbers, of which the real part is cast.
    ComplexFloat,
    ComplexDouble,
}

/// A type that is cast to: integers of that many bytes.
#[derive(Clone, Copy)]
enum Target {
    One,
    OneUnsigned,
    Two,
    TwoUnsigned,
    Four,
    FourUnsigned,
    Eight,
    EightUnsigned,
}

/// 2^63.
const HALF_RANGE: f64 = 9_223_372_036_854_775_808.0;

macro_rules! to_integers {
    ($source:literal, $from:ident, $($target:literal $to:ident),*) => {
        [$(
            to_integer(concat!("_aligned_contig_cast_", $source, "_to_", $target), || cast(Source::$from, Target::$to, false)),
            to_integer(concat!("_contig_cast_", $source, "_to_", $target), || cast(Source::$from, Target::$to, false)),
            to_integer(concat!("_aligned_cast_", $source, "_to_", $target), || cast(Source::$from, Target::$to, true)),
            to_integer(concat!("_cast_", $source, "_to_", $target), || cast(Source::$from, Target::$to, true)),
        )*]
    };
    ($source:literal, $from:ident) => {
        to_integers!($source, $from, "byte" One, "ubyte" OneUnsigned, "short" Two, "ushort" TwoUnsigned, "int" Four, "long" Four,
                     "uint" FourUnsigned, "ulong" FourUnsigned, "longlong" Eight, "ulonglong" EightUnsigned)
    };
}

const FROM_HALF: [Patch; 40] = to_integers!("half", Half);
const FROM_FLOAT: [Patch; 40] = to_integers!("float", Float);
const FROM_DOUBLE: [Patch; 40] = to_integers!("double", Double);
const FROM_COMPLEX_FLOAT: [Patch; 40] = to_integers!("cfloat", ComplexFloat);
const FROM_COMPLEX_DOUBLE: [Patch; 40] = to_integers!("cdouble", ComplexDouble);
const TO_FLOAT: [Patch; 4] = [
    to_float("_aligned_contig_cast_double_to_float", || narrowed(false)),
    to_float("_contig_cast_double_to_float", || narrowed(false)),
    to_float("_aligned_cast_double_to_float", || narrowed(true)),
    to_float("_cast_double_to_float", || narrowed(true)),
];

/// Of all the four ways that an array can lie in memory.
pub const THEME: Theme = Theme {
    title: "Casts",
    about: "WebAssembly casts what is not in the range of an integer type to the nearest number that is, and NaN to zero. On 64-bit Linux \
            negative numbers as unsigned integers come out modulo their range, what does not fit is the smallest integer, and numpy warns: \
            by that people know it. The same goes for `float64` as `float32`.",
    patches: &[&FROM_HALF, &FROM_FLOAT, &FROM_DOUBLE, &FROM_COMPLEX_FLOAT, &FROM_COMPLEX_DOUBLE, &TO_FLOAT],
};

const fn to_integer(function: &'static str, body: fn() -> Vec<Op>) -> Patch {
    let change = Change::WrapMade {
        params: ints(5),
        results: &[I32],
        locals: &[I32, I32, I32, I32, I32, I32, F64, I64, V128, V128, V128, V128],
        about: "casts as processors of type x86-64 do, and says so if a number was not in range",
        body,
    };
    Patch { function, change, reason: "`astype(int)`, and images as `uint8`.", test: TEST }
}

const fn to_float(function: &'static str, body: fn() -> Vec<Op>) -> Patch {
    let change = Change::WrapMade {
        params: ints(5),
        results: &[I32],
        locals: &[I32, I32, I32, I32, F64],
        about: "says so if a finite number is too large",
        body,
    };
    Patch { function, change, reason: "`astype(np.float32)`.", test: TEST }
}

impl Source {
    const fn size(self) -> i32 {
        match self {
            Self::Half => 2,
            Self::Float => 4,
            Self::Double | Self::ComplexFloat => 8,
            Self::ComplexDouble => 16,
        }
    }

    /// The number at an address, in 64 bits.
    fn load(self) -> Vec<Op> {
        match self {
            Self::Half => {
                vec![Op::Plain(I::I32Load16U(at(0, 0))), Op::Call("npy_half_to_float"), Op::Plain(I::F64PromoteF32)]
            }
            Self::Float | Self::ComplexFloat => vec![Op::Plain(I::F32Load(at(0, 0))), Op::Plain(I::F64PromoteF32)],
            Self::Double | Self::ComplexDouble => vec![Op::Plain(I::F64Load(at(0, 0)))],
        }
    }
}

impl Target {
    const fn size(self) -> i32 {
        match self {
            Self::One | Self::OneUnsigned => 1,
            Self::Two | Self::TwoUnsigned => 2,
            Self::Four | Self::FourUnsigned => 4,
            Self::Eight | Self::EightUnsigned => 8,
        }
    }

    fn store(self) -> Op {
        Op::Plain(match self {
            Self::One | Self::OneUnsigned => I::I64Store8(at(0, 0)),
            Self::Two | Self::TwoUnsigned => I::I64Store16(at(0, 0)),
            Self::Four | Self::FourUnsigned => I::I64Store32(at(0, 0)),
            Self::Eight | Self::EightUnsigned => I::I64Store(at(0, 0)),
        })
    }

    /// Of the original, from where and below where it casts right.
    const fn sound(self) -> (f64, f64) {
        match self {
            Self::One | Self::Two | Self::Four => (-2_147_483_648.0, 2_147_483_648.0),
            Self::OneUnsigned | Self::TwoUnsigned => (0.0, 2_147_483_648.0),
            Self::FourUnsigned => (0.0, 4_294_967_296.0),
            Self::Eight => (-HALF_RANGE, HALF_RANGE),
            Self::EightUnsigned => (0.0, 2.0 * HALF_RANGE),
        }
    }

    /// What casts a number through a signed integer of 32 or of 64 bits: the ends of its range, neither of which is in
    /// it, or the lower of which is, and what stands for all that is not.
    const fn range(self) -> (f64, f64, i64) {
        match self {
            Self::One | Self::OneUnsigned | Self::Two | Self::TwoUnsigned | Self::Four => {
                (-2_147_483_649.0, 2_147_483_648.0, i32::MIN as i64)
            }
            _ => (-HALF_RANGE, HALF_RANGE, i64::MIN),
        }
    }
}

/// The parameter that says what a cast is for, where it has its flags, and the one of `casting="same_value"`.
const CONTEXT: u32 = 0;
const CONTEXT_FLAGS: u64 = 16;
const SAME_VALUE: i32 = 1;

const TO_LONG: Op = Op::Plain(I::I64TruncSatF64S);

/// `cast(context, arrays, lengths, strides, auxiliary)`: if all numbers are where the original casts right, it does; else all
/// of the work is done here.
fn cast(source: Source, target: Target, strided: bool) -> Vec<Op> {
    let (arrays, lengths, strides) = (1, 2, 3);
    let (left, from, to, from_step, to_step, bad, number, result) = (5, 6, 7, 8, 9, 10, 11, 12);
    let mut ops =
        vec![get(lengths), load(0), set(left), get(arrays), load(0), set(from), get(arrays), load(4), set(to)];
    if strided {
        ops.extend([get(strides), load(0), set(from_step), get(strides), load(4), set(to_step)]);
    } else {
        ops.extend([int(source.size()), set(from_step), int(target.size()), set(to_step)]);
    }
    ops.extend(looked_through(source, target.sound()));
    // `casting="same_value"` is checked by the original, too.
    ops.extend([
        get(bad),
        EQZ,
        get(CONTEXT),
        Op::Plain(I::I32Load8U(at(CONTEXT_FLAGS, 0))),
        int(SAME_VALUE),
        AND,
        OR,
        IF,
    ]);
    ops.extend((0..5).map(get));
    ops.extend([Op::Original, RETURN, END]);
    ops.extend([get(lengths), load(0), set(left), get(arrays), load(0), set(from), int(0), set(bad)]);
    ops.extend([BLOCK, LOOP, get(left), int(1), LT_S, br_if(1), get(to), get(from)]);
    ops.extend(source.load());
    let (low, high, none) = target.range();
    let above = Op::Plain(if low == -HALF_RANGE { I::F64Ge } else { I::F64Gt });
    ops.extend([tee(number), double(low), above, get(number), double(high), Op::Plain(I::F64Lt), AND, IF]);
    ops.extend([get(number), TO_LONG, set(result), ELSE]);
    if matches!(target, Target::EightUnsigned) {
        ops.extend([
            get(number),
            double(high),
            Op::Plain(I::F64Ge),
            get(number),
            double(2.0 * high),
            Op::Plain(I::F64Lt),
            AND,
            IF,
        ]);
        ops.extend([
            get(number),
            double(high),
            Op::Plain(I::F64Sub),
            TO_LONG,
            long(i64::MIN),
            Op::Plain(I::I64Xor),
            set(result),
        ]);
        // 2^64 and more are zero.
        ops.extend([ELSE, long(0), long(none), get(number), double(high), Op::Plain(I::F64Ge), Op::Plain(I::Select)]);
        ops.extend([set(result), int(1), set(bad), END]);
    } else {
        ops.extend([long(none), set(result), int(1), set(bad)]);
    }
    ops.extend([END, get(result), target.store(), get(from), get(from_step), ADD, set(from)]);
    ops.extend([get(to), get(to_step), ADD, set(to), get(left), int(1), SUB, set(left), br(0), END, END]);
    ops.extend([get(bad), IF, Op::Call("npy_set_floatstatus_invalid"), END, int(0)]);
    ops
}

/// How several numbers are compared at once.
struct Lanes {
    number: fn(f64) -> Op,
    splat: Op,
    above: Op,
    below: Op,
}

impl Lanes {
    /// Of those that can be.
    fn of(source: Source) -> Option<Self> {
        let plain = |splat, above, below, number| Self {
            number,
            splat: Op::Plain(splat),
            above: Op::Plain(above),
            below: Op::Plain(below),
        };
        match source {
            Source::Double => Some(plain(I::F64x2Splat, I::F64x2Ge, I::F64x2Lt, double)),
            // The limits are powers of two.
            Source::Float => Some(plain(I::F32x4Splat, I::F32x4Ge, I::F32x4Lt, |limit| {
                Op::Plain(I::F32Const((limit as f32).into()))
            })),
            Source::Half | Source::ComplexFloat | Source::ComplexDouble => None,
        }
    }
}

/// Whether any number is out of a range, or none: the part of [`cast`] that has to be quick.
fn looked_through(source: Source, (low, high): (f64, f64)) -> Vec<Op> {
    let (left, from, from_step, bad, number, inside, lane) = (5, 6, 8, 10, 11, 13, 14);
    let mut ops = Vec::new();
    if let Some(lanes) = Lanes::of(source) {
        let (bottom, top, vectors) = (15, 16, 16);
        let at_once = 16 * vectors / source.size();
        ops.extend([get(from_step), int(source.size()), EQ, IF, Op::Plain(I::V128Const(-1)), set(inside)]);
        ops.extend([(lanes.number)(low), lanes.splat.clone(), set(bottom)]);
        ops.extend([(lanes.number)(high), lanes.splat, set(top)]);
        ops.extend([BLOCK, LOOP, get(left), int(at_once), LT_S, br_if(1)]);
        for place in (0..).step_by(16).take(vectors as usize) {
            ops.extend([get(from), Op::Plain(I::V128Load(at(place, 0))), tee(lane), get(bottom), lanes.above.clone()]);
            ops.extend([get(lane), get(top), lanes.below.clone(), Op::Plain(I::V128And)]);
            ops.extend([get(inside), Op::Plain(I::V128And), set(inside)]);
        }
        ops.extend([get(from), int(16 * vectors), ADD, set(from)]);
        ops.extend([get(left), int(at_once), SUB, set(left), br(0), END, END]);
        ops.extend([get(inside), Op::Plain(I::I32x4AllTrue), EQZ, set(bad), END]);
    }
    ops.extend([BLOCK, LOOP, get(left), int(1), LT_S, br_if(1), get(from)]);
    ops.extend(source.load());
    ops.extend([
        tee(number),
        double(low),
        Op::Plain(I::F64Ge),
        get(number),
        double(high),
        Op::Plain(I::F64Lt),
        AND,
        EQZ,
    ]);
    ops.extend([get(bad), OR, set(bad), get(from), get(from_step), ADD, set(from)]);
    ops.extend([get(left), int(1), SUB, set(left), br(0), END, END]);
    ops
}

/// The least number in 64 bits that is infinite in 32.
const TOO_LARGE: f64 = 3.402_823_567_797_336_6e38;

/// `cast(context, arrays, lengths, strides, auxiliary)` to `float32`: looks through what is cast first.
fn narrowed(strided: bool) -> Vec<Op> {
    let (arrays, lengths, strides) = (1, 2, 3);
    let (left, from, step, bad, number) = (5, 6, 7, 8, 9);
    let mut ops = vec![get(lengths), load(0), set(left), get(arrays), load(0), set(from)];
    ops.extend(if strided { vec![get(strides), load(0), set(step)] } else { vec![int(8), set(step)] });
    ops.extend([BLOCK, LOOP, get(left), int(1), LT_S, br_if(1), get(from), Op::Plain(I::F64Load(at(0, 0)))]);
    ops.extend([Op::Plain(I::F64Abs), tee(number), double(TOO_LARGE), Op::Plain(I::F64Ge)]);
    ops.extend([get(number), double(f64::INFINITY), Op::Plain(I::F64Lt), AND, get(bad), OR, set(bad)]);
    ops.extend([get(from), get(step), ADD, set(from), get(left), int(1), SUB, set(left), br(0), END, END]);
    ops.extend([get(bad), IF, Op::Call("npy_set_floatstatus_overflow"), END]);
    ops.extend((0..5).map(get));
    ops.extend([Op::Original, RETURN, Op::Plain(I::Unreachable)]);
    ops
}
