//! The history's tables, those of IPython: sessions, their numbered sources, and outputs. Several kernels
//! share one file.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Params, params};

use crate::wire::contents::history::{Access, Entry, HistoryRequest};

/// How long to wait for another kernel that is writing.
const BUSY: Duration = Duration::from_millis(500);
/// How many lines a reply has at most.
const MAX_LINES: i64 = 100_000;
/// How many bytes the texts of a reply come to at most, but for the last.
const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;
/// What is kept where there is no file; the oldest lines go first.
const MAX_MEMORY_BYTES: usize = 16 * 1024 * 1024;
/// How many lines the tail has if the client does not say.
const TAIL: i64 = 10;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS sessions (
        session INTEGER PRIMARY KEY AUTOINCREMENT, start TIMESTAMP, end TIMESTAMP, num_cmds INTEGER, remark TEXT);
    CREATE TABLE IF NOT EXISTS history (
        session INTEGER, line INTEGER, source TEXT, source_raw TEXT, PRIMARY KEY (session, line));
    CREATE TABLE IF NOT EXISTS output_history (
        session INTEGER, line INTEGER, output TEXT, PRIMARY KEY (session, line));";

/// An open history with a session of its own.
pub(super) struct Store {
    database: Connection,
    session: i64,
    /// Where there is no file: the lines that are kept, with their bytes.
    in_memory: Option<VecDeque<(u32, usize)>>,
}

impl Store {
    pub(super) fn in_file(path: &Path) -> rusqlite::Result<Self> {
        if let Some(directory) = path.parent() {
            // If it cannot be made, opening the file says why.
            let _ = std::fs::create_dir_all(directory);
        }
        let database = Connection::open(path)?;
        private(path);
        database.busy_timeout(BUSY)?;
        // A file system without shared memory keeps its journal as it was.
        let _ = database.pragma_update(None, "journal_mode", "wal");
        database.pragma_update(None, "synchronous", "normal")?;
        Self::begin(database)
    }

    pub(super) fn in_memory() -> rusqlite::Result<Self> {
        let store = Self::begin(Connection::open_in_memory()?)?;
        Ok(Self { in_memory: Some(VecDeque::new()), ..store })
    }

    fn begin(database: Connection) -> rusqlite::Result<Self> {
        database.execute_batch(TABLES)?;
        database.execute("INSERT INTO sessions (start, remark) VALUES (?, '')", [now()])?;
        let session = database.last_insert_rowid();
        Ok(Self { database, session, in_memory: None })
    }

    pub(super) fn record_input(&mut self, line: u32, source: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO history VALUES (?1, ?2, ?3, ?3)";
        self.database.prepare_cached(sql)?.execute(params![self.session, line, source])?;
        self.forget_the_oldest(line, source.len())
    }

    pub(super) fn record_output(&mut self, line: u32, text: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO output_history VALUES (?1, ?2, ?3)";
        self.database.prepare_cached(sql)?.execute(params![self.session, line, text])?;
        self.forget_the_oldest(line, text.len())
    }

    /// Counts what a line has got, and makes room for it where only memory is there for all of them.
    fn forget_the_oldest(&mut self, line: u32, bytes: usize) -> rusqlite::Result<()> {
        let Some(kept) = &mut self.in_memory else { return Ok(()) };
        kept.push_back((line, bytes));
        let mut all: usize = kept.iter().map(|(_, bytes)| bytes).sum();
        while all > MAX_MEMORY_BYTES
            && let Some((oldest, bytes)) = kept.pop_front().filter(|(oldest, _)| *oldest != line)
        {
            all -= bytes;
            for table in ["history", "output_history"] {
                let sql = format!("DELETE FROM {table} WHERE session = ? AND line = ?");
                self.database.prepare_cached(&sql)?.execute(params![self.session, oldest])?;
            }
        }
        Ok(())
    }

    /// Marks the session as ended; one in which nothing was run leaves no trace.
    pub(super) fn end(&mut self) -> rusqlite::Result<()> {
        let count: i64 =
            self.database
                .query_row("SELECT count(*) FROM history WHERE session = ?", [self.session], |row| row.get(0))?;
        if count == 0 {
            self.database.execute("DELETE FROM sessions WHERE session = ?", [self.session])?;
        } else {
            let sql = "UPDATE sessions SET end = ?, num_cmds = ? WHERE session = ?";
            self.database.execute(sql, params![now(), count, self.session])?;
        }
        Ok(())
    }

    /// What was asked for, oldest first.
    pub(super) fn query(&self, request: &HistoryRequest) -> rusqlite::Result<Vec<Entry>> {
        match request.hist_access_type {
            Access::Range => self.range(request),
            Access::Tail => self.tail(request),
            Access::Search => self.search(request),
        }
    }

    fn range(&self, request: &HistoryRequest) -> rusqlite::Result<Vec<Entry>> {
        let asked = request.session.unwrap_or(0);
        let session = if asked > 0 { asked } else { self.session.saturating_add(asked) };
        let lines: i64 = self.database.query_row(
            "SELECT coalesce(max(line), 0) FROM history WHERE session = ?",
            [session],
            |row| row.get(0),
        )?;
        // Negative positions count from the end, as in Python.
        let from_end = |position: i64| {
            if position < 0 { position.saturating_add(lines + 1) } else { position }
        };
        let start = from_end(request.start.unwrap_or(1));
        let stop = match request.stop {
            None | Some(0) => i64::MAX,
            Some(stop) => from_end(stop),
        };
        // The session that runs is called 0 whatever its number, and so is it in the answer.
        let shown = if asked == 0 { 0 } else { session };
        let condition = "h.session = ?1 AND h.line >= ?2 AND h.line < ?3 ORDER BY h.line LIMIT ?4";
        let entries = self.select(request.output, condition, params![session, start, stop, MAX_LINES])?;
        Ok(entries.into_iter().map(|entry| entry.in_session(shown)).collect())
    }

    fn tail(&self, request: &HistoryRequest) -> rusqlite::Result<Vec<Entry>> {
        let condition = "1 ORDER BY h.session DESC, h.line DESC LIMIT ?1";
        self.latest(request, condition, params![limit(request.n.unwrap_or(TAIL))])
    }

    fn search(&self, request: &HistoryRequest) -> rusqlite::Result<Vec<Entry>> {
        let pattern = request.pattern.as_deref().unwrap_or("*");
        let limit = limit(request.n.unwrap_or(MAX_LINES));
        let condition = if request.unique {
            // Of each source the latest.
            "h.source_raw GLOB ?1 AND NOT EXISTS (SELECT 1 FROM history later WHERE later.source_raw = h.source_raw
             AND (later.session, later.line) > (h.session, h.line)) ORDER BY h.session DESC, h.line DESC LIMIT ?2"
        } else {
            "h.source_raw GLOB ?1 ORDER BY h.session DESC, h.line DESC LIMIT ?2"
        };
        self.latest(request, condition, params![pattern, limit])
    }

    /// The latest are selected first and given last.
    fn latest(&self, request: &HistoryRequest, condition: &str, params: impl Params) -> rusqlite::Result<Vec<Entry>> {
        let mut entries = self.select(request.output, condition, params)?;
        entries.reverse();
        Ok(entries)
    }

    fn select(&self, output: bool, condition: &str, params: impl Params) -> rusqlite::Result<Vec<Entry>> {
        let sql = format!(
            "SELECT h.session, h.line, h.source_raw, o.output FROM history h
             LEFT JOIN output_history o ON o.session = h.session AND o.line = h.line WHERE {condition}"
        );
        let mut statement = self.database.prepare(&sql)?;
        let mut bytes = 0;
        let rows = statement.query_map(params, |row| {
            let (session, line, source) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(match output {
                true => Entry::WithOutput(session, line, (source, row.get(3)?)),
                false => Entry::Input(session, line, source),
            })
        })?;
        let fits = |row: &rusqlite::Result<Entry>| {
            let has_room = bytes <= MAX_REPLY_BYTES;
            bytes += row.as_ref().map_or(0, Entry::bytes);
            has_room
        };
        rows.take_while(fits).collect()
    }
}

impl Entry {
    /// What its texts come to.
    fn bytes(&self) -> usize {
        match self {
            Self::Input(_, _, source) => source.len(),
            Self::WithOutput(_, _, (source, output)) => source.len() + output.as_ref().map_or(0, String::len),
        }
    }

    fn in_session(self, session: i64) -> Self {
        match self {
            Self::Input(_, line, source) => Self::Input(session, line, source),
            Self::WithOutput(_, line, both) => Self::WithOutput(session, line, both),
        }
    }
}

fn limit(n: i64) -> i64 {
    n.clamp(0, MAX_LINES)
}

fn now() -> String {
    chrono::Utc::now().format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// What a user ran is nobody else's business.
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(%error, "the history file could not be made private");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> HistoryRequest {
        serde_json::from_str(text).unwrap()
    }

    fn line(session: i64, line: i64, source: &str) -> Entry {
        Entry::Input(session, line, source.into())
    }

    /// Two sessions in one file: the first with a, b, a; the second with b, c.
    fn two_sessions(directory: &Path) -> Store {
        let path = directory.join("history.sqlite");
        let mut first = Store::in_file(&path).unwrap();
        for (line, source) in [(1, "a"), (2, "b"), (3, "a")] {
            first.record_input(line, source).unwrap();
        }
        first.record_output(2, "B").unwrap();
        first.end().unwrap();
        let mut second = Store::in_file(&path).unwrap();
        second.record_input(1, "b").unwrap();
        second.record_input(2, "c").unwrap();
        second
    }

    #[test]
    fn ranges_of_this_and_earlier_sessions() {
        let directory = tempfile::tempdir().unwrap();
        let store = two_sessions(directory.path());
        let range = |text: &str| store.query(&ask(text)).unwrap();
        let access = r#""hist_access_type":"range""#;
        assert_eq!(range(&format!("{{{access},\"session\":0}}")), [line(0, 1, "b"), line(0, 2, "c")]);
        assert_eq!(range(&format!("{{{access},\"session\":-1,\"start\":2}}")), [line(1, 2, "b"), line(1, 3, "a")]);
        assert_eq!(range(&format!("{{{access},\"session\":1,\"start\":1,\"stop\":2}}")), [line(1, 1, "a")]);
        assert_eq!(range(&format!("{{{access},\"session\":1,\"start\":-1}}")), [line(1, 3, "a")]);
        assert_eq!(range(&format!("{{{access},\"session\":-9223372036854775808}}")), []);
    }

    #[test]
    fn tail_gives_the_latest_oldest_first() {
        let directory = tempfile::tempdir().unwrap();
        let store = two_sessions(directory.path());
        let tail = store.query(&ask(r#"{"hist_access_type":"tail","n":3}"#)).unwrap();
        assert_eq!(tail, [line(1, 3, "a"), line(2, 1, "b"), line(2, 2, "c")]);
        assert_eq!(store.query(&ask(r#"{"hist_access_type":"tail","n":-3}"#)).unwrap(), []);
    }

    #[test]
    fn search_takes_globs_and_can_be_unique() {
        let directory = tempfile::tempdir().unwrap();
        let store = two_sessions(directory.path());
        let search = |text: &str| store.query(&ask(&format!(r#"{{"hist_access_type":"search",{text}}}"#))).unwrap();
        assert_eq!(search(r#""pattern":"[ac]""#), [line(1, 1, "a"), line(1, 3, "a"), line(2, 2, "c")]);
        assert_eq!(search(r#""pattern":"*","unique":true"#), [line(1, 3, "a"), line(2, 1, "b"), line(2, 2, "c")]);
        assert_eq!(search(r#""pattern":"*","n":1"#), [line(2, 2, "c")]);
    }

    #[test]
    fn outputs_come_with_their_inputs() {
        let directory = tempfile::tempdir().unwrap();
        let store = two_sessions(directory.path());
        let range = store.query(&ask(r#"{"hist_access_type":"range","session":1,"start":1,"stop":3,"output":true}"#));
        assert_eq!(
            range.unwrap(),
            [Entry::WithOutput(1, 1, ("a".into(), None)), Entry::WithOutput(1, 2, ("b".into(), Some("B".into()))),]
        );
    }

    #[test]
    fn without_a_file_the_oldest_lines_go() {
        let mut store = Store::in_memory().unwrap();
        for line in 0..40 {
            store.record_input(line, &"x".repeat(400_000)).unwrap();
            store.record_output(line, &"y".repeat(600_000)).unwrap();
        }
        let all = store.query(&ask(r#"{"hist_access_type":"range","session":0,"output":true}"#)).unwrap();
        assert!((14..=17).contains(&all.len()), "{}", all.len());
        assert!(matches!(all.last(), Some(Entry::WithOutput(_, 39, (_, Some(_))))));
    }

    #[test]
    fn a_reply_is_bounded_in_bytes_and_the_latest_are_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::in_file(&directory.path().join("history.sqlite")).unwrap();
        for line in 0..40 {
            store.record_input(line, &"x".repeat(1_000_000)).unwrap();
        }
        let tail = store.query(&ask(r#"{"hist_access_type":"tail","n":1000}"#)).unwrap();
        assert!((16..=18).contains(&tail.len()), "{}", tail.len());
        assert!(matches!(tail.last(), Some(Entry::Input(_, 39, _))));
    }

    #[test]
    fn a_corrupt_file_is_an_error_and_not_a_panic() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.sqlite");
        std::fs::write(&path, vec![b'x'; 5000]).unwrap();
        assert!(Store::in_file(&path).is_err());
        assert_eq!(Store::in_memory().unwrap().query(&HistoryRequest::default()).unwrap(), []);
    }

    #[test]
    fn an_unused_session_leaves_no_trace() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.sqlite");
        Store::in_file(&path).unwrap().end().unwrap();
        let store = Store::in_file(&path).unwrap();
        let sessions: i64 = store.database.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap();
        assert_eq!(sessions, 1);
    }
}
