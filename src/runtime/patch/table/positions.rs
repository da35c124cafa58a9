//! Positions and counts that do not fit a pointer's integer are told, never taken modulo 2^32; and positions that numpy
//! gives are of the default integer.

use wasm_encoder::Instruction as I;
use wasm_encoder::ValType::{self, I32, I64};

use super::super::op::{
    ADD, AND, BLOCK, ELSE, END, EQ, EQZ, GE_S, IF, LOOP, LT_S, NE, Op, RETURN, SET_STACK_POINTER, STACK_POINTER, SUB,
    at, br, br_if, get, int, load, load_long, long, set, store, store_long, tee,
};
use super::super::{Change, Patch};
use super::{Theme, ints};

/// Where numpy's `ndarray` is, the type of its scalars of C `long`, and the pointers to exceptions.
const ARRAY_TYPE: i32 = 26_443_132;
const LONG_SCALAR: i32 = 26_435_440;
const INDEX_ERROR: u64 = 26_079_528;
const OVERFLOW_ERROR: u64 = 26_079_564;
/// The type numbers of `np.intp`, `np.int64` and, one more, `np.uint64`.
const LONG: i32 = 7;
const LONG_LONG: i32 = 9;

/// Where an object has its count of references and its type, a type its flags, and the flag of tuples.
const REFERENCES: u64 = 0;
const TYPE: u64 = 4;
const TYPE_FLAGS: u64 = 84;
const TUPLE: i32 = 1 << 26;
/// Counts above are those of objects that live for ever.
const MOST_REFERENCES: i32 = 0x3fff_ffff;
/// Where an array has its data, dimensions, descriptor and flags.
const DATA: u64 = 8;
const DIMENSIONS: u64 = 12;
const SHAPE: u64 = 16;
const DESCRIPTOR: u64 = 28;
const FLAGS: u64 = 32;
/// Where a descriptor has the letter of its byte order, and its type number.
const BYTE_ORDER: u64 = 14;
const TYPE_NUMBER: u64 = 16;
/// Flags of arrays and of requests for them.
const C_ORDER: i32 = 1;
const FORTRAN_ORDER: i32 = 2;
const FORCE_CAST: i32 = 0x10;
const BASE_CLASS: i32 = 0x40;
const ALIGNED: i32 = 0x100;
const WRITE_BACK: i32 = 0x2000;
const SAME_KIND: i32 = 1 << 26;
/// Of orders, to keep it.
const KEEP_ORDER: i32 = 2;
/// `mode=` of what takes positions.
const WRAP: i32 = 1;
const RAISE: i32 = 2;
/// For all axes.
const RAVEL: i32 = i32::MIN;

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
        ..gives(function, 4, || gives_one(4))
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
            plain,
        ),
        add(
            "cellblock_first_outside",
            &[I32],
            &[I32, I32, I32],
            "where in an array of `int64` the first number is that has more than 32 bits, or -1",
            first_outside,
        ),
        add(
            "cellblock_narrow",
            &[I32],
            &[I32, I32, I32, I32, I64],
            "an array of `int64` as one of `intp`, with what does not fit made the nearest that does",
            narrow,
        ),
        add(
            "cellblock_outside",
            &[I32, I32, I32, I32],
            &[I32, I32, I32],
            "raises numpy's `IndexError` if a number in an array of `int64` has more than 32 bits",
            outside,
        ),
        add(
            "cellblock_overflown",
            &[I32, I32, I32, I32],
            &[I32, I32, I32, I32, I32],
            "raises numpy's `IndexError` about the integer in an index that has more than 32 bits",
            overflown,
        ),
        add("cellblock_wide", &[I32], &[I32], "an array or number of `intp` as one of `int64`, a new reference", wide),
        add(
            "cellblock_widened",
            &[I32],
            &[I32],
            "the same, in place of a reference, unless somebody else has the object, too",
            widened,
        ),
        add("cellblock_widened_each", &[I32], &[I32, I32, I32], "the same for what is in a tuple", widened_each),
        wrap(
            "PyArray_FromArray",
            3,
            ints(2),
            "an array of `int64` that is wanted as `intp`, but not by force, comes by way of `cellblock_narrow`",
            from_array,
            "All that takes positions or counts as arrays: `np.repeat`, `np.choose`, `np.bincount`, `reduceat`, `sorter=`.",
        ),
        wrap(
            "prepare_index_noarray",
            9,
            ints(7),
            "arrays of `int64` in an index are looked through and cast to `intp`; an integer of more than 32 bits is out of bounds",
            prepare_index,
            "`array[positions]`, `ufunc.at`, `array.flat[positions]`.",
        ),
        wrap("PyArray_TakeFrom", 5, ints(4), "the same", take, "`np.take`, and what `mode=\"wrap\"` does."),
        wrap("PyArray_PutTo", 4, ints(3), "the same", put, "`np.put`, and what `mode=\"wrap\"` does."),
        wrap(
            "PyArray_Repeat",
            3,
            &[I32, I32, I32, I32, I64, I64],
            "counts that come to more than an array can have are out of memory",
            repeat,
            "`np.repeat`; numpy's own sum of them overflows.",
        ),
        wrap(
            "PyArray_Choose",
            4,
            ints(3),
            "positions are taken modulo the number of choices before",
            choose,
            "What `mode=\"wrap\"` does.",
        ),
        wrap(
            "partition_prep_kth_array",
            3,
            ints(2),
            "an array of `int64` comes by way of `cellblock_narrow`",
            partition,
            "`np.partition` casts by force.",
        ),
        gives("array_argmax", 4, || gives_one(4)),
        gives("array_argmin", 4, || gives_one(4)),
        gives("array_argsort", 4, || gives_one(4)),
        gives("array_argpartition", 4, || gives_one(4)),
        gives("array_searchsorted", 4, || gives_one(4)),
        gives("array_lexsort", 4, || gives_one(4)),
        gives("arr_ravel_multi_index", 3, || gives_one(3)),
        gives("arr_unravel_index", 3, || gives_each(3)),
        gives("array_nonzero", 2, || gives_each(2)),
        gives("array_where", 3, || gives_each(3)),
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

fn call(name: &'static str) -> Op {
    Op::Call(name)
}

/// Whether an array's type number is that of `int64` or `uint64`.
fn is_wide(array: u32) -> [Op; 7] {
    [get(array), load(DESCRIPTOR), load(TYPE_NUMBER), int(LONG_LONG), SUB, int(2), Op::Plain(I::I32LtU)]
}

/// Adds a reference to an object.
fn keep(object: u32) -> Vec<Op> {
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

fn release(object: u32) -> [Op; 2] {
    [get(object), call("_Py_DecRef")]
}

fn give_up(answer: i32) -> [Op; 4] {
    [IF, int(answer), RETURN, END]
}

/// How many elements an array has.
fn size(array: u32) -> [Op; 5] {
    [get(array), load(SHAPE), get(array), load(DIMENSIONS), call("PyArray_MultiplyList")]
}

/// The array as one of another type, in its order.
fn cast(array: u32, kind: i32) -> [Op; 10] {
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
const BEYOND: [Op; 4] =
    [Op::Plain(I::I64Const(1 << 31)), Op::Plain(I::I64Add), Op::Plain(I::I64Const(32)), Op::Plain(I::I64ShrU)];

/// Whether it is anything.
const IS_BEYOND: [Op; 2] = [Op::Plain(I::I64Eqz), EQZ];

fn plain() -> Vec<Op> {
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

fn first_outside() -> Vec<Op> {
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

fn narrow() -> Vec<Op> {
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
fn text(address: u32, offset: u64, text: &str) -> Vec<Op> {
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

const FRAME: i32 = 96;
/// Where in the frame the text is; before it are the values.
const TEXT: u64 = 16;

/// Raises an `IndexError` with the text and the values in a frame, which it gives back.
fn raise_from(frame: u32) -> [Op; 11] {
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

fn outside() -> Vec<Op> {
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

fn overflown() -> Vec<Op> {
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

fn wide() -> Vec<Op> {
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

fn widened() -> Vec<Op> {
    let (found, new) = (0, 1);
    let mut ops = vec![get(found), EQZ];
    ops.extend(give_up(0));
    ops.extend([get(found), load(REFERENCES), int(1), NE, IF, get(found), RETURN, END]);
    ops.extend([get(found), call("cellblock_wide"), set(new)]);
    ops.extend(release(found));
    ops.push(get(new));
    ops
}

fn widened_each() -> Vec<Op> {
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

fn gives_one(params: u32) -> Vec<Op> {
    (0..params).map(get).chain([Op::Original, call("cellblock_widened")]).collect()
}

fn gives_each(params: u32) -> Vec<Op> {
    (0..params).map(get).chain([Op::Original, call("cellblock_widened_each")]).collect()
}

fn from_array() -> Vec<Op> {
    let (array, kind, flags, narrowed, result) = (0, 1, 2, 3, 4);
    let mut ops = vec![BLOCK, get(kind), EQZ, br_if(0), get(kind), load(TYPE_NUMBER), int(LONG), NE, br_if(0)];
    ops.extend(is_wide(array));
    ops.extend([EQZ, br_if(0), get(flags), int(FORCE_CAST | WRITE_BACK), AND, br_if(0)]);
    // `uint64` is refused but where "same kind" is enough.
    ops.extend([get(array), load(DESCRIPTOR), load(TYPE_NUMBER), int(LONG_LONG), NE]);
    ops.extend([get(flags), int(SAME_KIND), AND, EQZ, AND, br_if(0)]);
    ops.extend([get(array), call("cellblock_narrow"), tee(narrowed), EQZ, IF]);
    ops.extend(release(kind));
    ops.extend([int(0), RETURN, END]);
    ops.extend([get(narrowed), get(kind), get(flags), Op::Original, set(result)]);
    ops.extend(release(narrowed));
    ops.extend([get(result), RETURN, END, get(array), get(kind), get(flags), Op::Original]);
    ops
}

/// Of an index that numpy has taken apart: where an entry has its object, value and kind, and what it takes of memory.
const ENTRY_VALUE: u64 = 4;
const ENTRY_KIND: u64 = 8;
const ENTRY: i32 = 12;
/// Kinds of entries.
const INTEGER: i32 = 1;
const SLICE: i32 = 4;
const ELLIPSIS: i32 = 8;
const FANCY: i32 = 16;

fn prepare_index() -> Vec<Op> {
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
    // As the function itself does when it fails, what it has found is let go.
    ops.extend([int(0), set(place), get(entries), set(entry)]);
    ops.extend([LOOP, get(place), get(count), load(0), GE_S]);
    ops.extend(give_up(-1));
    ops.extend([get(entry), load(0), tee(object), IF]);
    ops.extend(release(object));
    ops.push(END);
    ops.extend(next);
    ops.extend([br(0), END, int(-1)]);
    ops
}

/// The positions in the parameter `given` as an array, in `found`, if they are of `int64`; else the original is called.
fn positions_of(params: u32, given: u32, found: u32) -> Vec<Op> {
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
fn modulo(found: u32, length: u32, other: u32) -> Vec<Op> {
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
fn checked(mode: u32, found: u32, axis: Op, length: u32, other: u32) -> Vec<Op> {
    let mut ops =
        vec![get(mode), int(RAISE), EQ, IF, get(found), axis, get(length), int(0), call("cellblock_outside"), IF];
    ops.extend(release(found));
    ops.extend([int(0), RETURN, END, END, get(mode), int(WRAP), EQ, IF]);
    ops.extend(modulo(found, length, other));
    ops.push(END);
    ops
}

fn take() -> Vec<Op> {
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

fn put() -> Vec<Op> {
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

fn repeat() -> Vec<Op> {
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

fn choose() -> Vec<Op> {
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

fn partition() -> Vec<Op> {
    let (positions, array, axis, narrowed, result) = (0, 1, 2, 3, 4);
    let mut ops = is_wide(positions).to_vec();
    ops.extend([IF, get(positions), call("cellblock_narrow"), tee(narrowed), EQZ]);
    ops.extend(give_up(0));
    ops.extend([get(narrowed), get(array), get(axis), Op::Original, set(result)]);
    ops.extend(release(narrowed));
    ops.extend([get(result), RETURN, END, get(positions), get(array), get(axis), Op::Original]);
    ops
}
