//! numpy's loops over floating-point numbers tell what is no number, infinite or divided by zero.

use wasm_encoder::Instruction as I;
use wasm_encoder::ValType::{self, F64, I32, V128};

use super::ints;
use crate::language::patch::op::{
    ADD, AND, BLOCK, ELSE, END, EQ, EQZ, IF, LOOP, LT_S, MUL, OR, Op, RETURN, SELECT, SET_STACK_POINTER, STACK_POINTER,
    SUB, at, br, br_if, double, get, int, load, set, store, tee,
};
use crate::language::patch::{Change, Patch, Theme};

const TEST: &str = "tests/kernel/test_float_warnings.py::test_floats_warn_as_on_linux";

/// What an infinite result of finite arguments means.
#[derive(Clone, Copy, PartialEq)]
enum Infinite {
    /// It is too large.
    Overflow,
    /// The argument is where the function has a pole.
    Pole,
    /// There is a pole where the second argument is zero.
    PoleOfSecond,
    /// There is a pole where the first argument is zero.
    PoleOfFirst,
}

/// The numbers that a loop is over: of how many bytes, and whether there are two of them in each.
#[derive(Clone, Copy)]
struct Kind {
    size: i32,
    is_complex: bool,
}

const DOUBLE: Kind = Kind { size: 8, is_complex: false };
const FLOAT: Kind = Kind { size: 4, is_complex: false };
const COMPLEX_DOUBLE: Kind = Kind { size: 8, is_complex: true };
const COMPLEX_FLOAT: Kind = Kind { size: 4, is_complex: true };

impl Kind {
    /// Bytes of an element.
    const fn width(self) -> i32 {
        if self.is_complex { 2 * self.size } else { self.size }
    }
}

macro_rules! loops {
    ($double:literal $double_kind:ident, $float:literal $float_kind:ident:
     $($function:literal $arguments:literal $infinite:ident),* $(,)?) => {
        [$(
            watched(concat!($double, $function), || body($double_kind, $arguments, Infinite::$infinite)),
            watched(concat!($float, $function), || body($float_kind, $arguments, Infinite::$infinite)),
        )*]
    };
}

const REAL: &[Patch] = &loops! {
    "DOUBLE_" DOUBLE, "FLOAT_" FLOAT:
    "add" 2 Overflow, "subtract" 2 Overflow, "multiply" 2 Overflow, "divide" 2 PoleOfSecond,
    "floor_divide" 2 PoleOfSecond, "remainder" 2 Overflow, "power" 2 PoleOfFirst,
    "log" 1 Pole, "log2" 1 Pole, "log10" 1 Pole, "log1p" 1 Pole, "arctanh" 1 Pole,
    "exp" 1 Overflow, "exp2" 1 Overflow, "expm1" 1 Overflow, "sinh" 1 Overflow, "cosh" 1 Overflow,
    "square" 1 Overflow, "reciprocal" 1 PoleOfFirst, "sqrt" 1 Overflow,
    "sin" 1 Overflow, "cos" 1 Overflow, "tan" 1 Overflow, "arcsin" 1 Overflow, "arccos" 1 Overflow,
    "arccosh" 1 Overflow,
};
const COMPLEX: &[Patch] = &loops! {
    "CDOUBLE_" COMPLEX_DOUBLE, "CFLOAT_" COMPLEX_FLOAT:
    "add" 2 Overflow, "subtract" 2 Overflow, "multiply" 2 Overflow, "divide" 2 PoleOfSecond, "square" 1 Overflow,
    "reciprocal" 1 PoleOfFirst,
};
/// Of functions of C that are called for each element: `fmod` and `float_power`.
const CALLED: &[Patch] = &[
    watched("PyUFunc_dd_d", || body(DOUBLE, 2, Infinite::PoleOfFirst)),
    watched("PyUFunc_ff_f", || body(FLOAT, 2, Infinite::PoleOfFirst)),
];

pub const THEME: Theme = Theme {
    title: "Floating-point warnings",
    about: "numpy asks the processor's floating-point flags whether it has to warn; WebAssembly has none. The module keeps them in a word \
            that numpy reads, and nobody sets. Each loop below is run on 1,024 elements at a time, whose results are then looked at while they \
            are in the processor's cache: if their sum is finite, so are they. If it is not, a result that is no number where all arguments \
            are was an invalid operation, and one that is infinite where all arguments are finite an overflow or a division by zero. \
            What is written over its own argument is looked at before, too, and put aside if it is not finite.\n\n\
            What stays silent: products of matrices (`@`, `dot`), `divmod`, `ldexp`, `ufunc.at`, functions of complex numbers other than \
            arithmetic, and underflow everywhere.",
    patches: &[REAL, COMPLEX, CALLED],
};

const LOCALS: &[ValType] = &[
    I32, I32, I32, I32, I32, I32, I32, I32, I32, I32, I32, I32, I32, I32, I32, F64, F64, F64, F64, V128, V128, V128,
    V128, V128, V128, V128, V128,
];

const fn watched(function: &'static str, body: fn() -> Vec<Op>) -> Patch {
    let change = Change::WrapMade {
        params: ints(4),
        results: &[],
        locals: LOCALS,
        about: "its results are looked at, and the flags set",
        body,
    };
    Patch {
        function,
        change,
        reason: "`np.errstate`, and `RuntimeWarning` of divisions by zero and the like.",
        test: TEST,
    }
}

// The parameters: pointers to the arrays' addresses, their length and their strides, and something else.
const ARRAYS: u32 = 0;
const LENGTHS: u32 = 1;
const STRIDES: u32 = 2;
const EXTRA: u32 = 3;
// What is left to do, the frame, and how many elements are done at once.
const LEFT: u32 = 4;
const FRAME: u32 = 5;
const COUNT: u32 = 6;
// The arguments and the result, and their strides. Of what has one argument, the second is the first.
const FIRST: u32 = 7;
const SECOND: u32 = 8;
const RESULT: u32 = 9;
const FIRST_STEP: u32 = 10;
const SECOND_STEP: u32 = 11;
const RESULT_STEP: u32 = 12;
// Whether the result is written over an argument.
const OVER_FIRST: u32 = 13;
const OVER_SECOND: u32 = 14;
// Whether there was anything in it that is not finite.
const BEFORE: u32 = 15;
// Where a scan is, and what is left of it.
const AT: u32 = 16;
const REST: u32 = 17;
// Where an element is.
const ELEMENT: u32 = 18;
const SUM: u32 = 19;
const X: u32 = 20;
const Y: u32 = 21;
const Z: u32 = 22;
// As many sums as it takes to add without waiting for the sum before.
const LANES: [u32; 8] = [23, 24, 25, 26, 27, 28, 29, 30];

const F_SUB: Op = Op::Plain(I::F64Sub);
const F_ADD: Op = Op::Plain(I::F64Add);
const F_MUL: Op = Op::Plain(I::F64Mul);
const F_ABS: Op = Op::Plain(I::F64Abs);
const F_EQ: Op = Op::Plain(I::F64Eq);
const F_NE: Op = Op::Plain(I::F64Ne);

/// Elements at once: they and the arguments fit the first cache.
const BLOCK_LENGTH: i32 = 1024;
/// The addresses of three arrays, and a length; behind them there is room for a block that is put aside.
const FRAME_LENGTH: u64 = 12;
const FRAME_BLOCK: i32 = 16;

const fn frame_size(kind: Kind) -> i32 {
    FRAME_BLOCK + BLOCK_LENGTH * kind.width()
}

/// The number at an address, in 64 bits.
fn number(size: i32, offset: u64) -> Vec<Op> {
    match size {
        4 => vec![Op::Plain(I::F32Load(at(offset, 0))), Op::Plain(I::F64PromoteF32)],
        _ => vec![Op::Plain(I::F64Load(at(offset, 0)))],
    }
}

/// The element at an address, as one number: of a complex one, a number that is zero, finite or none if it is.
fn element(kind: Kind) -> Vec<Op> {
    if !kind.is_complex {
        return number(kind.size, 0);
    }
    let mut ops = vec![tee(ELEMENT)];
    ops.extend(number(kind.size, 0));
    ops.extend([F_ABS, double(0.5), F_MUL, get(ELEMENT)]);
    ops.extend(number(kind.size, kind.size as u64));
    ops.extend([F_ABS, double(0.5), F_MUL, F_ADD]);
    ops
}

/// Whether a number in a local is finite.
fn is_finite(x: u32) -> [Op; 5] {
    [get(x), get(x), F_SUB, double(0.0), F_EQ]
}

fn is_nan(x: u32) -> [Op; 3] {
    [get(x), get(x), F_NE]
}

/// Sums up `COUNT` elements of an array: only a sum of finite ones is finite.
fn sum(kind: Kind, array: u32, step: u32) -> Vec<Op> {
    let size = kind.size;
    let add = Op::Plain(if size == 8 { I::F64x2Add } else { I::F32x4Add });
    let mut ops = vec![get(array), set(AT), get(COUNT), set(REST), double(0.0), set(SUM)];
    ops.extend([get(step), int(kind.width()), EQ, IF]);
    for lane in LANES {
        ops.extend([Op::Plain(I::V128Const(0)), set(lane)]);
    }
    // Where fuel is counted, at the head of a loop, the sums go through memory: it should be seldom.
    for vectors in [32, 8] {
        let elements = 16 * vectors / kind.width();
        ops.extend([BLOCK, LOOP, get(REST), int(elements), LT_S, br_if(1)]);
        for (place, lane) in (0_u64..).step_by(16).zip(LANES.iter().cycle().take(vectors as usize)) {
            ops.extend([get(*lane), get(AT), Op::Plain(I::V128Load(at(place, 0))), add.clone(), set(*lane)]);
        }
        ops.extend([
            get(AT),
            int(16 * vectors),
            ADD,
            set(AT),
            get(REST),
            int(elements),
            SUB,
            set(REST),
            br(0),
            END,
            END,
        ]);
    }
    ops.extend(LANES.map(get));
    ops.extend(LANES.iter().skip(1).map(|_| add.clone()));
    let [total, ..] = LANES;
    ops.push(set(total));
    if size == 8 {
        ops.extend([
            get(total),
            Op::Plain(I::F64x2ExtractLane(0)),
            get(total),
            Op::Plain(I::F64x2ExtractLane(1)),
            F_ADD,
        ]);
    } else {
        for lane in 0..4 {
            ops.extend([get(total), Op::Plain(I::F32x4ExtractLane(lane)), Op::Plain(I::F64PromoteF32)]);
        }
        ops.extend([F_ADD, F_ADD, F_ADD]);
    }
    ops.extend([set(SUM), END]);
    ops.extend([BLOCK, LOOP, get(REST), int(1), LT_S, br_if(1), get(SUM), get(AT)]);
    ops.extend(element(kind));
    ops.extend([F_ADD, set(SUM), get(AT), get(step), ADD, set(AT), get(REST), int(1), SUB, set(REST), br(0), END, END]);
    ops
}

const DIVISION_BY_ZERO: Op = Op::Call("npy_set_floatstatus_divbyzero");
const OVERFLOW: Op = Op::Call("npy_set_floatstatus_overflow");
const INVALID: Op = Op::Call("npy_set_floatstatus_invalid");

/// Sets the flags for the result at an address, of the arguments `X` and `Y`.
fn judge(kind: Kind, result: u32, infinite: Infinite) -> Vec<Op> {
    let mut ops = Vec::new();
    let parts: &[u64] = if kind.is_complex { &[0, kind.size as u64] } else { &[0] };
    for part in parts {
        ops.push(get(result));
        ops.extend(number(kind.size, *part));
        ops.push(set(Z));
        ops.extend(judge_part(infinite));
    }
    ops
}

fn judge_part(infinite: Infinite) -> Vec<Op> {
    let mut ops = is_nan(Z).to_vec();
    ops.push(IF);
    ops.extend(is_nan(X));
    ops.extend(is_nan(Y));
    ops.extend([OR, EQZ, IF, INVALID, END, ELSE]);
    ops.extend(is_finite(Z));
    ops.push(EQZ);
    ops.extend(is_finite(X));
    ops.extend(is_finite(Y));
    ops.extend([AND, AND, IF]);
    match infinite {
        Infinite::Overflow => ops.push(OVERFLOW),
        Infinite::Pole => ops.push(DIVISION_BY_ZERO),
        Infinite::PoleOfFirst | Infinite::PoleOfSecond => {
            let zero = if infinite == Infinite::PoleOfFirst { X } else { Y };
            ops.extend([get(zero), double(0.0), F_EQ, IF, DIVISION_BY_ZERO, ELSE, OVERFLOW, END]);
        }
    }
    ops.extend([END, END]);
    ops
}

/// The new body of a loop with one or two arguments.
fn body(kind: Kind, arguments: u32, infinite: Infinite) -> Vec<Op> {
    let pointer = |from: u32, place: u64, to: u32| [get(from), load(4 * place), set(to)];
    let last = u64::from(arguments);
    let mut ops = Vec::new();
    ops.extend(pointer(LENGTHS, 0, LEFT));
    ops.extend(pointer(ARRAYS, 0, FIRST));
    ops.extend(pointer(STRIDES, 0, FIRST_STEP));
    ops.extend(pointer(ARRAYS, last - 1, SECOND));
    ops.extend(pointer(STRIDES, last - 1, SECOND_STEP));
    ops.extend(pointer(ARRAYS, last, RESULT));
    ops.extend(pointer(STRIDES, last, RESULT_STEP));
    ops.extend([get(RESULT_STEP), EQZ, IF]);
    ops.extend(single(kind, infinite));
    ops.extend([RETURN, END]);
    for (argument, over) in [(FIRST, OVER_FIRST), (SECOND, OVER_SECOND)] {
        ops.extend([get(argument), get(RESULT), EQ, set(over)]);
    }
    ops.extend([STACK_POINTER, int(frame_size(kind)), SUB, tee(FRAME), SET_STACK_POINTER]);
    ops.extend([BLOCK, LOOP, get(LEFT), int(1), LT_S, br_if(1)]);
    ops.extend([get(LEFT), int(BLOCK_LENGTH), get(LEFT), int(BLOCK_LENGTH), LT_S, SELECT, set(COUNT)]);
    ops.extend([int(0), set(BEFORE), get(OVER_FIRST), get(OVER_SECOND), OR, IF]);
    ops.extend(sum(kind, RESULT, RESULT_STEP));
    ops.extend(is_finite(SUM));
    ops.extend([EQZ, tee(BEFORE), IF]);
    ops.extend(put_aside(kind));
    ops.extend([END, END]);
    let addresses = if arguments == 2 { vec![FIRST, SECOND, RESULT] } else { vec![FIRST, RESULT] };
    for (place, address) in (0_u64..).zip(addresses) {
        ops.extend([get(FRAME), get(address), store(4 * place)]);
    }
    ops.extend([get(FRAME), get(COUNT), store(FRAME_LENGTH)]);
    ops.extend([get(FRAME), get(FRAME), int(FRAME_LENGTH as i32), ADD, get(STRIDES), get(EXTRA), Op::Original]);
    ops.extend(sum(kind, RESULT, RESULT_STEP));
    ops.extend(is_finite(SUM));
    ops.extend([EQZ, IF]);
    ops.extend(look(kind, infinite));
    ops.push(END);
    for (address, step) in [(FIRST, FIRST_STEP), (SECOND, SECOND_STEP), (RESULT, RESULT_STEP)] {
        ops.extend([get(address), get(COUNT), get(step), MUL, ADD, set(address)]);
    }
    ops.extend([get(LEFT), get(COUNT), SUB, set(LEFT), br(0), END, END]);
    ops.extend([get(FRAME), int(frame_size(kind)), ADD, SET_STACK_POINTER]);
    ops
}

/// The address of the element at `REST` of the block that was put aside.
fn aside(kind: Kind) -> [Op; 7] {
    [get(FRAME), get(REST), int(kind.width()), MUL, ADD, int(FRAME_BLOCK), ADD]
}

/// Copies a block of the result before it is written over.
fn put_aside(kind: Kind) -> Vec<Op> {
    let mut ops = vec![int(0), set(REST), get(RESULT), set(AT), BLOCK, LOOP, get(REST), get(COUNT), EQ, br_if(1)];
    let words = u64::try_from(kind.width() / 4).unwrap_or_default();
    for word in 0..words {
        ops.extend(aside(kind));
        ops.extend([get(AT), Op::Plain(I::I32Load(at(4 * word, 0))), Op::Plain(I::I32Store(at(4 * word, 0)))]);
    }
    ops.extend([get(AT), get(RESULT_STEP), ADD, set(AT), get(REST), int(1), ADD, set(REST), br(0), END, END]);
    ops
}

/// Looks at each element of a block.
fn look(kind: Kind, infinite: Infinite) -> Vec<Op> {
    let mut ops = vec![int(0), set(REST), get(RESULT), set(AT)];
    ops.extend([BLOCK, LOOP, get(REST), get(COUNT), EQ, br_if(1), get(AT)]);
    ops.extend(element(kind));
    ops.push(set(Z));
    ops.extend(is_finite(Z));
    ops.extend([EQZ, IF]);
    // In place of an argument that was finite and is gone, one by which what became of it is judged as most likely.
    let gone = if infinite == Infinite::PoleOfFirst { 0.0 } else { 1.0 };
    for (array, step, over, into) in [(FIRST, FIRST_STEP, OVER_FIRST, X), (SECOND, SECOND_STEP, OVER_SECOND, Y)] {
        ops.extend([double(gone), set(into), get(over), EQZ, get(BEFORE), OR, IF]);
        ops.extend(aside(kind));
        ops.extend([get(array), get(REST), get(step), MUL, ADD, get(over), SELECT]);
        ops.extend(element(kind));
        ops.extend([set(into), END]);
    }
    ops.extend(judge(kind, AT, infinite));
    ops.extend([END, get(AT), get(RESULT_STEP), ADD, set(AT), get(REST), int(1), ADD, set(REST), br(0), END, END]);
    ops
}

/// A reduction, or one element: one result of all elements.
fn single(kind: Kind, infinite: Infinite) -> Vec<Op> {
    let mut ops = vec![get(LEFT), int(1), LT_S, IF];
    ops.extend([get(ARRAYS), get(LENGTHS), get(STRIDES), get(EXTRA), Op::Original, RETURN, END]);
    ops.push(get(FIRST));
    ops.extend(element(kind));
    ops.extend([set(X), get(SECOND)]);
    ops.extend(element(kind));
    ops.extend([set(Y), get(ARRAYS), get(LENGTHS), get(STRIDES), get(EXTRA), Op::Original, get(RESULT)]);
    ops.extend(element(kind));
    ops.push(set(Z));
    ops.extend(is_finite(Z));
    ops.extend([IF, RETURN, END]);
    // Of many elements, the one stands for all of which most follows: a NaN, or else one that is infinite, or zero.
    ops.extend([BLOCK, LOOP, get(LEFT), int(2), LT_S, br_if(1), get(SECOND), get(SECOND_STEP), ADD, tee(SECOND)]);
    ops.extend(element(kind));
    ops.push(set(SUM));
    ops.extend(is_finite(SUM));
    ops.push(EQZ);
    ops.extend(is_nan(Y));
    ops.extend([EQZ, AND, get(SUM), double(0.0), F_EQ]);
    ops.extend(is_finite(Y));
    ops.extend([AND, OR, IF, get(SUM), set(Y), END]);
    ops.extend([get(LEFT), int(1), SUB, set(LEFT), br(0), END, END]);
    ops.extend(judge(kind, RESULT, infinite));
    ops
}
