//! How a file's content is named: 64 hexadecimal digits, in lists of files and in the store.
//!
//! The name is the SHA-256 of the bytes, unless one of the content's pages of 4 KiB, counted from its beginning, is all
//! zeros. Then it is the SHA-512/256 of what the rest hashes to and of where it lies, so that a hole costs nothing to
//! name however long it is, and a content has one name whether its zeros are a hole or written. The other function keeps the
//! two forms apart: no content has the name of another's layout.

use std::io::{self, Read, Seek};

use sha2::{Digest, Sha256, Sha512_256};

/// The page of common file systems: a hole is a number of them.
const PAGE: usize = 4096;
static ZEROS: [u8; PAGE] = [0; PAGE];

/// Takes a content from its beginning to its end.
#[derive(Debug, Default)]
pub struct Naming {
    /// The bytes of all pages that are not zeros.
    bytes: Sha256,
    /// Lengths of data and of zeros in turn, and then the hash of the bytes; none without zeros.
    layout: Option<Sha512_256>,
    /// Bytes in `bytes` since the last zeros.
    data: u64,
    /// Zeros after them, in whole pages.
    zeros: u64,
    /// How many bytes of the page came so far.
    in_page: usize,
    /// Whether they have to be told: one of them was not zero.
    told: bool,
}

impl Naming {
    /// Takes these bytes.
    pub fn bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(bytes.len().min(PAGE - self.in_page));
            self.within_page(part);
            bytes = rest;
        }
    }

    /// Takes so many zeros, which cost no more than a few pages of them.
    pub fn zeros(&mut self, mut count: u64) {
        while count > 0 {
            if self.in_page == 0 && count >= PAGE as u64 {
                let whole = count - count % PAGE as u64;
                self.zeros += whole;
                count -= whole;
                continue;
            }
            let part = usize::try_from(count).unwrap_or(PAGE).min(PAGE - self.in_page);
            self.within_page(ZEROS.get(..part).unwrap_or_default());
            count -= part as u64;
        }
    }

    /// Whether what came, which is all that `from` has, has this name, or had it in earlier versions.
    ///
    /// # Errors
    /// Reading's, if it has to be read again.
    pub fn came_to(self, wanted: &str, from: &mut (impl Read + Seek)) -> io::Result<bool> {
        let has_holes = self.layout.is_some() || self.zeros > 0;
        Ok(self.finish() == wanted || has_holes && had_name(from, wanted)?)
    }

    /// The content's name.
    pub fn finish(mut self) -> String {
        if self.in_page > 0 && !self.told {
            let rest = self.in_page;
            self.tell(ZEROS.get(..rest).unwrap_or_default());
        }
        if self.zeros == 0 && self.layout.is_none() {
            return hex::encode(self.bytes.finalize());
        }
        self.end_run();
        let mut layout = self.layout.unwrap_or_default();
        layout.update(self.bytes.finalize());
        hex::encode(layout.finalize())
    }

    /// A part that ends with the page or before.
    fn within_page(&mut self, part: &[u8]) {
        if !self.told && part.iter().any(|byte| *byte != 0) {
            let before = self.in_page;
            self.tell(ZEROS.get(..before).unwrap_or_default());
            self.told = true;
        }
        if self.told {
            self.tell(part);
        }
        self.in_page += part.len();
        if self.in_page == PAGE {
            if !self.told {
                self.zeros += PAGE as u64;
            }
            (self.in_page, self.told) = (0, false);
        }
    }

    fn tell(&mut self, bytes: &[u8]) {
        if self.zeros > 0 && !bytes.is_empty() {
            self.end_run();
        }
        self.bytes.update(bytes);
        self.data += bytes.len() as u64;
    }

    /// Data and the zeros after it are over.
    fn end_run(&mut self) {
        let layout = self.layout.get_or_insert_default();
        layout.update(self.data.to_le_bytes());
        layout.update(self.zeros.to_le_bytes());
        (self.data, self.zeros) = (0, 0);
    }
}

impl io::Write for Naming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name of a content that is in memory.
pub fn name(bytes: &[u8]) -> String {
    let mut naming = Naming::default();
    naming.bytes(bytes);
    naming.finish()
}

/// Whether a content that is in memory has this name, or had it: earlier versions named all by their SHA-256.
pub fn is(bytes: &[u8], wanted: &str) -> bool {
    name(bytes) == wanted || hex::encode(Sha256::digest(bytes)) == wanted
}

/// Whether what `from` has from its beginning on has, or had, this name.
///
/// # Errors
/// Reading's.
pub fn is_in(from: &mut (impl Read + Seek), wanted: &str) -> io::Result<bool> {
    let mut naming = Naming::default();
    from.rewind()?;
    io::copy(from, &mut naming)?;
    naming.came_to(wanted, from)
}

/// Whether a content had this name in earlier versions, to which zeros were bytes like others.
fn had_name(from: &mut (impl Read + Seek), wanted: &str) -> io::Result<bool> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    from.rewind()?;
    loop {
        match from.read(&mut buffer)? {
            0 => break,
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
    Ok(hex::encode(hasher.finalize()) == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written down otherwise: all at once, by its pages.
    fn by_pages(bytes: &[u8]) -> String {
        let is_hole = |page: &[u8]| page.len() == PAGE && page.iter().all(|byte| *byte == 0);
        let mut runs = vec![(0_u64, 0_u64)];
        let mut data = Vec::new();
        for page in bytes.chunks(PAGE) {
            let last = runs.last_mut().unwrap();
            if is_hole(page) {
                last.1 += PAGE as u64;
            } else {
                data.extend_from_slice(page);
                if last.1 > 0 {
                    runs.push((page.len() as u64, 0));
                } else {
                    last.0 += page.len() as u64;
                }
            }
        }
        let hash = Sha256::digest(&data);
        if runs[0].1 == 0 {
            return hex::encode(hash);
        }
        let mut layout = Vec::new();
        for (data, zeros) in runs {
            layout.extend_from_slice(&data.to_le_bytes());
            layout.extend_from_slice(&zeros.to_le_bytes());
        }
        layout.extend_from_slice(&hash);
        hex::encode(Sha512_256::digest(&layout))
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let zeros = (0..3 * PAGE).prop_map(|count| vec![0; count]);
        let pages = (0..4_usize).prop_map(|count| vec![0; count * PAGE]);
        let words = proptest::collection::vec(any::<u8>(), 0..40);
        let part = prop_oneof![zeros, pages, words, Just(vec![7; PAGE])];
        proptest::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn a_name_is_of_the_bytes_however_they_come(bytes in content(), cuts in proptest::collection::vec((0..9000_usize, any::<bool>()), 0..40)) {
            let mut naming = Naming::default();
            let mut rest = &bytes[..];
            for (cut, as_zeros) in cuts {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                if as_zeros && part.iter().all(|byte| *byte == 0) {
                    naming.zeros(part.len() as u64);
                } else {
                    naming.bytes(part);
                }
                rest = after;
            }
            naming.bytes(rest);
            let named = naming.finish();
            prop_assert_eq!(&named, &by_pages(&bytes));
            prop_assert!(is(&bytes, &named));
            prop_assert!(is_in(&mut io::Cursor::new(&bytes), &named).unwrap());
        }

        #[test]
        fn contents_that_differ_have_other_names(one in content(), other in content()) {
            prop_assert_eq!(one == other, name(&one) == name(&other));
            prop_assert_eq!(one == other, is(&one, &name(&other)));
        }
    }

    #[test]
    fn without_a_page_of_zeros_it_is_the_sha256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(name(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let short = vec![0; PAGE - 1];
        assert_eq!(name(&short), hex::encode(Sha256::digest(&short)));
        let page = vec![0; PAGE];
        assert_ne!(name(&page), hex::encode(Sha256::digest(&page)));
        let earlier = hex::encode(Sha256::digest(&page));
        assert!(is(&page, &earlier) && is_in(&mut io::Cursor::new(&page), &earlier).unwrap());
    }

    #[test]
    fn a_long_hole_is_named_at_once() {
        let mut naming = Naming::default();
        naming.bytes(b"begin");
        // Half an exabyte, which nobody could hash.
        naming.zeros(1 << 59);
        naming.bytes(b"end");
        assert_eq!(naming.finish().len(), 64);
    }
}
