//! Cython's typed buffers take arrays of the default integer.

use wasm_encoder::ValType::I32;
use wasmparser::Operator;

use crate::language::patch::op::{AND, END, EQZ, GE_S, IF, LT_S, NE, Op, RETURN, get, int, load, set, tee};
use crate::language::patch::{Change, Patch, Shape, Theme};

/// Raised when the bodies below become others.
pub const REVISION: u32 = 2;

/// Where numpy's `ndarray` is.
const ARRAY_TYPE: i32 = 26_443_132;
/// Where an object has its type.
const TYPE: u64 = 4;
/// Where an array has its descriptor.
const DESCRIPTOR: u64 = 28;
/// Where a descriptor has its type number.
const TYPE_NUMBER: u64 = 16;
/// The type numbers of `np.intp` and `np.int64`.
const LONG: i32 = 7;
const LONG_LONG: i32 = 9;
/// Of a request for a buffer, that it is to be written to.
const WRITABLE: i32 = 1;

const CALLS: &[&str] = &[
    "PyObject_GetBuffer",
    "__pyx_memoryview_new",
    "PyErr_Clear",
    "PyArray_DescrFromType",
    "PyArray_CastToType",
    "_Py_DecRef",
    "cellblock_outside",
];

const TEST: &str = "tests/kernel/test_integers.py::test_compiled_code_takes_default_integers_as_positions";

pub const THEME: Theme = Theme {
    title: "Typed buffers",
    about: "Compiled code of pandas, scipy and scikit-learn that says `intp` or `long` takes buffers of 32 bits only, and is given arrays \
            of the default integer. Where it only reads, it is given a copy of 32 bits once it has refused an array of `int64`; nothing is \
            done before it has. A buffer that is written to is refused as before: the writes would be lost with the copy.",
    patches: &[&[
        Patch {
            function: "__Pyx__GetBufferAndValidate",
            change: Change::WrapEach {
                copies: 45,
                wrapped: 37,
                calls: CALLS,
                locals: &[I32, I32],
                about: "an array of `int64` that was refused is handed over again as one of `intp`; the others always write",
                // `PyObject_GetBuffer(object, buffer, flags)`
                body: |shape| wrapper(shape, 1, shape.before_call("PyObject_GetBuffer", 1)?),
            },
            reason: "The buffers of Cython's `np.ndarray[np.intp_t]`.",
            test: TEST,
        },
        Patch {
            function: "__Pyx_ValidateAndInit_memviewslice",
            change: Change::WrapEach {
                copies: 20,
                wrapped: 14,
                calls: CALLS,
                locals: &[I32, I32],
                about: "an array of `int64` that was refused is handed over again as one of `intp`; the others always write",
                // `__pyx_memoryview_new(object, flags, is_object, type)`, where the object is the last parameter.
                body: |shape| {
                    wrapper(shape, shape.params().checked_sub(1)?, shape.before_call("__pyx_memoryview_new", 3)?)
                },
            },
            reason: "The buffers of Cython's `const intp_t[:]`.",
            test: TEST,
        },
    ]],
};

/// Calls the original, and if it refused an `ndarray` of `int64` that is not to be written to, calls it again with a copy
/// of `intp`; if that is refused, too, once more with the array, so that the message is about what was given.
///
/// `object` is the parameter that is the array; `flags` what the original asks for the buffer with.
fn wrapper(shape: &dyn Shape, object: u32, flags: &Operator<'_>) -> Option<Vec<Op>> {
    let (result, copy) = (shape.params(), shape.params().checked_add(1)?);
    let arguments = |object_is: u32| (0..shape.params()).map(move |at| get(if at == object { object_is } else { at }));
    let answer = || [get(result), RETURN, END];
    let mut body = Vec::new();
    body.extend(arguments(object));
    body.extend([Op::Original, tee(result), int(0), GE_S, IF]);
    body.extend(answer());
    match flags {
        Operator::I32Const { value } if value & WRITABLE != 0 => return None,
        Operator::I32Const { .. } => {}
        Operator::LocalGet { local_index } if *local_index < shape.params() => {
            body.extend([get(*local_index), int(WRITABLE), AND, IF]);
            body.extend(answer());
        }
        _ => return None,
    }
    body.extend([get(object), load(TYPE), int(ARRAY_TYPE), NE, IF]);
    body.extend(answer());
    body.extend([get(object), load(DESCRIPTOR), load(TYPE_NUMBER), int(LONG_LONG), NE, IF]);
    body.extend(answer());
    body.push(Op::Call("PyErr_Clear"));
    // A position that is too large for `intp` is out of bounds of whatever it is for.
    body.extend([get(object), int(0), int(i32::MAX), int(0), Op::Call("cellblock_outside"), IF]);
    body.extend(answer());
    body.extend([get(object), int(LONG), Op::Call("PyArray_DescrFromType"), int(0), Op::Call("PyArray_CastToType")]);
    body.extend([tee(copy), EQZ, IF]);
    body.extend(answer());
    body.extend(arguments(copy));
    body.extend([Op::Original, set(result), get(copy), Op::Call("_Py_DecRef")]);
    body.extend([get(result), int(0), LT_S, IF, Op::Call("PyErr_Clear")]);
    body.extend(arguments(object));
    body.extend([Op::Original, set(result), END, get(result)]);
    Some(body)
}
