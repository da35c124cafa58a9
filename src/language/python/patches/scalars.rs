//! numpy's arithmetic of single floating-point numbers tells what is no number, infinite or divided by zero.

use wasm_encoder::Instruction as I;
use wasm_encoder::ValType::{F64, I32};
use wasmparser::Operator;

use crate::language::patch::op::{
    AND, ELSE, END, EQ, EQZ, IF, LT_S, NE, OR, Op, RETURN, SELECT, at, double, get, int, load, set, tee,
};
use crate::language::patch::{Change, Patch, Shape, Theme};

/// Raised when the bodies below become others.
pub const REVISION: u32 = 1;

const TEST: &str = "tests/kernel/test_float_warnings.py::test_floats_warn_as_on_linux";

/// Where the types are: of numpy's numbers of 64 and of 32 bits, of all of numpy's numbers, and of Python's.
const DOUBLE: i32 = 26_437_348;
const FLOAT: i32 = 26_437_136;
const GENERIC: i32 = 26_433_964;
const PYTHON_FLOAT: i32 = 26_099_820;
const PYTHON_INTEGER: i32 = 26_106_228;
/// Where an object has its type, and a number its value.
const TYPE: u64 = 4;
const VALUE: u64 = 8;
/// numpy's flags.
const DIVISION_BY_ZERO: i32 = 1;
const OVERFLOW: i32 = 2;
const INVALID: i32 = 8;

/// Which argument has to be zero for an infinite result to be a division by zero.
#[derive(Clone, Copy)]
enum Pole {
    None,
    First,
    Second,
}

const CALLS: &[&str] = &[
    "PyUFunc_GiveFloatingpointErrors",
    "PyType_IsSubtype",
    "PyFloat_AsDouble",
    "PyErr_Occurred",
    "PyErr_Clear",
    "_Py_DecRef",
];

/// One of `copies` functions of that name, of which one is numpy's.
const fn watched(function: &'static str, copies: usize, body: fn(&dyn Shape) -> Option<Vec<Op>>) -> Patch {
    let change = Change::WrapEach {
        copies,
        wrapped: 1,
        calls: CALLS,
        locals: &[I32, I32, F64, F64, F64],
        about: "a result that is not finite is judged by the arguments, and told as numpy tells it",
        body,
    };
    Patch { function, change, reason: "`np.float64(1) / 0`.", test: TEST }
}

pub const THEME: Theme = Theme {
    title: "Floating-point warnings of single numbers",
    about: "The same for numpy's arithmetic of single numbers, which has functions of its own.",
    patches: &[&[
        watched("double_add", 1, |shape| body(shape, DOUBLE, Pole::None)),
        watched("double_subtract", 1, |shape| body(shape, DOUBLE, Pole::None)),
        watched("double_multiply", 1, |shape| body(shape, DOUBLE, Pole::None)),
        watched("double_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("double_floor_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("double_remainder", 1, |shape| body(shape, DOUBLE, Pole::None)),
        watched("double_power", 1, |shape| body(shape, DOUBLE, Pole::First)),
        watched("float_add", 2, |shape| body(shape, FLOAT, Pole::None)),
        watched("float_subtract", 1, |shape| body(shape, FLOAT, Pole::None)),
        watched("float_multiply", 1, |shape| body(shape, FLOAT, Pole::None)),
        watched("float_true_divide", 1, |shape| body(shape, FLOAT, Pole::Second)),
        watched("float_floor_divide", 1, |shape| body(shape, FLOAT, Pole::Second)),
        watched("float_remainder", 1, |shape| body(shape, FLOAT, Pole::None)),
        watched("float_power", 1, |shape| body(shape, FLOAT, Pole::First)),
        watched("byte_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("ubyte_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("short_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("ushort_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("int_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("uint_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("long_true_divide", 2, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("ulong_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("longlong_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
        watched("ulonglong_true_divide", 1, |shape| body(shape, DOUBLE, Pole::Second)),
    ]],
};

/// Whether an argument is a number that is converted without anybody's code.
fn is_number(argument: u32) -> Vec<Op> {
    let is = |kind: i32| [get(argument), load(TYPE), int(kind), EQ];
    let mut ops = is(PYTHON_FLOAT).to_vec();
    ops.extend(is(PYTHON_INTEGER));
    ops.extend([OR, get(argument), load(TYPE), int(GENERIC), Op::Call("PyType_IsSubtype"), OR]);
    ops
}

const F_SUB: Op = Op::Plain(I::F64Sub);
const F_EQ: Op = Op::Plain(I::F64Eq);
const F_NE: Op = Op::Plain(I::F64Ne);

fn is_finite(x: u32) -> [Op; 5] {
    [get(x), get(x), F_SUB, double(0.0), F_EQ]
}

fn body(shape: &dyn Shape, kind: i32, pole: Pole) -> Option<Vec<Op>> {
    // What numpy calls the operation in its message.
    let Operator::I32Const { value: message } = shape.before_call("PyUFunc_GiveFloatingpointErrors", 2)? else {
        return None;
    };
    let (result, flags, value, first, second) =
        (shape.params(), shape.params() + 1, shape.params() + 2, shape.params() + 3, shape.params() + 4);
    let answer = || [IF, get(result), RETURN, END];
    let mut ops = (0..shape.params()).map(get).collect::<Vec<_>>();
    ops.extend([Op::Original, tee(result), EQZ, IF, int(0), RETURN, END]);
    ops.extend([get(result), load(TYPE), int(kind), NE]);
    ops.extend(answer());
    ops.push(get(result));
    if kind == DOUBLE {
        ops.push(Op::Plain(I::F64Load(at(VALUE, 0))));
    } else {
        ops.extend([Op::Plain(I::F32Load(at(VALUE, 0))), Op::Plain(I::F64PromoteF32)]);
    }
    ops.push(set(value));
    ops.extend(is_finite(value));
    ops.extend(answer());
    for argument in [0, 1] {
        ops.extend(is_number(argument));
        ops.push(EQZ);
        ops.extend(answer());
    }
    ops.extend([get(0), Op::Call("PyFloat_AsDouble"), set(first), get(1), Op::Call("PyFloat_AsDouble"), set(second)]);
    ops.extend([Op::Call("PyErr_Occurred"), IF, Op::Call("PyErr_Clear"), get(result), RETURN, END]);
    ops.extend([get(value), get(value), F_NE, IF]);
    ops.extend([
        get(first),
        get(first),
        F_EQ,
        get(second),
        get(second),
        F_EQ,
        AND,
        IF,
        int(INVALID),
        set(flags),
        END,
        ELSE,
    ]);
    ops.extend(is_finite(first));
    ops.extend(is_finite(second));
    ops.extend([AND, IF]);
    match pole {
        Pole::None => ops.extend([int(OVERFLOW), set(flags)]),
        Pole::First | Pole::Second => {
            let zero = if matches!(pole, Pole::First) { first } else { second };
            ops.extend([int(DIVISION_BY_ZERO), int(OVERFLOW), get(zero), double(0.0), F_EQ, SELECT, set(flags)]);
        }
    }
    ops.extend([END, END, get(flags), EQZ]);
    ops.extend(answer());
    ops.extend([int(*message), get(flags), Op::Call("PyUFunc_GiveFloatingpointErrors"), int(0), LT_S, IF]);
    ops.extend([get(result), Op::Call("_Py_DecRef"), int(0), RETURN, END, get(result)]);
    Some(ops)
}
