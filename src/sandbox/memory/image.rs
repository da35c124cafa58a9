//! A base image: a whole guest memory in a file that is never written to again. Any number of sessions
//! run on one, each with its own [`super::overlay`].

use std::fs::File;
use std::io;
use std::path::Path;

use super::mapping::{Mapping, WASM_PAGE};

/// A memory image on disk, opened.
#[derive(Debug)]
pub struct Image {
    pub(in crate::sandbox) file: File,
    size: usize,
}

impl Image {
    /// Opens an image whose memory is as large as its file. The caller has checked that the file is the one
    /// it means (hash, owner).
    ///
    /// # Errors
    /// A file that cannot be read or whose length is not a wasm memory's.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::from_file(File::open(path)?)
    }

    /// As [`Image::open`], from a file that is already open.
    ///
    /// # Errors
    /// As there.
    pub fn from_file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let size = usize::try_from(length).map_err(io::Error::other)?;
        if size == 0 || !size.is_multiple_of(WASM_PAGE) || size > super::mapping::RESERVATION {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{length} bytes is not the length of a memory image"),
            ));
        }
        Ok(Self { file, size })
    }

    /// Bytes of the guest's memory in this image.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Writes a memory as an image, leaving out pages that are all zero (the file is sparse).
    ///
    /// # Errors
    /// The file's.
    pub fn save(mapping: &Mapping, file: &File) -> io::Result<()> {
        let size = mapping.size();
        file.set_len(size as u64)?;
        let mut chunk = vec![0; WASM_PAGE];
        for offset in (0..size).step_by(WASM_PAGE) {
            mapping.read(offset, &mut chunk)?;
            if chunk.iter().any(|byte| *byte != 0) {
                std::os::unix::fs::FileExt::write_all_at(file, &chunk, offset as u64)?;
            }
        }
        file.sync_all()
    }
}
