//! The journal on disk, so that it survives restarts of the hub.
//!
//! One SQLite database, locked by one hub at a time. A commit survives the end of the process but
//! not a power failure; a changed boot id indicates a possible loss, and the frames then get a new
//! stream id.

mod history;

use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::vec::IntoIter;
use std::{fs, io};

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};
use thiserror::Error;
use uuid::Uuid;

pub(super) use self::history::StoredHistory;
use super::journal::{JournalEntry, JournalEntryKind};
use crate::history::HistoryChanges;
use crate::protocol::RunId;

/// SQLite application id of a hub's store: "MBhb".
const APPLICATION_ID: i32 = 0x4d42_6862;
/// Version of the file format.
const FORMAT: i32 = 1;

const TABLES: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE frames (
        seq INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        kind INTEGER NOT NULL,
        at INTEGER NOT NULL,
        text TEXT NOT NULL
    );
    CREATE TABLE dropped (run TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
";

/// Tables that were added later. Earlier versions of the program ignore them.
///
/// `aged`: the dropped runs that were dropped for their age. `steps`: by how many microseconds this
/// machine's clock was set after the frame `seq` was written. `seen`: failed runs that somebody marked
/// as seen, in the order of their numbers. `history`: parts of time, by level and first second.
/// `contributed`: what the kept runs have contributed to them.
const LATER_TABLES: &str = "
    CREATE TABLE IF NOT EXISTS aged (run TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS steps (seq INTEGER PRIMARY KEY, by INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS seen (number INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS history (
        level INTEGER NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (level, start)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS contributed (run TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
";

/// Time to wait for a lock held by a hub that is just ending.
const PATIENCE: Duration = Duration::from_secs(2);

/// Size limit in bytes of the write-ahead log after a checkpoint.
const MOST_LOG_BYTES: i64 = 16 << 20;

/// Reason why the store cannot be opened or written. Each message says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    #[error(
        "cannot make the folder of the store, `{}`: {detail}. Name another file with --store, or \
         keep nothing with --store none", .folder.display()
    )]
    Folder { folder: PathBuf, detail: String },
    #[error(
        "the store `{}` is in use by another hub: stop that one, or name another file with --store",
        .path.display()
    )]
    InUse { path: PathBuf },
    #[error(
        "`{}` is not the store of a hub, and is left as it is: name another file with --store",
        .path.display()
    )]
    Foreign { path: PathBuf },
    #[error(
        "the store `{}` was written by a newer Meterbridge: update this one, or name another \
         file with --store", .path.display()
    )]
    Newer { path: PathBuf },
    #[error(
        "the store `{}` is damaged ({detail}), and is left as it is: move it away to start with an \
         empty store, or name another file with --store", .path.display()
    )]
    Damaged { path: PathBuf, detail: String },
    #[error("the store `{}` was deleted or replaced by another file", .path.display())]
    Gone { path: PathBuf },
    #[error(
        "the store `{}` cannot be used: {detail}. Name another file with --store, or keep nothing \
         with --store none", .path.display()
    )]
    Failed { path: PathBuf, detail: String },
}

/// A run that is no longer kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DroppedRun {
    pub run: RunId,
    /// Instant of its last known event, by the server's clock.
    pub until: Timestamp,
    /// True when it was dropped for its age, and not to make room.
    pub is_aged: bool,
}

/// An open store, locked by this hub.
#[derive(Debug)]
pub(super) struct Store {
    db: Connection,
    path: PathBuf,
    /// Identities of the database file and of its write-ahead log.
    files: [Option<FileId>; 2],
    stream: Uuid,
    last: u64,
}

impl Store {
    /// Opens the store, creating the file if needed. `fresh` becomes the stream id if a new one is
    /// needed.
    pub(super) fn open(path: &Path, fresh: Uuid) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder)?;
        }
        // SQLite reports a file that cannot be created.
        let _ = create_private(path);
        let failed = |error| describe(path, error);
        let mut db = Connection::open(as_file_name(path)).map_err(failed)?;
        let (stream, last) = prepare(&mut db, path, fresh)?;
        let log = log_of(path);
        for file in [path, &log] {
            // Fails only for a file of another user, who decides who may read it.
            let _ = make_private(file);
        }
        let files = [path, &log].map(|file| file_id(file).ok());
        Ok(Self { db, path: path.to_owned(), files, stream, last })
    }

    /// Checks that the file is still in its place: a deleted file can be written, but no later start
    /// would find it.
    ///
    /// # Errors
    ///
    /// Fails when the file or its write-ahead log was deleted or replaced.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let log = log_of(&self.path);
        for (path, known) in [&*self.path, &log].into_iter().zip(self.files) {
            let is_gone = match file_id(path) {
                Ok(id) => known.is_some_and(|known| known != id),
                // Other errors say nothing about the file.
                Err(error) => error.kind() == io::ErrorKind::NotFound && known.is_some(),
            };
            if is_gone {
                return Err(StoreError::Gone { path: self.path.clone() });
            }
        }
        Ok(())
    }

    /// Returns the id of the stream that the numbers belong to.
    pub(super) fn stream(&self) -> Uuid {
        self.stream
    }

    /// Returns the highest sequence number ever assigned.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Returns the size on disk in bytes, including the write-ahead log.
    pub(super) fn bytes(&self) -> u64 {
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        size(&self.path) + size(&log_of(&self.path))
    }

    /// Calls `each` for every frame, in order. Times of reception are corrected by later steps of the
    /// clock.
    pub(super) fn entries(&self, mut each: impl FnMut(JournalEntry)) -> Result<(), StoreError> {
        let read = || -> rusqlite::Result<()> {
            let (mut steps, mut ahead) = self.steps()?;
            let all = "SELECT seq, run, kind, at, text FROM frames ORDER BY seq";
            let mut statement = self.db.prepare(all)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let seq: i64 = row.get(0)?;
                while let Some((_, by)) = steps.next_if(|(until, _)| *until < seq) {
                    ahead = ahead.saturating_sub(by);
                }
                let kind: i64 = row.get(2)?;
                let at: i64 = row.get(3)?;
                each(JournalEntry {
                    seq: number(seq, 0)?,
                    run: RunId::new(row.get_ref(1)?.as_str()?),
                    kind: match kind {
                        0 => JournalEntryKind::Event,
                        1 => JournalEntryKind::Snapshot,
                        _ => return Err(rusqlite::Error::IntegralValueOutOfRange(2, kind)),
                    },
                    // A step beyond the range of times cannot be right.
                    at: instant(at.saturating_add(ahead), 3).or_else(|_| instant(at, 3))?,
                    text: row.get_ref(4)?.as_str()?.into(),
                });
            }
            Ok(())
        };
        let mut read = read;
        read().map_err(|error| self.failed(error))
    }

    /// Returns the steps of the clock, each with the number of the last frame before it, and their sum.
    #[expect(clippy::type_complexity, reason = "used in one place")]
    fn steps(&self) -> rusqlite::Result<(Peekable<IntoIter<(i64, i64)>>, i64)> {
        let mut statement = self.db.prepare("SELECT seq, by FROM steps ORDER BY seq")?;
        let steps = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let steps: Vec<(i64, i64)> = steps.collect::<rusqlite::Result<_>>()?;
        let sum = steps.iter().fold(0_i64, |sum, (_, by)| sum.saturating_add(*by));
        Ok((steps.into_iter().peekable(), sum))
    }

    /// Returns the dropped runs, the one with the oldest last event first.
    pub(super) fn dropped(&self) -> Result<Vec<DroppedRun>, StoreError> {
        let read = || -> rusqlite::Result<Vec<DroppedRun>> {
            let mut statement = self.db.prepare(
                "SELECT dropped.run, until, aged.run IS NOT NULL
                 FROM dropped LEFT JOIN aged USING (run) ORDER BY until",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(DroppedRun {
                    run: RunId::new(row.get_ref(0)?.as_str()?),
                    until: instant(row.get(1)?, 1)?,
                    is_aged: row.get(2)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Adds and removes frames in one transaction, and writes what they change in the history.
    pub(super) fn commit(
        &mut self,
        added: &[JournalEntry],
        removed: &[u64],
        changes: &HistoryChanges,
    ) -> Result<(), StoreError> {
        self.check()?;
        let last = added.last().map_or(self.last, |entry| entry.seq);
        let done = transact(&mut self.db, |db| {
            remove(db, removed)?;
            let mut insert = db.prepare("INSERT INTO frames VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for entry in added {
                let kind = i64::from(entry.kind == JournalEntryKind::Snapshot);
                let at = entry.at.as_microsecond();
                insert.execute(params![
                    entry.seq as i64,
                    &*entry.run,
                    kind,
                    at,
                    entry.text.as_str()
                ])?;
            }
            history::write(db, changes)?;
            set(db, "last", &last.to_string())
        });
        done.map_err(|error| self.failed(error))?;
        self.last = last;
        Ok(())
    }

    /// Removes the frames `numbers`, marks the runs `dropped` as dropped, and removes the marks of
    /// the runs `forgotten`.
    pub(super) fn drop_runs(
        &mut self,
        dropped: &[DroppedRun],
        numbers: &[u64],
        forgotten: &[RunId],
        changes: &HistoryChanges,
    ) -> Result<(), StoreError> {
        self.check()?;
        let done = transact(&mut self.db, |db| {
            remove(db, numbers)?;
            let mut mark = db.prepare("INSERT OR REPLACE INTO dropped VALUES (?1, ?2)")?;
            let mut mark_aged = db.prepare("INSERT OR REPLACE INTO aged VALUES (?1)")?;
            let mut forget_aged = db.prepare("DELETE FROM aged WHERE run = ?1")?;
            for DroppedRun { run, until, is_aged } in dropped {
                // Rounded up, so that it covers the run's last event.
                let rest = i64::from(until.subsec_nanosecond() % 1_000 != 0);
                mark.execute(params![&**run, until.as_microsecond() + rest])?;
                let aged = if *is_aged { &mut mark_aged } else { &mut forget_aged };
                aged.execute(params![&**run])?;
            }
            let mut forget = db.prepare("DELETE FROM dropped WHERE run = ?1")?;
            for run in forgotten {
                forget.execute(params![&**run])?;
                forget_aged.execute(params![&**run])?;
            }
            history::write(db, changes)
        });
        done.map_err(|error| self.failed(error))
    }

    /// Returns the failed runs that are marked as seen, in the order of marking.
    pub(super) fn seen(&self) -> Result<Vec<RunId>, StoreError> {
        let read = || -> rusqlite::Result<Vec<RunId>> {
            let mut statement = self.db.prepare("SELECT run FROM seen ORDER BY number")?;
            let rows = statement.query_map([], |row| Ok(RunId::new(row.get_ref(0)?.as_str()?)))?;
            rows.collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Marks failed runs as seen.
    pub(super) fn mark_seen(&mut self, runs: &[RunId]) -> Result<(), StoreError> {
        self.change_marks("INSERT OR IGNORE INTO seen (run) VALUES (?1)", runs)
    }

    /// Removes the marks of runs.
    pub(super) fn unmark_seen(&mut self, runs: &[RunId]) -> Result<(), StoreError> {
        self.change_marks("DELETE FROM seen WHERE run = ?1", runs)
    }

    fn change_marks(&mut self, statement: &str, runs: &[RunId]) -> Result<(), StoreError> {
        self.check()?;
        let done = transact(&mut self.db, |db| {
            let mut change = db.prepare(statement)?;
            runs.iter().try_for_each(|run| change.execute(params![&**run]).map(drop))
        });
        done.map_err(|error| self.failed(error))
    }

    /// Notes that this machine's clock was set by `by` after the last frame was written, so that no
    /// frame looks older or younger at the next start than it is.
    pub(super) fn clock_stepped(&mut self, by: SignedDuration) -> Result<(), StoreError> {
        self.check()?;
        let last = self.last as i64;
        let by = i64::try_from(by.as_micros()).unwrap_or(0);
        let done = transact(&mut self.db, |db| {
            // A step is of no use once all frames before it are dropped.
            db.execute(
                "DELETE FROM steps WHERE seq < (SELECT coalesce(min(seq), 0) FROM frames)",
                [],
            )?;
            db.execute(
                "INSERT INTO steps VALUES (?1, ?2)
                 ON CONFLICT (seq) DO UPDATE SET by = by + excluded.by",
                params![last, by],
            )
            .map(drop)
        });
        done.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        describe(&self.path, error)
    }
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // Only the owner may read the folder, because runs may contain confidential text.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| StoreError::Folder {
        folder: folder.to_owned(),
        detail: error.to_string(),
    })
}

/// Returns a path that SQLite takes as the name of a file, whatever it looks like: `:memory:` and
/// `file:…` mean something else to SQLite, and an empty name is a file that is deleted at the end.
fn as_file_name(path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) }
}

/// Creates an empty file that only its owner may read and write, unless there is a file already.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Allows only the owner to read and write a file.
#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_mode(permissions.mode() & 0o7700);
    fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix, where it can fail")]
fn make_private(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns the path of the write-ahead log of a database.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    log.into()
}

/// Identity of a file on its machine.
type FileId = (u64, u64);

fn file_id(path: &Path) -> io::Result<FileId> {
    let file = fs::metadata(path)?;
    #[cfg(unix)]
    let id = {
        use std::os::unix::fs::MetadataExt;
        (file.dev(), file.ino())
    };
    // A file that is open cannot be replaced on other systems.
    #[cfg(not(unix))]
    let id = (0, u64::from(file.is_file()));
    Ok(id)
}

/// Locks the file and creates missing tables. Returns the stream id and the last number.
fn prepare(db: &mut Connection, path: &Path, fresh: Uuid) -> Result<(Uuid, u64), StoreError> {
    let failed = |error| describe(path, error);
    db.busy_timeout(PATIENCE).map_err(failed)?;
    // Set before the first read, so that the file is locked from then on.
    db.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    let read = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (owner, format) =
        (read("application_id").map_err(failed)?, read("user_version").map_err(failed)?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = db.query_row(tables, [], |row| row.get(0)).map_err(failed)?;
    let is_new = tables == 0 && owner == 0;
    if !is_new && owner != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if format > FORMAT {
        return Err(StoreError::Newer { path: path.to_owned() });
    }
    let _: String =
        db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    db.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
    db.pragma_update(None, "journal_size_limit", MOST_LOG_BYTES).map_err(failed)?;
    let boot = boot_id().unwrap_or_default();
    transact(db, |db| {
        if is_new {
            db.execute_batch(TABLES)?;
            db.pragma_update(None, "application_id", APPLICATION_ID)?;
            db.pragma_update(None, "user_version", FORMAT)?;
        }
        db.execute_batch(LATER_TABLES)?;
        let last = get(db, "last")?.and_then(|last| last.parse().ok()).unwrap_or(0);
        let stream = get(db, "stream")?.and_then(|stream| stream.parse().ok());
        let same_boot = get(db, "boot")?.as_deref() == Some(&*boot);
        let stream = stream.filter(|_| same_boot).unwrap_or(fresh);
        set(db, "stream", &stream.to_string())?;
        set(db, "boot", &boot)?;
        Ok((stream, last))
    })
    .map_err(failed)
}

/// Returns the machine's boot id, where available (Linux).
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

fn transact<T>(
    db: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

fn remove(db: &Transaction<'_>, seqs: &[u64]) -> rusqlite::Result<()> {
    let mut delete = db.prepare("DELETE FROM frames WHERE seq = ?1")?;
    for seq in seqs {
        delete.execute(params![*seq as i64])?;
    }
    Ok(())
}

fn get(db: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()
}

fn set(db: &Transaction<'_>, name: &str, value: &str) -> rusqlite::Result<()> {
    db.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [name, value]).map(drop)
}

fn number(value: i64, column: usize) -> rusqlite::Result<u64> {
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn instant(micros: i64, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
    })
}

fn describe(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let detail = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse { path },
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, detail },
        Some(_) => StoreError::Failed { path, detail },
        // The content is not what a hub writes.
        None => StoreError::Damaged { path, detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + secs).unwrap()
    }

    fn entry(seq: u64, secs: i64) -> JournalEntry {
        let (run, kind) = ("r".into(), JournalEntryKind::Event);
        JournalEntry { seq, run, kind, at: at(secs), text: "{}".into() }
    }

    fn times(store: &Store) -> Vec<i64> {
        let mut times = Vec::new();
        store.entries(|entry| times.push(entry.at.duration_since(at(0)).as_secs())).unwrap();
        times
    }

    #[test]
    fn times_of_frames_follow_the_clock_when_it_is_set() {
        let name = format!("meterbridge-store-steps-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let path = folder.join("hub.sqlite");
        let open = || Store::open(&path, Uuid::from_u128(1)).unwrap();
        let none = HistoryChanges::default();
        let mut store = open();
        store.commit(&[entry(1, 10), entry(2, 20)], &[], &none).unwrap();
        store.clock_stepped(SignedDuration::from_secs(1_000)).unwrap();
        store.clock_stepped(SignedDuration::from_secs(-100)).unwrap();
        store.commit(&[entry(3, 930)], &[], &none).unwrap();
        assert_eq!(times(&store), [910, 920, 930]);
        drop(store);
        let mut store = open();
        store.clock_stepped(SignedDuration::from_secs(5)).unwrap();
        store.commit(&[entry(4, 940)], &[], &none).unwrap();
        assert_eq!(times(&store), [915, 925, 935, 940]);
        // A step beyond all times is not believed, and the store stays readable.
        store.clock_stepped(SignedDuration::from_secs(9_000_000_000_000)).unwrap();
        assert_eq!(times(&store), [10, 20, 930, 940]);
        // Steps are forgotten with the frames before them.
        store.commit(&[entry(5, 950)], &[1, 2, 3, 4], &none).unwrap();
        store.clock_stepped(SignedDuration::from_secs(7)).unwrap();
        assert_eq!(times(&store), [957]);
        assert_eq!(store.steps().unwrap().0.len(), 1);
        drop(store);
        fs::remove_dir_all(folder).unwrap();
    }
}
