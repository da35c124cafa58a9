//! The history's tables, those of IPython: sessions, their numbered sources, and outputs. Several kernels
//! share one file.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Params, params};
use sha2::{Digest as _, Sha256};

use super::Asker;
use crate::jupyter::wire::contents::history::{Access, Entry, HistoryRequest};

/// How long to wait for another kernel that is writing.
const BUSY: Duration = Duration::from_millis(500);
/// How many lines a reply has at most.
const MAX_LINES: i64 = 100_000;
/// How many bytes the texts of a reply come to at most, but for the last.
const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;
/// The same of what a session's own code is told.
const MAX_OWN_LINES: i64 = 10_000;
const MAX_OWN_BYTES: usize = 4 * 1024 * 1024;
/// How many lines the tail has if the client does not say.
const TAIL: i64 = 10;

/// How much an answer has at most.
#[derive(Clone, Copy)]
struct Bounds {
    lines: i64,
    bytes: usize,
}

const REPLY: Bounds = Bounds { lines: MAX_LINES, bytes: MAX_REPLY_BYTES };

/// The sessions of the same notebook: the one that runs, and those with its remark.
const OWN: &str = "SELECT session FROM sessions WHERE session = ?1 OR (?2 <> '' AND remark = ?2)";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS sessions (
        session INTEGER PRIMARY KEY AUTOINCREMENT, start TIMESTAMP, end TIMESTAMP, num_cmds INTEGER, remark TEXT);
    CREATE TABLE IF NOT EXISTS history (
        session INTEGER, line INTEGER, source TEXT, source_raw TEXT, PRIMARY KEY (session, line));
    CREATE TABLE IF NOT EXISTS output_history (
        session INTEGER, line INTEGER, output TEXT, PRIMARY KEY (session, line));";

/// Results that are not to be on disk.
const ASIDE: &str =
    "CREATE TEMP TABLE aside (session INTEGER, line INTEGER, output TEXT, PRIMARY KEY (session, line));";

/// A table with text that is bounded: when it has more bytes, the oldest lines go.
struct Bounded {
    table: &'static str,
    column: &'static str,
    most: i64,
    /// As far as this process knows.
    bytes: i64,
}

/// Sources, of all sessions.
const SOURCES: Bounded = Bounded { table: "history", column: "source", most: 64 << 20, bytes: 0 };
/// Results on disk, of all sessions.
const OUTPUTS: Bounded = Bounded { table: "output_history", column: "output", most: 16 << 20, bytes: 0 };
/// The same in memory.
const SOURCES_IN_MEMORY: Bounded = Bounded { most: 8 << 20, ..SOURCES };
const OUTPUTS_IN_MEMORY: Bounded = Bounded { table: "aside", most: 4 << 20, ..OUTPUTS };

impl Bounded {
    /// Sees how much there is.
    fn measure(mut self, database: &Connection) -> rusqlite::Result<Self> {
        let sql = format!("SELECT coalesce(sum(length({})), 0) FROM {}", self.column, self.table);
        self.bytes = database.query_row(&sql, [], |row| row.get(0))?;
        Ok(self)
    }

    /// Notes a new line, and deletes a quarter of what there may be if it is too much.
    fn grow(&mut self, database: &Connection, text: &str) -> rusqlite::Result<()> {
        self.bytes = self.bytes.saturating_add(i64::try_from(text.len()).unwrap_or(i64::MAX));
        if self.bytes <= self.most {
            return Ok(());
        }
        let Self { table, column, most, .. } = self;
        // The oldest of which, with all that is newer, there is too much.
        let sql = format!(
            "DELETE FROM {table} WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, sum(length({column}))
             OVER (ORDER BY session DESC, line DESC) AS above FROM {table}) WHERE above > ?1)"
        );
        database.execute(&sql, [*most / 4 * 3])?;
        self.bytes = Self { ..*self }.measure(database)?.bytes;
        Ok(())
    }
}

/// An open history with a session of its own.
pub(super) struct Store {
    database: Connection,
    session: i64,
    /// What the sessions of the same notebook have in common; empty if there are none.
    remark: String,
    sources: Bounded,
    outputs: Bounded,
}

impl Store {
    /// In this file; results only if they are to be `outputs` on disk.
    pub(super) fn in_file(path: &Path, outputs: bool, whose: Option<&str>) -> rusqlite::Result<Self> {
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
        Self::begin(database, SOURCES, if outputs { OUTPUTS } else { OUTPUTS_IN_MEMORY }, whose)
    }

    pub(super) fn in_memory() -> rusqlite::Result<Self> {
        Self::begin(Connection::open_in_memory()?, SOURCES_IN_MEMORY, OUTPUTS_IN_MEMORY, None)
    }

    fn begin(database: Connection, sources: Bounded, outputs: Bounded, whose: Option<&str>) -> rusqlite::Result<Self> {
        // Before anything temporary is made: it is not to be in a file.
        database.pragma_update(None, "temp_store", "memory")?;
        database.execute_batch(TABLES)?;
        database.execute_batch(ASIDE)?;
        let (sources, outputs) = (sources.measure(&database)?, outputs.measure(&database)?);
        // Of all kernels of one session the same, of all others another one; it says nothing of what it is.
        let remark = whose.map(remark).unwrap_or_default();
        database.execute("INSERT INTO sessions (start, remark) VALUES (?, ?)", params![now(), remark])?;
        let session = database.last_insert_rowid();
        Ok(Self { database, session, remark, sources, outputs })
    }

    /// The number of this session.
    pub(super) fn session(&self) -> i64 {
        self.session
    }

    pub(super) fn record_input(&mut self, line: u32, source: &str) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO history VALUES (?1, ?2, ?3, ?3)";
        self.database.prepare_cached(sql)?.execute(params![self.session, line, source])?;
        self.sources.grow(&self.database, source)
    }

    pub(super) fn record_output(&mut self, line: u32, text: &str) -> rusqlite::Result<()> {
        let sql = format!("INSERT OR REPLACE INTO {} VALUES (?1, ?2, ?3)", self.outputs.table);
        self.database.prepare_cached(&sql)?.execute(params![self.session, line, text])?;
        self.outputs.grow(&self.database, text)
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
    pub(super) fn query(&self, request: &HistoryRequest, asker: Asker) -> rusqlite::Result<Vec<Entry>> {
        match request.hist_access_type {
            _ if asker == Asker::Guest => self.own(request),
            Access::Range => self.range(request),
            Access::Tail => self.tail(request),
            Access::Search => self.search(request),
        }
    }

    fn range(&self, request: &HistoryRequest) -> rusqlite::Result<Vec<Entry>> {
        let asked = request.session.unwrap_or(0);
        let session = if asked > 0 { asked } else { self.session.saturating_add(asked) };
        // The session that runs is called 0 whatever its number, and so is it in the answer.
        let shown = if asked == 0 { 0 } else { session };
        self.range_of(session, shown, request, REPLY)
    }

    fn range_of(
        &self,
        session: i64,
        shown: i64,
        request: &HistoryRequest,
        bounds: Bounds,
    ) -> rusqlite::Result<Vec<Entry>> {
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
        let condition = "h.session = ?1 AND h.line >= ?2 AND h.line < ?3 ORDER BY h.line LIMIT ?4";
        let entries = self.select(request.output, condition, params![session, start, stop, bounds.lines], bounds)?;
        Ok(entries.into_iter().map(|entry| entry.in_session(shown)).collect())
    }

    /// What the session's own kernels ran: a range of one of them, counted among its own, or the latest.
    fn own(&self, request: &HistoryRequest) -> rusqlite::Result<Vec<Entry>> {
        let bounds = Bounds { lines: MAX_OWN_LINES, bytes: MAX_OWN_BYTES };
        if request.hist_access_type != Access::Range {
            let condition = format!("h.session IN ({OWN}) ORDER BY h.session DESC, h.line DESC LIMIT ?3");
            let lines = request.n.unwrap_or(TAIL).clamp(0, bounds.lines);
            let mut entries =
                self.select(request.output, &condition, params![self.session, self.remark, lines], bounds)?;
            entries.reverse();
            return Ok(entries);
        }
        let asked = request.session.unwrap_or(0);
        let sql = match asked {
            1.. => format!("SELECT s.session FROM sessions s WHERE s.session = ?3 AND s.session IN ({OWN})"),
            _ => format!("{OWN} ORDER BY session DESC LIMIT 1 OFFSET ?3"),
        };
        let number = if asked > 0 { asked } else { asked.saturating_neg() };
        let found = self.database.query_row(&sql, params![self.session, self.remark, number], |row| row.get(0));
        let Some(session) = found.optional()? else { return Ok(Vec::new()) };
        self.range_of(session, session, request, bounds)
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
        let mut entries = self.select(request.output, condition, params, REPLY)?;
        entries.reverse();
        Ok(entries)
    }

    fn select(
        &self,
        output: bool,
        condition: &str,
        params: impl Params,
        bounds: Bounds,
    ) -> rusqlite::Result<Vec<Entry>> {
        let sql = format!(
            "SELECT h.session, h.line, h.source_raw, coalesce(a.output, o.output) FROM history h
             LEFT JOIN output_history o ON o.session = h.session AND o.line = h.line
             LEFT JOIN aside a ON a.session = h.session AND a.line = h.line WHERE {condition}"
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
            let has_room = bytes <= bounds.bytes;
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

fn remark(whose: &str) -> String {
    format!("cellblock:{}", hex::encode(Sha256::digest(whose.as_bytes())))
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
        let mut first = Store::in_file(&path, true, None).unwrap();
        for (line, source) in [(1, "a"), (2, "b"), (3, "a")] {
            first.record_input(line, source).unwrap();
        }
        first.record_output(2, "B").unwrap();
        first.end().unwrap();
        let mut second = Store::in_file(&path, true, None).unwrap();
        second.record_input(1, "b").unwrap();
        second.record_input(2, "c").unwrap();
        second
    }

    #[test]
    fn ranges_of_this_and_earlier_sessions() {
        let directory = tempfile::tempdir().unwrap();
        let store = two_sessions(directory.path());
        let range = |text: &str| store.query(&ask(text), Asker::User).unwrap();
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
        let tail = store.query(&ask(r#"{"hist_access_type":"tail","n":3}"#), Asker::User).unwrap();
        assert_eq!(tail, [line(1, 3, "a"), line(2, 1, "b"), line(2, 2, "c")]);
        assert_eq!(store.query(&ask(r#"{"hist_access_type":"tail","n":-3}"#), Asker::User).unwrap(), []);
    }

    #[test]
    fn search_takes_globs_and_can_be_unique() {
        let directory = tempfile::tempdir().unwrap();
        let store = two_sessions(directory.path());
        let search =
            |text: &str| store.query(&ask(&format!(r#"{{"hist_access_type":"search",{text}}}"#)), Asker::User).unwrap();
        assert_eq!(search(r#""pattern":"[ac]""#), [line(1, 1, "a"), line(1, 3, "a"), line(2, 2, "c")]);
        assert_eq!(search(r#""pattern":"*","unique":true"#), [line(1, 3, "a"), line(2, 1, "b"), line(2, 2, "c")]);
        assert_eq!(search(r#""pattern":"*","n":1"#), [line(2, 2, "c")]);
    }

    #[test]
    fn outputs_come_with_their_inputs() {
        let directory = tempfile::tempdir().unwrap();
        let store = two_sessions(directory.path());
        let range = store
            .query(&ask(r#"{"hist_access_type":"range","session":1,"start":1,"stop":3,"output":true}"#), Asker::User);
        assert_eq!(
            range.unwrap(),
            [Entry::WithOutput(1, 1, ("a".into(), None)), Entry::WithOutput(1, 2, ("b".into(), Some("B".into()))),]
        );
    }

    #[test]
    fn results_of_a_session_that_is_not_kept_are_not_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.sqlite");
        let asked = ask(r#"{"hist_access_type":"tail","n":9,"output":true}"#);
        let both = |output: Option<&str>| Entry::WithOutput(1, 1, ("a".into(), output.map(Into::into)));
        let mut store = Store::in_file(&path, false, None).unwrap();
        store.record_input(1, "a").unwrap();
        store.record_output(1, "SECRET").unwrap();
        assert_eq!(store.query(&asked, Asker::User).unwrap(), [both(Some("SECRET"))]);
        store.end().unwrap();
        drop(store);
        assert_eq!(Store::in_file(&path, true, None).unwrap().query(&asked, Asker::User).unwrap(), [both(None)]);
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"SECRET"));
        }
    }

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let mut store = Store::in_memory().unwrap();
        let text = "x".repeat(60_000);
        for line in 1..400 {
            store.record_input(line, &text).unwrap();
            store.record_output(line, &text).unwrap();
            for (table, column, most) in [("history", "source", 8 << 20), ("aside", "output", 4 << 20)] {
                let sql = format!("SELECT sum(length({column})) FROM {table}");
                let bytes: i64 = store.database.query_row(&sql, [], |row| row.get(0)).unwrap();
                assert!(bytes <= most, "{bytes} in {table}");
            }
        }
        let last = store.query(&ask(r#"{"hist_access_type":"tail","n":40,"output":true}"#), Asker::User).unwrap();
        assert!(
            last.iter().all(|entry| matches!(entry, Entry::WithOutput(_, _, (_, Some(_))))),
            "the newest are there"
        );
    }

    #[test]
    fn a_reply_is_bounded_in_bytes_and_the_latest_are_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::in_file(&directory.path().join("history.sqlite"), true, None).unwrap();
        for line in 0..40 {
            store.record_input(line, &"x".repeat(1_000_000)).unwrap();
        }
        let tail = store.query(&ask(r#"{"hist_access_type":"tail","n":1000}"#), Asker::User).unwrap();
        assert!((16..=18).contains(&tail.len()), "{}", tail.len());
        assert!(matches!(tail.last(), Some(Entry::Input(_, 39, _))));
    }

    #[test]
    fn a_corrupt_file_is_an_error_and_not_a_panic() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.sqlite");
        std::fs::write(&path, vec![b'x'; 5000]).unwrap();
        assert!(Store::in_file(&path, true, None).is_err());
        assert_eq!(Store::in_memory().unwrap().query(&HistoryRequest::default(), Asker::User).unwrap(), []);
    }

    #[test]
    fn a_session_s_own_code_is_told_what_its_own_kernels_ran_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.sqlite");
        let run = |whose: Option<&str>, sources: &[&str]| {
            let mut store = Store::in_file(&path, true, whose).unwrap();
            for (line, source) in (1..).zip(sources) {
                store.record_input(line, source).unwrap();
            }
            store.end().unwrap();
            store
        };
        run(Some("mine"), &["a", "b"]);
        run(Some("another's"), &["SECRET"]);
        run(None, &["SECRET"]);
        let unkept = run(None, &["c"]);
        let store = run(Some("mine"), &["d"]);
        let own = |store: &Store, text: &str| store.query(&ask(text), Asker::Guest).unwrap();
        let mine = [line(1, 1, "a"), line(1, 2, "b"), line(5, 1, "d")];
        assert_eq!(own(&store, r#"{"hist_access_type":"tail","n":99}"#), mine);
        assert_eq!(own(&store, r#"{"hist_access_type":"tail","n":2}"#), mine[1..]);
        assert_eq!(own(&store, r#"{"hist_access_type":"search","pattern":"SECRET","n":99}"#), mine);
        assert_eq!(own(&unkept, r#"{"hist_access_type":"tail","n":99}"#), [line(4, 1, "c")]);
        let range = |store: &Store, session: i64| {
            own(store, &format!("{{\"hist_access_type\":\"range\",\"session\":{session}}}"))
        };
        assert_eq!(range(&store, 0), mine[2..]);
        assert_eq!((range(&store, -1), range(&store, 1)), (mine[..2].to_vec(), mine[..2].to_vec()));
        for others in [2, 3, 4, 6, -2, i64::MIN, i64::MAX] {
            assert_eq!(range(&store, others), [], "{others}");
        }
        assert_eq!(range(&unkept, -1), []);
    }

    #[test]
    fn an_unused_session_leaves_no_trace() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.sqlite");
        Store::in_file(&path, true, None).unwrap().end().unwrap();
        let store = Store::in_file(&path, true, None).unwrap();
        let sessions: i64 = store.database.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap();
        assert_eq!(sessions, 1);
    }
}
