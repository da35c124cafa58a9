//! Reading and writing files. As much as the guest asks for is moved, a piece at a time, and each piece is charged; a
//! cell that is interrupted gets what was moved until then, as from any system.

use wasmtime::Caller;
use wasmtime_wasi::p1::{WasiP1Ctx, wasi_snapshot_preview1 as plain};
use wiggle::GuestMemory;

use super::errno;
use super::errno::Errno;
use super::forward::pass;
use super::mutate;
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;
use crate::sandbox::prices::CHUNK;

/// Vectors in one call, as Linux has it.
pub(in crate::sandbox) const MAX_VECTORS: u32 = 1024;
/// A piece in memory of the host's: a vector, the answer, and then the bytes.
const HEAD: usize = 16;
const ANSWER: i32 = 8;

type Answer = wasmtime::Result<i32>;

/// Where the guest has its vectors, how many, and where the number of bytes that were moved is to go.
pub(in crate::sandbox) type Vectors = (i32, i32, i32);

/// What is done with a piece.
#[derive(Debug, Clone, Copy)]
enum Way {
    Read,
    ReadAt(u64),
    Write,
    WriteAt(u64),
}

pub(in crate::sandbox) async fn fd_read(caller: &mut Caller<'_, Host>, args: (i32, i32, i32, i32)) -> Answer {
    let (number, vectors, count, moved) = args;
    let Some(fd) = mutate::resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    transfer(caller, fd, (vectors, count, moved), Way::Read).await
}

pub(in crate::sandbox) async fn fd_pread(caller: &mut Caller<'_, Host>, args: (i32, i32, i32, i64, i32)) -> Answer {
    let (number, vectors, count, offset, moved) = args;
    let Some(fd) = mutate::resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    transfer(caller, fd, (vectors, count, moved), Way::ReadAt(offset.cast_unsigned())).await
}

/// Writes to a file of the WASI context's: at an offset, or where it stands.
pub(in crate::sandbox) async fn write(
    caller: &mut Caller<'_, Host>,
    fd: i32,
    vectors: Vectors,
    offset: Option<u64>,
) -> Answer {
    transfer(caller, fd, vectors, offset.map_or(Way::Write, Way::WriteAt)).await
}

/// The first vector with something in it, as pointer and length: the others are left for the guest's next call.
pub(in crate::sandbox) fn first(caller: &mut Caller<'_, Host>, vectors: i32, count: i32) -> Result<(u32, u32), Errno> {
    if count.cast_unsigned() > MAX_VECTORS {
        return Err(errno::INVAL);
    }
    let vectors = host::read(caller, vectors, count.saturating_mul(8)).ok_or(errno::FAULT)?;
    let mut vectors =
        vectors.as_chunks::<8>().0.iter().map(|[a, b, c, d, e, f, g, h]| {
            (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]))
        });
    Ok(vectors.find(|(_, length)| *length > 0).unwrap_or_default())
}

async fn transfer(caller: &mut Caller<'_, Host>, fd: i32, (vectors, count, moved): Vectors, way: Way) -> Answer {
    let (pointer, length) = match first(caller, vectors, count) {
        Ok(first) => first,
        Err(errno) => return Ok(errno.answer()),
    };
    if length as usize > CHUNK {
        return by_pieces(caller, fd, (pointer, length), moved, way).await;
    }
    let errno = match way {
        Way::Read => pass!(caller, fd_read, fd, vectors, count, moved),
        Way::ReadAt(at) => pass!(caller, fd_pread, fd, vectors, count, at.cast_signed(), moved),
        Way::Write => pass!(caller, fd_write, fd, vectors, count, moved),
        Way::WriteAt(at) => pass!(caller, fd_pwrite, fd, vectors, count, at.cast_signed(), moved),
    };
    if errno == errno::SUCCESS {
        let bytes = host::read(caller, moved, 4).and_then(|word| word.first_chunk().copied());
        host::charge(caller, way.price(bytes.map_or(0, u32::from_le_bytes) as usize)).await;
    }
    Ok(errno)
}

async fn by_pieces(
    caller: &mut Caller<'_, Host>,
    fd: i32,
    (pointer, length): (u32, u32),
    moved: i32,
    way: Way,
) -> Answer {
    let Some(memory) = caller.data().exports.as_ref().map(|exports| exports.memory) else {
        return Ok(errno::FAULT.answer());
    };
    let (start, length) = (pointer as usize, length as usize);
    if memory.data(&*caller).get(start..start.saturating_add(length)).is_none() {
        return Ok(errno::FAULT.answer());
    }
    let mut piece = vec![0; HEAD + CHUNK];
    let mut done = 0;
    while done < length {
        let size = CHUNK.min(length - done);
        let (data, host) = memory.data_and_store_mut(&mut *caller);
        let Some(room) = data.get_mut(start + done..start + done + size) else { return Ok(errno::FAULT.answer()) };
        let bytes = match way.go_on(&mut host.wasi, fd, &mut piece, room, done as u64).await? {
            Ok(bytes) => bytes,
            Err(errno) if done == 0 => return Ok(errno.answer()),
            Err(_) => break,
        };
        done += bytes;
        if host::work(caller, way.price(bytes)).await.is_err() || bytes == 0 {
            break;
        }
    }
    let done = u32::try_from(done).unwrap_or(u32::MAX);
    Ok(Errno::of_written(host::write(caller, moved.cast_unsigned(), &done.to_le_bytes())))
}

impl Way {
    fn price(self, bytes: usize) -> u64 {
        match self {
            Self::Read | Self::ReadAt(_) => prices::each(prices::READ_BYTE, bytes),
            Self::Write | Self::WriteAt(_) => prices::each(prices::WRITTEN_BYTE, bytes),
        }
    }

    /// Moves as many bytes as `room` has, through `piece`, after `done` others. Answers how many it were, or the errno.
    async fn go_on(
        self,
        wasi: &mut WasiP1Ctx,
        fd: i32,
        piece: &mut [u8],
        room: &mut [u8],
        done: u64,
    ) -> wasmtime::Result<Result<usize, Errno>> {
        let Some((head, bytes)) = piece.split_first_chunk_mut::<HEAD>() else { return Ok(Err(errno::FAULT)) };
        let Some(bytes) = bytes.get_mut(..room.len()) else { return Ok(Err(errno::FAULT)) };
        let vector = [HEAD as u64, room.len() as u64];
        *head = u128::from(vector[0] | (vector[1] << 32)).to_le_bytes();
        if matches!(self, Self::Write | Self::WriteAt(_)) {
            bytes.copy_from_slice(room);
        }
        plain::WasiSnapshotPreview1::set_hostcall_fuel(wasi, 2 * CHUNK);
        let mut memory = GuestMemory::Unshared(piece);
        let errno = match self {
            Self::Read => plain::fd_read(wasi, &mut memory, fd, 0, 1, ANSWER).await?,
            Self::Write => plain::fd_write(wasi, &mut memory, fd, 0, 1, ANSWER).await?,
            Self::ReadAt(at) | Self::WriteAt(at) => {
                let Some(at) = at.checked_add(done) else { return Ok(Err(errno::INVAL)) };
                let at = at.cast_signed();
                match self {
                    Self::ReadAt(_) => plain::fd_pread(wasi, &mut memory, fd, 0, 1, at, ANSWER).await?,
                    _ => plain::fd_pwrite(wasi, &mut memory, fd, 0, 1, at, ANSWER).await?,
                }
            }
        };
        if let Some(errno) = Errno::from_answer(errno) {
            return Ok(Err(errno));
        }
        let moved =
            piece.get(ANSWER as usize..).and_then(|rest| rest.first_chunk()).map_or(0, |w| u32::from_le_bytes(*w));
        let moved = (moved as usize).min(room.len());
        if matches!(self, Self::Read | Self::ReadAt(_))
            && let (Some(to), Some(from)) = (room.get_mut(..moved), piece.get(HEAD..HEAD + moved))
        {
            to.copy_from_slice(from);
        }
        Ok(Ok(moved))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use wasmtime::Val;

    use super::*;
    use crate::sandbox::wasi::mutate::tests::Rig;
    use crate::sandbox::wasi_config::Quota;

    const BYTES: usize = 3 * CHUNK + 5;
    const AT: usize = 4096;

    fn moved(rig: &mut Rig, function: &str, number: i32, length: usize, offset: Option<i64>) -> (i32, u32) {
        let vector = [AT as u32, length as u32].map(u32::to_le_bytes).concat();
        rig.memory.write(&mut rig.store, 512, &vector).unwrap();
        let mut arguments = vec![Val::I32(number), Val::I32(512), Val::I32(1)];
        arguments.extend(offset.map(Val::I64));
        arguments.push(Val::I32(0));
        let errno = rig.call(function, &arguments);
        let mut word = [0; 4];
        rig.memory.read(&rig.store, 0, &mut word).unwrap();
        (errno, u32::from_le_bytes(word))
    }

    fn pattern(count: usize) -> Vec<u8> {
        (0..count).map(|index| (index / 3) as u8).collect()
    }

    #[test]
    fn much_is_moved_whole_and_costs_by_the_byte() {
        let mut rig = Rig::new(Quota::default());
        let number = rig.open("file", 1, (1 << 1) | (1 << 6), 0).unwrap();
        rig.memory.write(&mut rig.store, AT, &pattern(BYTES)).unwrap();
        let before = rig.fuel();
        assert_eq!(moved(&mut rig, "fd_write", number, BYTES, None), (0, BYTES as u32));
        assert!(rig.fuel() - before >= BYTES as u64 * prices::WRITTEN_BYTE);
        assert_eq!(moved(&mut rig, "fd_pwrite", number, BYTES, Some(7)), (0, BYTES as u32));
        let whole = [&pattern(BYTES)[..7], &pattern(BYTES)].concat();
        assert!(fs::read(rig.dir.path().join("file")).unwrap() == whole);
        for (function, offset, expected) in [("fd_pread", Some(7), &whole[7..]), ("fd_read", None, &whole[BYTES..])] {
            rig.memory.write(&mut rig.store, AT, &vec![0; BYTES]).unwrap();
            let before = rig.fuel();
            assert_eq!(moved(&mut rig, function, number, BYTES, offset), (0, expected.len() as u32));
            assert!(rig.fuel() - before >= expected.len() as u64 * prices::READ_BYTE);
            let mut read = vec![0; expected.len()];
            rig.memory.read(&rig.store, AT, &mut read).unwrap();
            assert!(read == expected, "{function}");
        }
        assert_eq!(moved(&mut rig, "fd_read", number, BYTES, None), (0, 0), "the end");
    }

    #[test]
    fn an_interrupted_cell_is_told_how_much_was_moved() {
        let mut rig = Rig::new(Quota::default());
        let number = rig.open("file", 1, (1 << 1) | (1 << 6), 0).unwrap();
        rig.store.data().control.ask(crate::sandbox::Asked {
            reason: crate::sandbox::Reason::Interrupt,
            fuel: 0,
            afresh: true,
        });
        assert_eq!(moved(&mut rig, "fd_write", number, BYTES, None), (0, CHUNK as u32));
        assert_eq!(rig.dir.path().join("file").metadata().unwrap().len(), CHUNK as u64);
        assert_eq!(moved(&mut rig, "fd_write", number, 10, None), (0, 10), "there is always something done");
        rig.store.data().control.signal.clear();
        assert_eq!(moved(&mut rig, "fd_write", number, BYTES, None), (0, BYTES as u32));
    }

    #[test]
    fn bytes_that_are_not_in_the_memory_are_not_moved() {
        let mut rig = Rig::new(Quota::default());
        let number = rig.open("file", 1, (1 << 1) | (1 << 6), 0).unwrap();
        for function in ["fd_write", "fd_read"] {
            assert_eq!(moved(&mut rig, function, number, 5 << 20, None).0, errno::FAULT);
            assert_eq!(moved(&mut rig, function, number, u32::MAX as usize, None).0, errno::FAULT);
        }
        assert_eq!(rig.dir.path().join("file").metadata().unwrap().len(), 0);
    }
}
