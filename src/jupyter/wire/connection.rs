//! The connection file: where the sockets are to be and the key that signs messages. It reads and
//! writes that one file; it opens no sockets.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

/// The largest file that is taken for a connection file.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// How the sockets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    #[default]
    Tcp,
    Ipc,
}

/// What a connection file says. Port 0 means that the kernel is to choose.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ConnectionInfo {
    #[serde(default)]
    pub transport: Transport,
    /// The address to bind to; with ipc, the beginning of the socket's paths.
    #[serde(default = "localhost")]
    pub ip: String,
    #[serde(default)]
    pub shell_port: u16,
    #[serde(default)]
    pub control_port: u16,
    #[serde(default)]
    pub stdin_port: u16,
    #[serde(default)]
    pub iopub_port: u16,
    #[serde(default)]
    pub hb_port: u16,
    /// Signs every message; empty: messages are not signed.
    #[serde(default)]
    pub key: String,
    #[serde(default = "hmac_sha256")]
    pub signature_scheme: String,
    /// Encrypts every connection (CURVE), with the secret key: 40 characters of Z85 each. Neither: nothing is encrypted.
    #[serde(default)]
    pub curve_publickey: Option<String>,
    #[serde(default)]
    pub curve_secretkey: Option<String>,
}

impl std::fmt::Debug for ConnectionInfo {
    /// Without the keys, which no log may show.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionInfo")
            .field("transport", &self.transport)
            .field("ip", &self.ip)
            .finish_non_exhaustive()
    }
}

fn localhost() -> String {
    "127.0.0.1".to_owned()
}

fn hmac_sha256() -> String {
    "hmac-sha256".to_owned()
}

/// A connection file that was read, and can be written again with the ports that were chosen.
#[derive(Debug, Clone)]
pub struct ConnectionFile {
    path: PathBuf,
    /// Everything in the file, so that writing it back loses nothing.
    entries: Map<String, Value>,
    /// The entries that the kernel reads.
    pub info: ConnectionInfo,
}

/// What is wrong with a connection file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    #[error("cannot read the connection file {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the connection file {path} is too large to be one")]
    TooLarge { path: PathBuf },
    #[error("the connection file {path} is not valid: {source}")]
    Invalid { path: PathBuf, source: serde_json::Error },
    #[error("the connection file {path} asks for the signature scheme {scheme:?}; only \"hmac-sha256\" is served")]
    Scheme { path: PathBuf, scheme: String },
    #[error("cannot write the chosen ports to the connection file {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
}

impl ConnectionFile {
    /// Reads and checks the file.
    pub fn read(path: &Path) -> Result<Self, ConnectionError> {
        let failed = |source| ConnectionError::Read { path: path.to_owned(), source };
        let size = std::fs::metadata(path).map_err(failed)?.len();
        if size > MAX_FILE_BYTES {
            return Err(ConnectionError::TooLarge { path: path.to_owned() });
        }
        let text = std::fs::read(path).map_err(failed)?;
        let (entries, info) =
            parse(&text).map_err(|source| ConnectionError::Invalid { path: path.to_owned(), source })?;
        if info.signature_scheme != hmac_sha256() && !info.key.is_empty() {
            return Err(ConnectionError::Scheme { path: path.to_owned(), scheme: info.signature_scheme });
        }
        Ok(Self { path: path.to_owned(), entries, info })
    }

    /// Writes the ports in `info` to the file, if they are others than it has: atomically, readable by
    /// the user alone, with every other entry as it was.
    pub fn write_ports(&mut self) -> Result<(), ConnectionError> {
        let before = self.entries.clone();
        for (name, port) in self.info.ports() {
            self.entries.insert(name.to_owned(), port.into());
        }
        if self.entries == before {
            return Ok(());
        }
        self.replace_file().map_err(|source| ConnectionError::Write { path: self.path.clone(), source })
    }

    fn replace_file(&self) -> std::io::Result<()> {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A temporary file is readable by its owner alone, which a file with a key must be.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer_pretty(&mut file, &self.entries)?;
        file.write_all(b"\n")?;
        file.persist(&self.path)?;
        Ok(())
    }
}

/// Reads the text of a connection file.
pub fn parse(text: &[u8]) -> Result<(Map<String, Value>, ConnectionInfo), serde_json::Error> {
    let entries: Map<String, Value> = serde_json::from_slice(text)?;
    let info = serde_json::from_value(Value::Object(entries.clone()))?;
    Ok((entries, info))
}

impl ConnectionInfo {
    /// The names of the five ports in the file, with their numbers.
    pub fn ports(&self) -> [(&'static str, u16); 5] {
        [
            ("shell_port", self.shell_port),
            ("control_port", self.control_port),
            ("stdin_port", self.stdin_port),
            ("iopub_port", self.iopub_port),
            ("hb_port", self.hb_port),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chosen_ports_are_written_and_the_rest_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kernel.json");
        std::fs::write(&path, r#"{"key":"secret","shell_port":0,"iopub_port":7,"kernel_name":"x","odd":[1]}"#).unwrap();
        let mut file = ConnectionFile::read(&path).unwrap();
        file.info.shell_port = 1234;
        file.write_ports().unwrap();
        let back = ConnectionFile::read(&path).unwrap();
        assert_eq!((back.info.shell_port, back.info.iopub_port, back.info.key.as_str()), (1234, 7, "secret"));
        assert_eq!(back.entries.get("odd"), Some(&serde_json::json!([1])));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_missing_or_malformed_file_is_named_in_the_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kernel.json");
        let error = ConnectionFile::read(&path).unwrap_err();
        assert!(error.to_string().contains("kernel.json"), "{error}");
        for text in ["", "[]", "{\"shell_port\": \"x\"}", "{\"shell_port\": 70000}", "{\"transport\":\"smoke\"}"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(ConnectionFile::read(&path), Err(ConnectionError::Invalid { .. })), "{text}");
        }
        std::fs::write(&path, r#"{"key":"k","signature_scheme":"hmac-md5"}"#).unwrap();
        assert!(matches!(ConnectionFile::read(&path), Err(ConnectionError::Scheme { .. })));
    }

    #[test]
    fn the_key_is_not_shown() {
        let (_, info) = parse(br#"{"key":"secret"}"#).unwrap();
        assert!(!format!("{info:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn parsing_arbitrary_bytes_never_panics(text in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&text);
        }
    }
}
