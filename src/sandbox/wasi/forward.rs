//! Handing a call of the guest's on to wasmtime's own function.

/// Calls one of wasmtime's own functions with the guest's memory and the WASI context, as its linker would.
macro_rules! pass {
    ($caller:expr, $function:ident, $($argument:expr),*) => {
        pass!(@ $caller, $function, (.await), $($argument),*)
    };
    ($caller:expr, $function:ident sync, $($argument:expr),*) => {
        pass!(@ $caller, $function, (), $($argument),*)
    };
    (@ $caller:expr, $function:ident, ($($wait:tt)*), $($argument:expr),*) => {{
        use wasmtime::AsContextMut;
        use wasmtime_wasi::p1::wasi_snapshot_preview1 as plain;
        let fuel = $caller.as_context_mut().hostcall_fuel();
        let Some(memory) = $caller.data().exports.as_ref().map(|exports| exports.memory) else {
            return Ok($crate::sandbox::wasi::errno::FAULT.answer());
        };
        let (bytes, host) = memory.data_and_store_mut(&mut *$caller);
        plain::WasiSnapshotPreview1::set_hostcall_fuel(&mut host.wasi, fuel);
        plain::$function(&mut host.wasi, &mut wiggle::GuestMemory::Unshared(bytes), $($argument),*)$($wait)*?
    }};
}

pub(in crate::sandbox) use pass;
