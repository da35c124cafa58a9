//! Error numbers of WASI preview 1 (`typenames.witx`).

/// Why a call of the guest's comes to nothing, by the guest's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

impl Errno {
    /// An answer of WASI's that is not [`SUCCESS`]; `None` if it is.
    pub fn from_answer(answer: i32) -> Option<Self> {
        (answer != SUCCESS).then_some(Self(answer))
    }

    /// What the guest is answered where what was written to its memory is all there was to do.
    pub fn of_written(written: Option<()>) -> i32 {
        if written.is_some() { SUCCESS } else { FAULT.0 }
    }

    /// What the guest is answered.
    pub fn answer(self) -> i32 {
        self.0
    }
}

/// What the guest is answered where nothing is wrong.
pub const SUCCESS: i32 = 0;
pub const ACCES: Errno = Errno(2);
pub const BADF: Errno = Errno(8);
pub const DQUOT: Errno = Errno(19);
pub const FAULT: Errno = Errno(21);
pub const ILSEQ: Errno = Errno(25);
pub const INTR: Errno = Errno(27);
pub const INVAL: Errno = Errno(28);
pub const IO: Errno = Errno(29);
pub const LOOP: Errno = Errno(32);
pub const MFILE: Errno = Errno(33);
pub const NAMETOOLONG: Errno = Errno(37);
pub const NOENT: Errno = Errno(44);
pub const NOSPC: Errno = Errno(51);
pub const NOTDIR: Errno = Errno(54);
pub const NOTSUP: Errno = Errno(58);
pub const OVERFLOW: Errno = Errno(61);
pub const PERM: Errno = Errno(63);
pub const ROFS: Errno = Errno(69);
pub const NOTCAPABLE: Errno = Errno(76);

/// The guest's number for an error of the host's when it looks at a directory.
pub fn of(error: rustix::io::Errno) -> Errno {
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

/// Tests compare what the guest is answered.
#[cfg(test)]
impl PartialEq<Errno> for i32 {
    fn eq(&self, other: &Errno) -> bool {
        *self == other.0
    }
}
