//! Deep recursion in C code ends in an exception.

use wasm_encoder::ValType::{self, I32};

use crate::language::patch::op::{ADD, END, IF, Op, RETURN, SET_STACK_POINTER, STACK_POINTER, SUB, get, int};
use crate::language::patch::{Change, Patch, Theme};

/// What a level of recursion takes of the C stack, in bytes, where compiled code takes nothing. The stack has 4 MiB, so it
/// is at its end after 65,536 levels, each of which has 2 KiB of the native stack of 128 MiB. Deleting a list within a
/// list takes some 400 bytes of that.
const LEVEL: Op = int(64);

/// The zero byte that ends the text " in comparison": a text without words.
const NO_TEXT: i32 = 17_277_913;

pub const THEME: Theme = Theme {
    title: "Stack",
    about: "CPython checks the depth of calls in C by the address of the C stack, which WASI gives a module in its memory; \
            each call has a frame of the host's native stack besides, and what overflows that traps, which costs the cell. So that the check \
            comes first, set-up lets CPython use 4 MiB of the C stack (`PyUnstable_ThreadState_SetStackProtection`), and the engine gives it \
            128 MiB of native stack: 32 times as much, and of those that check `json`'s parser takes the most, 12 times.",
    patches: &[&[
        Patch {
            function: "_Py_Dealloc",
            change: deeper(&[I32], &[], OF_ONE),
            reason: "It puts off what is nested too deep by the depth of the C stack, of which it takes nothing itself: a list nested \
                     a million deep overflows the native stack when it is deleted.",
            test: "tests/kernel/test_deep_recursion.py::test_what_is_nested_deep_is_deleted",
        },
        Patch {
            function: "object_recursive_isinstance",
            change: deeper(&[I32, I32, I32], &[I32], OF_THREE),
            reason: "It checks the depth of the C stack, of which it takes nothing: `isinstance` with a tuple nested deep.",
            test: TOO_DEEP,
        },
        Patch {
            function: "object_issubclass",
            change: deeper(&[I32, I32, I32], &[I32], OF_THREE),
            reason: "The same for `issubclass`.",
            test: TOO_DEEP,
        },
        Patch {
            function: "tuple_hash",
            change: deeper(&[I32], &[I32], CHECKED),
            reason: "It checks no depth at all: `hash` of a tuple within a tuple, and so on, a million times.",
            test: TOO_DEEP,
        },
        Patch {
            function: "ga_hash",
            change: deeper(&[I32], &[I32], CHECKED),
            reason: "The same for `hash` of `list[list[…]]`.",
            test: TOO_DEEP,
        },
        Patch {
            function: "slice_hash",
            change: deeper(&[I32], &[I32], CHECKED),
            reason: "The same for `hash` of a slice of slices.",
            test: TOO_DEEP,
        },
    ]],
};

const TOO_DEEP: &str = "tests/kernel/test_deep_recursion.py::test_what_is_too_deep_ends_in_an_exception";

const OF_ONE: &[Op] =
    &[STACK_POINTER, LEVEL, SUB, SET_STACK_POINTER, get(0), Op::Original, STACK_POINTER, LEVEL, ADD, SET_STACK_POINTER];
const OF_THREE: &[Op] = &[
    STACK_POINTER,
    LEVEL,
    SUB,
    SET_STACK_POINTER,
    get(0),
    get(1),
    get(2),
    Op::Original,
    STACK_POINTER,
    LEVEL,
    ADD,
    SET_STACK_POINTER,
];
/// Of a function of one parameter that gives -1 with an exception.
const CHECKED: &[Op] = &[
    STACK_POINTER,
    LEVEL,
    SUB,
    SET_STACK_POINTER,
    int(NO_TEXT),
    Op::Call("Py_EnterRecursiveCall"),
    IF,
    STACK_POINTER,
    LEVEL,
    ADD,
    SET_STACK_POINTER,
    int(-1),
    RETURN,
    END,
    get(0),
    Op::Original,
    STACK_POINTER,
    LEVEL,
    ADD,
    SET_STACK_POINTER,
];

/// Has a call of the original take [`LEVEL`] of the C stack.
const fn deeper(params: &'static [ValType], results: &'static [ValType], body: &'static [Op]) -> Change {
    Change::Wrap { params, results, locals: &[], body }
}
