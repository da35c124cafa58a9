//! Functions that are added for the wrappers of numpy's.

use wasm_encoder::Instruction as I;

use super::array::{
    ALIGNED, ARRAY_TYPE, BASE_CLASS, BEYOND, BYTE_ORDER, C_ORDER, DATA, DESCRIPTOR, FLAGS, FORCE_CAST, FORTRAN_ORDER,
    INDEX_ERROR, IS_BEYOND, KEEP_ORDER, LONG, LONG_LONG, LONG_SCALAR, OVERFLOW_ERROR, REFERENCES, TUPLE, TYPE,
    TYPE_FLAGS, TYPE_NUMBER, call, cast, give_up, keep, release, size,
};
use crate::language::patch::op::{
    ADD, AND, BLOCK, ELSE, END, EQ, EQZ, GE_S, IF, LOOP, LT_S, NE, Op, RETURN, SET_STACK_POINTER, STACK_POINTER, SUB,
    at, br, br_if, get, int, load, load_long, long, set, store, store_long, tee,
};

pub(super) fn plain() -> Vec<Op> {
    let (array, kind) = (0, 1);
    let mut ops = vec![get(array), load(TYPE), int(ARRAY_TYPE), EQ];
    ops.extend([get(array), load(FLAGS), int(C_ORDER | FORTRAN_ORDER), AND, int(0), NE, AND]);
    ops.extend([
        get(array),
        load(DESCRIPTOR),
        Op::Plain(I::I32Load8U(at(BYTE_ORDER, 0))),
        int('>' as i32),
        NE,
        AND,
        IF,
    ]);
    ops.extend(keep(array));
    ops.extend([get(array), RETURN, END]);
    ops.extend([get(array), load(DESCRIPTOR), load(TYPE_NUMBER), set(kind)]);
    ops.extend([get(array), get(kind), call("PyArray_DescrFromType"), int(C_ORDER | ALIGNED | BASE_CLASS)]);
    ops.push(call("PyArray_FromArray"));
    ops
}

pub(super) fn first_outside() -> Vec<Op> {
    let (array, data, count, place) = (0, 1, 2, 3);
    let mut ops = vec![get(array), load(DATA), set(data)];
    ops.extend(size(array));
    ops.extend([set(count), BLOCK, LOOP, get(count), get(place), SUB, int(4), LT_S, br_if(1)]);
    for lane in 0..4 {
        ops.extend([get(data), load_long(8 * lane)]);
        ops.extend(BEYOND);
        ops.extend((lane > 0).then_some(Op::Plain(I::I64Or)));
    }
    ops.extend(IS_BEYOND);
    ops.extend([br_if(1), get(data), int(32), ADD, set(data), get(place), int(4), ADD, set(place), br(0), END, END]);
    ops.extend([LOOP, get(place), get(count), GE_S]);
    ops.extend(give_up(-1));
    ops.extend([get(data), load_long(0)]);
    ops.extend(BEYOND);
    ops.extend(IS_BEYOND);
    ops.extend([IF, get(place), RETURN, END]);
    ops.extend([get(data), int(8), ADD, set(data), get(place), int(1), ADD, set(place), br(0), END, int(-1)]);
    ops
}

pub(super) fn narrow() -> Vec<Op> {
    let (array, source, data, left, other, number) = (0, 1, 2, 3, 4, 5);
    let mut ops = vec![get(array), call("cellblock_plain"), tee(source), EQZ];
    ops.extend(give_up(0));
    ops.extend([get(source), call("cellblock_first_outside"), int(0), GE_S, IF]);
    ops.extend([get(source), int(KEEP_ORDER), call("PyArray_NewCopy"), set(other)]);
    ops.extend(release(source));
    ops.extend([get(other), tee(source), EQZ]);
    ops.extend(give_up(0));
    ops.extend([get(source), load(DATA), set(data)]);
    ops.extend(size(source));
    ops.extend([set(left), BLOCK, LOOP, get(left), int(1), LT_S, br_if(1), get(data), load_long(0), tee(number)]);
    ops.extend(BEYOND);
    ops.extend(IS_BEYOND);
    ops.extend([IF, get(data), long(i64::from(i32::MIN)), long(i64::from(i32::MAX))]);
    ops.extend([get(number), long(0), Op::Plain(I::I64LtS), Op::Plain(I::Select), store_long(0), END]);
    ops.extend([get(data), int(8), ADD, set(data), get(left), int(1), SUB, set(left), br(0), END, END, END]);
    ops.extend(cast(source, LONG));
    ops.push(set(other));
    ops.extend(release(source));
    ops.push(get(other));
    ops
}

/// Writes a text at `offset` from an address in a local.
pub(super) fn text(address: u32, offset: u64, text: &str) -> Vec<Op> {
    let mut ops = Vec::new();
    let bytes = text.bytes().chain(std::iter::once(0)).collect::<Vec<_>>();
    for (place, chunk) in (0_u64..).step_by(8).zip(bytes.chunks(8)) {
        let mut word = [0; 8];
        for (byte, new) in word.iter_mut().zip(chunk) {
            *byte = *new;
        }
        ops.extend([get(address), long(i64::from_le_bytes(word)), store_long(offset + place)]);
    }
    ops
}

pub(super) const FRAME: i32 = 96;
/// Where in the frame the text is; before it are the values.
pub(super) const TEXT: u64 = 16;

/// Raises an `IndexError` with the text and the values in a frame, which it gives back.
pub(super) fn raise_from(frame: u32) -> [Op; 11] {
    [
        int(0),
        load(INDEX_ERROR),
        get(frame),
        int(TEXT as i32),
        ADD,
        get(frame),
        call("PyErr_Format"),
        Op::Plain(I::Drop),
        get(frame),
        int(FRAME),
        ADD,
    ]
}

pub(super) fn outside() -> Vec<Op> {
    let (array, axis, length, flat, source, place, frame) = (0, 1, 2, 3, 4, 5, 6);
    let mut ops = vec![get(array), call("cellblock_plain"), tee(source), EQZ];
    ops.extend(give_up(-1));
    ops.extend([get(source), call("cellblock_first_outside"), tee(place), int(0), LT_S, IF]);
    ops.extend(release(source));
    ops.extend([int(0), RETURN, END]);
    ops.extend([STACK_POINTER, int(FRAME), SUB, tee(frame), SET_STACK_POINTER]);
    ops.extend([
        get(frame),
        get(source),
        load(DATA),
        get(place),
        int(3),
        Op::Plain(I::I32Shl),
        ADD,
        load_long(0),
        store_long(0),
    ]);
    ops.extend([get(flat), IF, get(frame), get(length), store(8)]);
    ops.extend(text(frame, TEXT, "index %lld is out of bounds for size %d"));
    ops.extend([ELSE, get(frame), get(axis), store(8), get(frame), get(length), store(12)]);
    ops.extend(text(frame, TEXT, "index %lld is out of bounds for axis %d with size %d"));
    ops.push(END);
    ops.extend(raise_from(frame));
    ops.push(SET_STACK_POINTER);
    ops.extend(release(source));
    ops.push(int(-1));
    ops
}

pub(super) fn overflown() -> Vec<Op> {
    let (index, dimensions, shape, flat, count, place, item, is_tuple, frame) = (0, 1, 2, 3, 4, 5, 6, 7, 8);
    let mut ops = vec![call("PyErr_Clear"), get(index), load(TYPE), load(TYPE_FLAGS), int(TUPLE), AND, set(is_tuple)];
    ops.extend([get(is_tuple), IF, get(index), call("PyTuple_Size"), set(count), ELSE, int(1), set(count), END]);
    ops.extend([get(index), set(item), BLOCK, LOOP, get(place), get(count), GE_S, br_if(1)]);
    ops.extend([get(is_tuple), IF, get(index), get(place), call("PyTuple_GetItem"), set(item), END]);
    ops.extend([get(item), int(0), load(OVERFLOW_ERROR), call("PyNumber_AsSsize_t"), Op::Plain(I::Drop)]);
    ops.extend([call("PyErr_Occurred"), IF]);
    ops.extend([int(0), load(OVERFLOW_ERROR), call("PyErr_ExceptionMatches"), call("PyErr_Clear"), br_if(2), END]);
    ops.extend([get(place), int(1), ADD, set(place), br(0), END, END]);
    ops.extend([STACK_POINTER, int(FRAME), SUB, tee(frame), SET_STACK_POINTER]);
    ops.extend([get(frame), get(item), store(0), get(frame), get(place), store(4), get(frame), int(0), store(8)]);
    ops.extend([get(place), get(dimensions), LT_S, IF, get(frame)]);
    ops.extend([get(shape), get(place), int(2), Op::Plain(I::I32Shl), ADD, load(0), store(8), END]);
    ops.extend([get(flat), IF, get(frame), get(frame), load(8), store(4)]);
    ops.extend(text(frame, TEXT, "index %S is out of bounds for size %d"));
    ops.push(ELSE);
    ops.extend(text(frame, TEXT, "index %S is out of bounds for axis %d with size %d"));
    ops.push(END);
    ops.extend(raise_from(frame));
    ops.extend([SET_STACK_POINTER, int(-1)]);
    ops
}

pub(super) fn wide() -> Vec<Op> {
    let (found, new) = (0, 1);
    let mut ops = vec![get(found), load(TYPE), int(LONG_SCALAR), EQ, IF];
    ops.extend([get(found), int(LONG_LONG), call("PyArray_DescrFromType"), int(0), int(0), int(FORCE_CAST), int(0)]);
    ops.extend([call("PyArray_FromAny"), tee(new), EQZ]);
    ops.extend(give_up(0));
    ops.extend([get(new), call("PyArray_Return"), RETURN, END]);
    ops.extend([get(found), load(TYPE), int(ARRAY_TYPE), call("PyType_IsSubtype"), IF]);
    ops.extend([get(found), load(DESCRIPTOR), load(TYPE_NUMBER), int(LONG), EQ, IF]);
    ops.extend(cast(found, LONG_LONG));
    ops.extend([RETURN, END, END]);
    ops.extend(keep(found));
    ops.push(get(found));
    ops
}

pub(super) fn widened() -> Vec<Op> {
    let (found, new) = (0, 1);
    let mut ops = vec![get(found), EQZ];
    ops.extend(give_up(0));
    ops.extend([get(found), load(REFERENCES), int(1), NE, IF, get(found), RETURN, END]);
    ops.extend([get(found), call("cellblock_wide"), set(new)]);
    ops.extend(release(found));
    ops.push(get(new));
    ops
}

pub(super) fn widened_each() -> Vec<Op> {
    let (found, new, place, item) = (0, 1, 2, 3);
    let mut ops = vec![get(found), EQZ];
    ops.extend(give_up(0));
    ops.extend([get(found), load(TYPE), load(TYPE_FLAGS), int(TUPLE), AND, EQZ, IF, get(found), RETURN, END]);
    ops.extend([get(found), call("PyTuple_Size"), call("PyTuple_New"), set(new)]);
    ops.extend([BLOCK, get(new), EQZ, br_if(0)]);
    ops.extend([BLOCK, LOOP, get(place), get(found), call("PyTuple_Size"), GE_S, br_if(1)]);
    ops.extend([get(found), get(place), call("PyTuple_GetItem"), call("cellblock_wide"), tee(item), EQZ, IF]);
    ops.extend(release(new));
    ops.extend([int(0), set(new), br(3), END]);
    ops.extend([get(new), get(place), get(item), call("PyTuple_SetItem"), Op::Plain(I::Drop)]);
    ops.extend([get(place), int(1), ADD, set(place), br(0), END, END, END]);
    ops.extend(release(found));
    ops.push(get(new));
    ops
}
