//! What numpy's arrays look like in memory, and what is done with them again and again.

use wasm_encoder::Instruction as I;

use crate::language::patch::op::{ADD, AND, END, EQ, EQZ, IF, Op, RETURN, SUB, get, int, load, store};

/// Where numpy's `ndarray` is, the type of its scalars of C `long`, and the pointers to exceptions.
pub(super) const ARRAY_TYPE: i32 = 26_443_132;
pub(super) const LONG_SCALAR: i32 = 26_435_440;
pub(super) const INDEX_ERROR: u64 = 26_079_528;
pub(super) const OVERFLOW_ERROR: u64 = 26_079_564;
/// The type numbers of `np.intp`, `np.int64` and, one more, `np.uint64`.
pub(super) const LONG: i32 = 7;
pub(super) const LONG_LONG: i32 = 9;

/// Where an object has its count of references and its type, a type its flags, and the flag of tuples.
pub(super) const REFERENCES: u64 = 0;
pub(super) const TYPE: u64 = 4;
pub(super) const TYPE_FLAGS: u64 = 84;
pub(super) const TUPLE: i32 = 1 << 26;
/// Counts above are those of objects that live for ever.
pub(super) const MOST_REFERENCES: i32 = 0x3fff_ffff;
/// Where an array has its data, dimensions, descriptor and flags.
pub(super) const DATA: u64 = 8;
pub(super) const DIMENSIONS: u64 = 12;
pub(super) const SHAPE: u64 = 16;
pub(super) const DESCRIPTOR: u64 = 28;
pub(super) const FLAGS: u64 = 32;
/// Where a descriptor has the letter of its byte order, and its type number.
pub(super) const BYTE_ORDER: u64 = 14;
pub(super) const TYPE_NUMBER: u64 = 16;
/// Flags of arrays and of requests for them.
pub(super) const C_ORDER: i32 = 1;
pub(super) const FORTRAN_ORDER: i32 = 2;
pub(super) const FORCE_CAST: i32 = 0x10;
pub(super) const BASE_CLASS: i32 = 0x40;
pub(super) const ALIGNED: i32 = 0x100;
pub(super) const WRITE_BACK: i32 = 0x2000;
pub(super) const SAME_KIND: i32 = 1 << 26;
/// Of orders, to keep it.
pub(super) const KEEP_ORDER: i32 = 2;
/// `mode=` of what takes positions.
pub(super) const WRAP: i32 = 1;
pub(super) const RAISE: i32 = 2;
/// For all axes.
pub(super) const RAVEL: i32 = i32::MIN;

pub(super) fn call(name: &'static str) -> Op {
    Op::Call(name)
}

/// Whether an array's type number is that of `int64` or `uint64`.
pub(super) fn is_wide(array: u32) -> [Op; 7] {
    [get(array), load(DESCRIPTOR), load(TYPE_NUMBER), int(LONG_LONG), SUB, int(2), Op::Plain(I::I32LtU)]
}

/// Adds a reference to an object.
pub(super) fn keep(object: u32) -> Vec<Op> {
    vec![
        get(object),
        load(REFERENCES),
        int(MOST_REFERENCES),
        Op::Plain(I::I32LeS),
        IF,
        get(object),
        get(object),
        load(REFERENCES),
        int(1),
        ADD,
        store(REFERENCES),
        END,
    ]
}

pub(super) fn release(object: u32) -> [Op; 2] {
    [get(object), call("_Py_DecRef")]
}

pub(super) fn give_up(answer: i32) -> [Op; 4] {
    [IF, int(answer), RETURN, END]
}

/// How many elements an array has.
pub(super) fn size(array: u32) -> [Op; 5] {
    [get(array), load(SHAPE), get(array), load(DIMENSIONS), call("PyArray_MultiplyList")]
}

/// The array as one of another type, in its order.
pub(super) fn cast(array: u32, kind: i32) -> [Op; 10] {
    [
        get(array),
        int(kind),
        call("PyArray_DescrFromType"),
        get(array),
        load(FLAGS),
        int(C_ORDER | FORTRAN_ORDER),
        AND,
        int(FORTRAN_ORDER),
        EQ,
        call("PyArray_CastToType"),
    ]
}

/// What of a number is not in its lower 32 bits, if those are signed.
pub(super) const BEYOND: [Op; 4] =
    [Op::Plain(I::I64Const(1 << 31)), Op::Plain(I::I64Add), Op::Plain(I::I64Const(32)), Op::Plain(I::I64ShrU)];

/// Whether it is anything.
pub(super) const IS_BEYOND: [Op; 2] = [Op::Plain(I::I64Eqz), EQZ];
