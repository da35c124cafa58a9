//! Error numbers of WASI preview 1 (`typenames.witx`).

pub const SUCCESS: i32 = 0;
pub const ACCES: i32 = 2;
pub const BADF: i32 = 8;
pub const DQUOT: i32 = 19;
pub const FAULT: i32 = 21;
pub const ILSEQ: i32 = 25;
pub const INTR: i32 = 27;
pub const INVAL: i32 = 28;
pub const IO: i32 = 29;
pub const LOOP: i32 = 32;
pub const MFILE: i32 = 33;
pub const NAMETOOLONG: i32 = 37;
pub const NOENT: i32 = 44;
pub const NOSPC: i32 = 51;
pub const NOTDIR: i32 = 54;
pub const NOTSUP: i32 = 58;
pub const OVERFLOW: i32 = 61;
pub const PERM: i32 = 63;
pub const ROFS: i32 = 69;
pub const NOTCAPABLE: i32 = 76;

/// The guest's number for an error of the host's when it looks at a directory.
pub fn of(error: rustix::io::Errno) -> i32 {
    match error {
        rustix::io::Errno::ACCESS => ACCES,
        rustix::io::Errno::PERM => PERM,
        rustix::io::Errno::NOENT => NOENT,
        rustix::io::Errno::NOTDIR => NOTDIR,
        rustix::io::Errno::MFILE | rustix::io::Errno::NFILE => MFILE,
        rustix::io::Errno::NAMETOOLONG => NAMETOOLONG,
        _ => IO,
    }
}
