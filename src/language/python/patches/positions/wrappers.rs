//! New bodies of numpy's functions that take positions, or give them.

use wasm_encoder::Instruction as I;
use wasm_encoder::ValType::I32;

use super::array::{
    DATA, DESCRIPTOR, DIMENSIONS, FORCE_CAST, LONG, LONG_LONG, OVERFLOW_ERROR, RAISE, RAVEL, SAME_KIND, SHAPE,
    TYPE_NUMBER, WRAP, WRITE_BACK, call, cast, give_up, is_wide, keep, release, size,
};
use crate::language::patch::op::{
    ADD, AND, BLOCK, ELSE, END, EQ, EQZ, GE_S, IF, LOOP, LT_S, NE, Op, RETURN, SUB, br, br_if, get, int, load,
    load_long, long, set, store, tee,
};

pub(super) fn gives_one(params: u32) -> Vec<Op> {
    (0..params).map(get).chain([Op::Original, call("cellblock_widened")]).collect()
}

pub(super) fn gives_each(params: u32) -> Vec<Op> {
    (0..params).map(get).chain([Op::Original, call("cellblock_widened_each")]).collect()
}

pub(super) fn from_array() -> Vec<Op> {
    let (array, kind, flags, found, result) = (0, 1, 2, 3, 4);
    let mut ops = vec![BLOCK, get(kind), EQZ, br_if(0), get(kind), load(TYPE_NUMBER), int(LONG), NE, br_if(0)];
    ops.extend(is_wide(array));
    ops.extend([EQZ, br_if(0), get(flags), int(FORCE_CAST | WRITE_BACK), AND, br_if(0)]);
    // `uint64` is refused but where "same kind" is enough.
    ops.extend([get(array), load(DESCRIPTOR), load(TYPE_NUMBER), int(LONG_LONG), NE]);
    ops.extend([get(flags), int(SAME_KIND), AND, EQZ, AND, br_if(0)]);
    ops.extend([get(array), call("cellblock_plain"), tee(found), EQZ, IF]);
    ops.extend(release(kind));
    ops.extend([int(0), RETURN, END, get(found), call("cellblock_first_outside"), set(result)]);
    ops.extend(release(found));
    // Most are as they were, so that the class of the array stays.
    ops.extend([get(result), int(0), LT_S, br_if(0)]);
    ops.extend([get(array), call("cellblock_narrow"), tee(found), EQZ, IF]);
    ops.extend(release(kind));
    ops.extend([int(0), RETURN, END, get(found), get(kind), get(flags), Op::Original, set(result)]);
    ops.extend(release(found));
    ops.extend([get(result), RETURN, END, get(array), get(kind), get(flags), Op::Original]);
    ops
}

/// Of an index that numpy has taken apart: where an entry has its object, value and kind, and what it takes of memory.
pub(super) const ENTRY_VALUE: u64 = 4;
pub(super) const ENTRY_KIND: u64 = 8;
pub(super) const ENTRY: i32 = 12;
/// Kinds of entries.
pub(super) const INTEGER: i32 = 1;
pub(super) const SLICE: i32 = 4;
pub(super) const ELLIPSIS: i32 = 8;
pub(super) const FANCY: i32 = 16;

pub(super) fn prepare_index() -> Vec<Op> {
    let (dimensions, shape, index, entries, count, flat) = (0, 1, 2, 3, 4, 8);
    let (result, place, entry, axis, kind, object, new) = (9, 10, 11, 12, 13, 14, 15);
    let next = [get(entry), int(ENTRY), ADD, set(entry), get(place), int(1), ADD, set(place)];
    let mut ops = (0..9).map(get).collect::<Vec<_>>();
    ops.extend([Op::Original, tee(result), int(0), LT_S, IF]);
    ops.extend([int(0), load(OVERFLOW_ERROR), call("PyErr_ExceptionMatches"), EQZ, IF, get(result), RETURN, END]);
    ops.extend([get(index), get(dimensions), get(shape), get(flat), call("cellblock_overflown"), RETURN, END]);
    ops.extend([get(entries), set(entry)]);
    ops.extend([BLOCK, LOOP, get(place), get(count), load(0), GE_S, IF, get(result), RETURN, END]);
    ops.extend([get(entry), load(ENTRY_KIND), set(kind)]);
    ops.extend([get(kind), int(FANCY), EQ, IF, get(entry), load(0), set(object)]);
    ops.extend(is_wide(object));
    ops.push(IF);
    ops.extend([get(object), get(axis)]);
    ops.extend([get(axis), get(dimensions), LT_S, Op::Plain(I::If(wasm_encoder::BlockType::Result(I32)))]);
    ops.extend([get(shape), get(axis), int(2), Op::Plain(I::I32Shl), ADD, load(0), ELSE, int(0), END]);
    ops.extend([get(flat), call("cellblock_outside"), br_if(3)]);
    ops.extend(cast(object, LONG));
    ops.extend([tee(new), EQZ, br_if(3), get(entry), get(new), store(0)]);
    ops.extend(release(object));
    ops.extend([END, END]);
    ops.extend([get(kind), int(INTEGER), EQ, get(kind), int(SLICE), EQ, Op::Plain(I::I32Or)]);
    ops.extend([get(kind), int(FANCY), EQ, Op::Plain(I::I32Or), get(axis), ADD, set(axis)]);
    ops.extend([get(kind), int(ELLIPSIS), EQ, IF, get(entry), load(ENTRY_VALUE), get(axis), ADD, set(axis), END]);
    ops.extend(next.clone());
    ops.extend([br(0), END, END]);
    // As the function itself does when it fails, what it has found is let go, and nothing is said to be there: `flat`
    // lets go of as many as there are, whether it failed or not.
    ops.extend([int(0), set(place), get(entries), set(entry)]);
    ops.extend([LOOP, get(place), get(count), load(0), GE_S, IF]);
    ops.extend([get(count), int(0), store(0), int(-1), RETURN, END]);
    ops.extend([get(entry), load(0), tee(object), IF]);
    ops.extend(release(object));
    ops.push(END);
    ops.extend(next);
    ops.extend([br(0), END, int(-1)]);
    ops
}

/// The positions in the parameter `given` as an array, in `found`, if they are of `int64`; else the original is called.
pub(super) fn positions_of(params: u32, given: u32, found: u32) -> Vec<Op> {
    let original = |ops: &mut Vec<Op>| {
        ops.extend((0..params).map(get));
        ops.extend([Op::Original, RETURN, END]);
    };
    let mut ops =
        vec![get(given), int(0), int(0), int(0), int(0), int(0), call("PyArray_FromAny"), tee(found), EQZ, IF];
    ops.push(call("PyErr_Clear"));
    original(&mut ops);
    ops.extend(is_wide(found));
    ops.extend([EQZ, IF]);
    ops.extend(release(found));
    original(&mut ops);
    ops
}

/// The positions in `found` are taken modulo `length`, if that is not zero; an array or a number.
pub(super) fn modulo(found: u32, length: u32, other: u32) -> Vec<Op> {
    let mut ops = vec![
        get(length),
        int(0),
        Op::Plain(I::I32GtS),
        IF,
        get(length),
        call("PyLong_FromSsize_t"),
        tee(other),
        EQZ,
        IF,
    ];
    ops.extend(release(found));
    ops.extend([int(0), RETURN, END, get(found), get(other), call("PyNumber_Remainder")]);
    ops.extend(release(other));
    ops.push(set(other));
    ops.extend(release(found));
    ops.extend([get(other), tee(found), EQZ]);
    ops.extend(give_up(0));
    ops.push(END);
    ops
}

/// What is wrong with positions is told, or they are taken modulo `length`, as `mode` says.
pub(super) fn checked(mode: u32, found: u32, axis: Op, length: u32, other: u32) -> Vec<Op> {
    let mut ops =
        vec![get(mode), int(RAISE), EQ, IF, get(found), axis, get(length), int(0), call("cellblock_outside"), IF];
    ops.extend(release(found));
    ops.extend([int(0), RETURN, END, END, get(mode), int(WRAP), EQ, IF]);
    ops.extend(modulo(found, length, other));
    ops.push(END);
    ops
}

pub(super) fn take() -> Vec<Op> {
    let (array, axis, out, mode, found, length, other, at_axis) = (0, 2, 3, 4, 5, 6, 7, 8);
    let mut ops = positions_of(5, 1, found);
    ops.extend([get(axis), int(RAVEL), EQ, IF]);
    ops.extend(size(array));
    ops.extend([set(length), ELSE, get(axis), get(array), load(DIMENSIONS), int(0), get(axis), int(0), LT_S]);
    ops.extend([Op::Plain(I::Select), ADD, tee(at_axis), get(array), load(DIMENSIONS), Op::Plain(I::I32GeU), IF]);
    ops.extend(release(found));
    ops.extend((0..5).map(get));
    ops.extend([Op::Original, RETURN, END]);
    ops.extend([get(array), load(SHAPE), get(at_axis), int(2), Op::Plain(I::I32Shl), ADD, load(0), set(length), END]);
    ops.extend(checked(mode, found, get(at_axis), length, other));
    ops.extend([get(array), get(found), get(axis), get(out), get(mode), Op::Original, set(other)]);
    ops.extend(release(found));
    ops.push(get(other));
    ops
}

pub(super) fn put() -> Vec<Op> {
    let (array, values, mode, found, length, other) = (0, 1, 3, 4, 5, 6);
    let mut ops = positions_of(4, 2, found);
    ops.extend(size(array));
    ops.push(set(length));
    ops.extend(checked(mode, found, int(0), length, other));
    ops.extend([get(array), get(values), get(found), get(mode), Op::Original, set(other)]);
    ops.extend(release(found));
    ops.push(get(other));
    ops
}

pub(super) fn repeat() -> Vec<Op> {
    let (array, axis, found, source, data, left, number, total) = (0, 2, 3, 4, 5, 6, 7, 8);
    let long_set = |local| Op::Plain(I::LocalSet(local));
    let mut ops = positions_of(3, 1, found);
    ops.extend([get(found), call("cellblock_plain"), tee(source), EQZ, IF]);
    ops.extend(release(found));
    ops.extend([int(0), RETURN, END, get(source), load(DATA), set(data)]);
    ops.extend(size(source));
    ops.extend([set(left), BLOCK, LOOP, get(left), int(1), LT_S, br_if(1)]);
    ops.extend([
        get(data),
        load_long(0),
        long_set(number),
        get(number),
        get(total),
        Op::Plain(I::I64Add),
        long_set(total),
    ]);
    // Negative ones are told by the original.
    ops.extend([get(number), long(0), Op::Plain(I::I64LtS), br_if(1)]);
    ops.extend([get(number), long(i64::from(i32::MAX)), Op::Plain(I::I64GtS)]);
    ops.extend([get(total), long(i64::from(i32::MAX)), Op::Plain(I::I64GtS), Op::Plain(I::I32Or), IF]);
    ops.extend(release(source));
    ops.extend(release(found));
    ops.extend([call("PyErr_NoMemory"), RETURN, END]);
    ops.extend([get(data), int(8), ADD, set(data), get(left), int(1), SUB, set(left), br(0), END, END]);
    ops.extend(release(source));
    ops.extend([get(array), get(found), get(axis), Op::Original, set(source)]);
    ops.extend(release(found));
    ops.push(get(source));
    ops
}

pub(super) fn choose() -> Vec<Op> {
    let (array, choices, out, mode, found, length, other) = (0, 1, 2, 3, 4, 5, 6);
    let mut ops = vec![BLOCK, get(mode), int(WRAP), NE, br_if(0)];
    ops.extend(is_wide(array));
    ops.extend([EQZ, br_if(0), get(choices), call("PySequence_Size"), tee(length), int(1), LT_S, IF]);
    ops.extend([call("PyErr_Clear"), br(1), END]);
    ops.extend([get(array), set(found)]);
    ops.extend(keep(found));
    ops.extend(modulo(found, length, other));
    // What has no dimensions is a number by now.
    ops.extend([get(found), int(0), int(0), int(0), int(0), int(0), call("PyArray_FromAny"), set(other)]);
    ops.extend(release(found));
    ops.extend([get(other), tee(found), EQZ]);
    ops.extend(give_up(0));
    ops.extend([get(found), get(choices), get(out), get(mode), Op::Original, set(other)]);
    ops.extend(release(found));
    ops.extend([get(other), RETURN, END]);
    ops.extend((0..4).map(get));
    ops.push(Op::Original);
    ops
}

pub(super) fn partition() -> Vec<Op> {
    let (positions, array, axis, narrowed, result) = (0, 1, 2, 3, 4);
    let mut ops = is_wide(positions).to_vec();
    ops.extend([IF, get(positions), call("cellblock_narrow"), tee(narrowed), EQZ]);
    ops.extend(give_up(0));
    ops.extend([get(narrowed), get(array), get(axis), Op::Original, set(result)]);
    ops.extend(release(narrowed));
    ops.extend([get(result), RETURN, END, get(positions), get(array), get(axis), Op::Original]);
    ops
}
