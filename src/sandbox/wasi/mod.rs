//! What a guest can import: WASI's calls and the door, and nothing else. Each is in the table of [`prices`], and is
//! charged what that says before it does anything.

pub(super) mod admission;
pub(super) mod clocks;
pub(super) mod depth;
pub(super) mod descriptors;
pub(super) mod directory;
pub(super) mod entries;
pub(super) mod errno;
pub mod fd_table;
pub(super) mod forward;
pub(super) mod host_calls;
pub(super) mod mutate;
pub(super) mod nested_mounts;
pub(super) mod poll;
pub(super) mod query;
pub(super) mod random;
pub(super) mod stat;
pub(super) mod text;
pub(super) mod transfer;
pub(super) mod walk;

use wasmtime::{Caller, Linker};

use self::forward::pass;
use super::host::{self, Host};
use super::prices;
use super::refusals::Refusal;

const MODULE: &str = prices::WASI;

/// Adds WASI and the door to `linker`.
///
/// # Errors
/// wasmtime's, or a call that has no price.
pub fn add_to_linker(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    let price = price_of("host", "call")?;
    linker.func_wrap_async("host", "call", move |mut caller: Caller<'_, Host>, args: (i32, i32, i32, i32)| {
        Box::new(async move {
            host::charge(&mut caller, price).await;
            host::door(&mut caller, args).await
        })
    })?;
    change(linker)?;
    look(linker)?;
    pass_on(linker)?;
    refuse(linker)
}

fn price_of(module: &str, name: &str) -> wasmtime::Result<u64> {
    let call = prices::of(module, name).ok_or_else(|| wasmtime::format_err!("{module}.{name} has no price"))?;
    Ok(call.call)
}

/// Adds functions of modules, by their names and the types of their arguments.
macro_rules! ours {
    ($linker:expr, $($module:ident::$function:ident($($argument:ty),*);)*) => {$({
        let price = price_of(MODULE, stringify!($function))?;
        $linker.func_wrap_async(
            MODULE,
            stringify!($function),
            move |mut caller: Caller<'_, Host>, args: ($($argument,)*)| {
                Box::new(async move {
                    host::charge(&mut caller, price).await;
                    $module::$function(&mut caller, args).await
                })
            },
        )?;
    })*};
}

/// Adds functions that answer an errno, whatever their arguments, and what is done before that.
macro_rules! constant {
    ($linker:expr, $($function:ident($($argument:ty),*): $errno:expr, $before:expr;)*) => {$({
        let price = price_of(MODULE, stringify!($function))?;
        $linker.func_wrap_async(
            MODULE,
            stringify!($function),
            move |mut caller: Caller<'_, Host>, _: ($($argument,)*)| {
                Box::new(async move {
                    host::charge(&mut caller, price).await;
                    $before(&caller);
                    Ok($errno.answer())
                })
            },
        )?;
    })*};
}

/// Adds functions that are wasmtime's own: on a descriptor, once the guest's number is resolved.
macro_rules! resolved {
    ($linker:expr, $($function:ident($fd:ident $(, $argument:ident: $type:ty)*) $($sync:ident)?;)*) => {$({
        let price = price_of(MODULE, stringify!($function))?;
        $linker.func_wrap_async(
            MODULE,
            stringify!($function),
            move |mut caller: Caller<'_, Host>, ($fd, $($argument,)*): (i32, $($type,)*)| {
                Box::new(async move {
                    let caller = &mut caller;
                    host::charge(caller, price).await;
                    let Some($fd) = mutate::resolve(caller, $fd).await else { return Ok(errno::BADF.answer()) };
                    Ok(pass!(caller, $function $($sync)?, $fd $(, $argument)*))
                })
            },
        )?;
    })*};
}

/// Adds functions of wasmtime's own about the arguments and the environment.
macro_rules! about_the_environment {
    ($linker:expr, $($function:ident;)*) => {$({
        let price = price_of(MODULE, stringify!($function))?;
        $linker.func_wrap_async(
            MODULE,
            stringify!($function),
            move |mut caller: Caller<'_, Host>, (a, b): (i32, i32)| {
                Box::new(async move {
                    let caller = &mut caller;
                    let bytes = prices::each(prices::ENVIRONMENT_BYTE, caller.data().environment);
                    host::charge(caller, price + bytes).await;
                    Ok(pass!(caller, $function sync, a, b))
                })
            },
        )?;
    })*};
}

fn change(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    ours! { linker,
        mutate::fd_fdstat_set_flags(i32, i32);
        mutate::fd_filestat_set_size(i32, i64);
        mutate::fd_filestat_set_times(i32, i64, i64, i32);
        mutate::fd_pwrite(i32, i32, i32, i64, i32);
        mutate::fd_write(i32, i32, i32, i32);
        mutate::path_create_directory(i32, i32, i32);
        mutate::path_filestat_set_times(i32, i32, i32, i32, i64, i64, i32);
        mutate::path_open(i32, i32, i32, i32, i32, i64, i64, i32, i32);
        mutate::path_remove_directory(i32, i32, i32);
        mutate::path_rename(i32, i32, i32, i32, i32, i32);
        mutate::path_unlink_file(i32, i32, i32);
    }
    Ok(())
}

fn look(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    ours! { linker,
        clocks::clock_res_get(i32, i32);
        clocks::clock_time_get(i32, i64, i32);
        directory::fd_readdir(i32, i32, i32, i64, i32);
        query::fd_prestat_dir_name(i32, i32, i32);
        query::fd_prestat_get(i32, i32);
        query::path_readlink(i32, i32, i32, i32, i32, i32);
        poll::poll_oneoff(i32, i32, i32, i32);
        random::random_get(i32, i32);
        stat::fd_filestat_get(i32, i32);
        stat::path_filestat_get(i32, i32, i32, i32, i32);
        transfer::fd_pread(i32, i32, i32, i64, i32);
        transfer::fd_read(i32, i32, i32, i32);
    }
    Ok(())
}

fn pass_on(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    resolved! { linker,
        fd_allocate(fd, offset: i64, length: i64) sync;
        fd_fdstat_get(fd, result: i32);
        fd_fdstat_set_rights(fd, base: i64, inheriting: i64) sync;
        fd_seek(fd, offset: i64, whence: i32, result: i32);
        fd_tell(fd, result: i32) sync;
    }
    about_the_environment! { linker,
        args_get;
        args_sizes_get;
        environ_get;
        environ_sizes_get;
    }
    ours! { linker,
        descriptors::fd_advise(i32, i64, i64, i32);
        descriptors::fd_close(i32);
        descriptors::fd_datasync(i32);
        descriptors::fd_sync(i32);
        descriptors::sock_accept(i32, i32, i32);
    }
    let price = price_of(MODULE, "proc_exit")?;
    linker.func_wrap_async(MODULE, "proc_exit", move |mut caller: Caller<'_, Host>, (status,): (i32,)| {
        Box::new(async move {
            host::charge(&mut caller, price).await;
            Err::<(), _>(wasmtime::Error::from(wasmtime_wasi::I32Exit(status)))
        })
    })?;
    let price = price_of(MODULE, "sched_yield")?;
    linker.func_wrap_async(MODULE, "sched_yield", move |mut caller: Caller<'_, Host>, (): ()| {
        Box::new(async move {
            host::charge(&mut caller, price).await;
            Ok(errno::SUCCESS)
        })
    })?;
    Ok(())
}

/// Links between files, and sockets, do not exist in here; nor do signals.
fn refuse(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    fn note(refusal: Refusal) -> impl Fn(&Caller<'_, Host>) + Copy {
        move |caller| caller.data().control.refuse(refusal)
    }
    constant! { linker,
        path_symlink(i32, i32, i32, i32, i32): errno::PERM, note(Refusal::Symlink);
        path_link(i32, i32, i32, i32, i32, i32, i32): errno::PERM, note(Refusal::Link);
        fd_renumber(i32, i32): errno::PERM, note(Refusal::Renumber);
        sock_recv(i32, i32, i32, i32, i32, i32): errno::PERM, note(Refusal::Socket);
        sock_send(i32, i32, i32, i32, i32): errno::PERM, note(Refusal::Socket);
        sock_shutdown(i32, i32): errno::PERM, note(Refusal::Socket);
        proc_raise(i32): errno::NOTSUP, |_: &Caller<'_, Host>| ();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
