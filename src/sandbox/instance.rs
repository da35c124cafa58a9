//! One running guest: code, a mapped memory and a world, ready to take turns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmtime::{Engine, InstancePre, Linker, Module, Store, TypedFunc, WasmParams};

use super::block::to_end;
use super::control::{Asked, Control};
use super::determinism::Determinism;
use super::engine::Edition;
use super::fuel::{FULL, SLICE};
use super::guest_host::GuestHost;
use super::host::{Exports, Host};
use super::interrupt_flag::{Signal, Word};
use super::memory::mapping::{Mapping, Mappings};
use super::quota::Meter;
use super::refusals::{Refusal, Refused};
use super::wasi::directory::Listings;
use super::wasi::fd_table;
use super::wasi::fd_table::{Files, Kept};
use super::wasi::nested_mounts::Inner;
use super::wasi_config::WasiConfig;

/// Compiled code with its imports resolved: what all instances share.
#[derive(Clone)]
pub struct Code {
    pre: InstancePre<Host>,
}

impl Code {
    /// Links `module` to the host functions.
    ///
    /// # Errors
    /// A module with imports that are not known.
    pub fn new(engine: &Engine, module: &Module) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        super::wasi::add_to_linker(&mut linker)?;
        Ok(Self { pre: linker.instantiate_pre(module)? })
    }
}

/// What an instance must know of a memory besides its bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The interrupt flag; none yet in an image that is being made.
    pub words: Arc<[Word]>,
    /// The files that were open when the memory was committed.
    pub files: Vec<Kept>,
    /// The clock and the randomness of a deterministic guest; none yet in an image that is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Determinism>,
}

/// What can be read of a guest while it runs.
#[derive(Debug, Clone)]
pub struct Gauges {
    mapping: Arc<Mapping>,
    control: Arc<Control>,
}

impl Gauges {
    /// Bytes of the guest's memory.
    pub fn memory(&self) -> usize {
        self.mapping.size()
    }

    /// Fuel that the turn had used when the guest last came to the door.
    pub fn fuel(&self) -> u64 {
        self.control.fuel()
    }

    /// What the guest has been asked since the last call, in order.
    pub fn take_asked(&self) -> Vec<Asked> {
        self.control.take_asked()
    }

    /// What the guest was refused so far.
    pub fn refused(&self) -> Refused {
        self.control.refused().with(Refusal::Memory, self.mapping.refusals() as u64)
    }
}

/// A guest that can take turns.
pub struct Instance {
    pub(super) store: Store<Host>,
    pub(super) instance: wasmtime::Instance,
    pub(super) turn: TypedFunc<(u32, u32), i32>,
    pub(super) exports: Exports,
    pub(super) mapping: Arc<Mapping>,
    pub(super) control: Arc<Control>,
}

impl Instance {
    /// Makes an instance whose memory is `mapping`.
    ///
    /// # Errors
    /// A mount that cannot be opened, or a module without the exports of the guest's ABI.
    pub fn start(
        code: &Code,
        mapping: Arc<Mapping>,
        facts: &Facts,
        world: &WasiConfig,
        outside: Arc<dyn GuestHost>,
    ) -> wasmtime::Result<Self> {
        let control = Arc::new(Control::new(Signal::new(mapping.clone(), facts.words.clone())));
        let (wasi, inner) = world.open()?;
        let inner = Inner::new(world, fd_table::FIRST_MOUNT, &inner);
        let host = Host {
            wasi,
            outside,
            control: control.clone(),
            exports: None,
            meter: Meter::new(world, fd_table::FIRST_MOUNT),
            files: Files::new(world.mounts.len(), world.open_files, &facts.files).with_inner(inner),
            max_frame: world.max_frame,
            clock: world.clock.clone(),
            fixed: match world.edition {
                Edition::Deterministic => Some(facts.fixed.clone().unwrap_or_default()),
                Edition::Ordinary => None,
            },
            writable: world.mounts.iter().map(|mount| mount.writable).collect(),
            listings: Listings::default(),
            environment: world.environment(),
            owed: 0,
            watch: world.watch.clone(),
            watched: world.watched(),
        };
        let mut store = Store::new(code.pre.module().engine(), host);
        store.set_fuel(FULL)?;
        store.fuel_async_yield_interval(Some(SLICE))?;
        Mappings::announce(mapping.clone());
        let made = to_end(code.pre.instantiate_async(&mut store));
        Mappings::withdraw();
        let instance = made?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| wasmtime::format_err!("the guest exports no memory"))?;
        let host_alloc = instance.get_typed_func(&mut store, "host_alloc")?;
        let turn = instance.get_typed_func(&mut store, "turn")?;
        let exports = Exports { memory, host_alloc };
        store.data_mut().exports = Some(exports.clone());
        Ok(Self { store, instance, turn, exports, mapping, control })
    }

    /// Calls an export that takes nothing and answers nothing: `_initialize`, before the first turn of a memory
    /// that is not yet an image.
    ///
    /// # Errors
    /// No such export, or a trap.
    pub fn initialize(&mut self, export: &str) -> wasmtime::Result<()> {
        let function = self.instance.get_typed_func::<(), ()>(&mut self.store, export)?;
        to_end(function.call_async(&mut self.store, ()))?;
        self.end_turn();
        Ok(())
    }

    /// Calls an export that takes a few numbers and answers one.
    ///
    /// # Errors
    /// No such export, one with other parameters, or a trap.
    pub fn call_with<P: WasmParams + Sync>(&mut self, export: &str, arguments: P) -> wasmtime::Result<i32> {
        let function = self.instance.get_typed_func::<P, i32>(&mut self.store, export)?;
        to_end(function.call_async(&mut self.store, arguments))
    }

    /// The memory that the instance runs on.
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// What can be read of the guest while it runs.
    pub fn gauges(&self) -> Gauges {
        Gauges { mapping: self.mapping.clone(), control: self.control.clone() }
    }

    /// How many calls the guest made that may have changed a file: as many as before means that none has.
    pub fn file_changes(&self) -> u64 {
        self.control.file_changes()
    }

    /// The deterministic clock goes on by what the turn took, and what the turn left is kept no longer than it has to be.
    /// Answers the fuel of the turn.
    pub(super) fn end_turn(&mut self) -> u64 {
        let host = self.store.data_mut();
        match host.fixed {
            // What a listing takes in a later cell must not depend on whether it is this instance that goes on.
            Some(_) => host.listings = Listings::default(),
            None => host.listings.rest(),
        }
        let taken = FULL.saturating_sub(self.store.get_fuel().unwrap_or(FULL));
        let fuel = taken.saturating_add(std::mem::take(&mut self.store.data_mut().owed));
        if let Some(fixed) = &mut self.store.data_mut().fixed {
            fixed.end_turn(fuel);
        }
        fuel
    }

    /// The clock and the randomness of a deterministic guest between two turns, to be kept with its memory.
    pub fn fixed(&self) -> Option<Determinism> {
        self.store.data().fixed.clone()
    }

    /// The files that the guest has open, to be kept with its memory.
    pub fn files(&mut self) -> Vec<Kept> {
        let Host { files, wasi, .. } = self.store.data_mut();
        to_end(files.keep(wasi))
    }
}
