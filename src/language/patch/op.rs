//! The notation of the instructions in patches.

use std::fmt;

use wasm_encoder::{BlockType, Encode, Instruction, MemArg};

/// One instruction of a patch.
#[derive(Debug, Clone)]
pub enum Op {
    /// One that means the same in every module.
    Plain(Instruction<'static>),
    /// A call of a function by its name, which exactly one function may have.
    Call(&'static str),
    /// A call of the function that is wrapped.
    Original,
}

/// `local.get`
pub const fn get(local: u32) -> Op {
    Op::Plain(Instruction::LocalGet(local))
}

/// `local.set`
pub const fn set(local: u32) -> Op {
    Op::Plain(Instruction::LocalSet(local))
}

/// `local.tee`
pub const fn tee(local: u32) -> Op {
    Op::Plain(Instruction::LocalTee(local))
}

/// `i32.const`
pub const fn int(value: i32) -> Op {
    Op::Plain(Instruction::I32Const(value))
}

/// `i64.const`
pub const fn long(value: i64) -> Op {
    Op::Plain(Instruction::I64Const(value))
}

/// `i32.load` at an address plus `offset`.
pub const fn load(offset: u64) -> Op {
    Op::Plain(Instruction::I32Load(at(offset, 2)))
}

/// `i32.store` at an address plus `offset`.
pub const fn store(offset: u64) -> Op {
    Op::Plain(Instruction::I32Store(at(offset, 2)))
}

/// `f64.const`
pub fn double(value: f64) -> Op {
    Op::Plain(Instruction::F64Const(value.into()))
}

/// `br`
pub const fn br(depth: u32) -> Op {
    Op::Plain(Instruction::Br(depth))
}

/// `br_if`
pub const fn br_if(depth: u32) -> Op {
    Op::Plain(Instruction::BrIf(depth))
}

/// `i64.load` at an address plus `offset`, aligned or not.
pub const fn load_long(offset: u64) -> Op {
    Op::Plain(Instruction::I64Load(at(offset, 0)))
}

/// `i64.store` at an address plus `offset`, aligned or not.
pub const fn store_long(offset: u64) -> Op {
    Op::Plain(Instruction::I64Store(at(offset, 0)))
}

/// `block` without parameters and results.
pub const BLOCK: Op = Op::Plain(Instruction::Block(BlockType::Empty));
/// `loop` without parameters and results.
pub const LOOP: Op = Op::Plain(Instruction::Loop(BlockType::Empty));
/// `else`
pub const ELSE: Op = Op::Plain(Instruction::Else);
/// `i32.mul`
pub const MUL: Op = Op::Plain(Instruction::I32Mul);
/// `i32.or`
pub const OR: Op = Op::Plain(Instruction::I32Or);
/// `if` without parameters and results.
pub const IF: Op = Op::Plain(Instruction::If(BlockType::Empty));
/// `end`
pub const END: Op = Op::Plain(Instruction::End);
/// `return`
pub const RETURN: Op = Op::Plain(Instruction::Return);
/// `drop`
pub const DROP: Op = Op::Plain(Instruction::Drop);
/// `select`
pub const SELECT: Op = Op::Plain(Instruction::Select);
/// `i32.add`
pub const ADD: Op = Op::Plain(Instruction::I32Add);
/// `i32.sub`
pub const SUB: Op = Op::Plain(Instruction::I32Sub);
/// `i32.and`
pub const AND: Op = Op::Plain(Instruction::I32And);
/// `i32.eq`
pub const EQ: Op = Op::Plain(Instruction::I32Eq);
/// `i32.ne`
pub const NE: Op = Op::Plain(Instruction::I32Ne);
/// `i32.eqz`
pub const EQZ: Op = Op::Plain(Instruction::I32Eqz);
/// `i32.le_u`
pub const LE_U: Op = Op::Plain(Instruction::I32LeU);
/// `i32.lt_s`
pub const LT_S: Op = Op::Plain(Instruction::I32LtS);
/// `i32.ge_s`
pub const GE_S: Op = Op::Plain(Instruction::I32GeS);
/// `i64.ge_s`
pub const LONG_GE_S: Op = Op::Plain(Instruction::I64GeS);
/// `i64.extend_i32_s`
pub const TO_LONG: Op = Op::Plain(Instruction::I64ExtendI32S);
/// `global.get` of the stack pointer, which is the first global of every module that LLVM's linker makes.
pub const STACK_POINTER: Op = Op::Plain(Instruction::GlobalGet(0));
/// `global.set` of it.
pub const SET_STACK_POINTER: Op = Op::Plain(Instruction::GlobalSet(0));

/// The address of a load or store of an aligned value of 2^`align` bytes.
pub const fn at(offset: u64, align: u32) -> MemArg {
    MemArg { offset, align, memory_index: 0 }
}

/// The bytes of `ops`. `function` answers the index of a function by its name, and of the wrapped one for `None`.
pub fn encode<E>(ops: &[Op], mut function: impl FnMut(Option<&'static str>) -> Result<u32, E>) -> Result<Vec<u8>, E> {
    let mut bytes = Vec::new();
    for op in ops {
        match op {
            Op::Plain(instruction) => instruction.encode(&mut bytes),
            Op::Call(name) => Instruction::Call(function(Some(name))?).encode(&mut bytes),
            Op::Original => Instruction::Call(function(None)?).encode(&mut bytes),
        }
    }
    Ok(bytes)
}

/// As in the text format, for those that patches are made of.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Instruction as I;
        let memory = |f: &mut fmt::Formatter<'_>, name: &str, at: &MemArg| match at.offset {
            0 => f.write_str(name),
            offset => write!(f, "{name} offset={offset}"),
        };
        match self {
            Self::Call(name) => write!(f, "call ${name}"),
            Self::Original => f.write_str("call the original"),
            Self::Plain(instruction) => match instruction {
                I::LocalGet(local) => write!(f, "local.get {local}"),
                I::LocalSet(local) => write!(f, "local.set {local}"),
                I::LocalTee(local) => write!(f, "local.tee {local}"),
                I::GlobalGet(global) => write!(f, "global.get {global}"),
                I::GlobalSet(global) => write!(f, "global.set {global}"),
                I::I32Const(value) => write!(f, "i32.const {value}"),
                I::I64Const(value) => write!(f, "i64.const {value}"),
                I::I32Load(at) => memory(f, "i32.load", at),
                I::I32Load8U(at) => memory(f, "i32.load8_u", at),
                I::I32Store(at) => memory(f, "i32.store", at),
                I::I64Store(at) => memory(f, "i64.store", at),
                I::I32Add => f.write_str("i32.add"),
                I::I32Sub => f.write_str("i32.sub"),
                I::I32And => f.write_str("i32.and"),
                I::I32Or => f.write_str("i32.or"),
                I::I32Eq => f.write_str("i32.eq"),
                I::I32Ne => f.write_str("i32.ne"),
                I::I32Eqz => f.write_str("i32.eqz"),
                I::I32LeU => f.write_str("i32.le_u"),
                I::I32LtS => f.write_str("i32.lt_s"),
                I::I32GeS => f.write_str("i32.ge_s"),
                I::I64GeS => f.write_str("i64.ge_s"),
                I::I64ExtendI32S => f.write_str("i64.extend_i32_s"),
                I::If(BlockType::Empty) => f.write_str("if"),
                I::End => f.write_str("end"),
                I::Return => f.write_str("return"),
                I::Drop => f.write_str("drop"),
                I::Select => f.write_str("select"),
                other => write!(f, "{other:?}"),
            },
        }
    }
}
