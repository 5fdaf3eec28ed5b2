//! The journal on disk, so that it survives restarts of the hub.
//!
//! One SQLite database, locked by one hub at a time. A commit survives the end of the process but
//! not a power failure; a changed boot id indicates a possible loss, and the frames then get a new
//! stream id.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};
use thiserror::Error;
use uuid::Uuid;

use super::journal::{JournalEntry, JournalEntryKind};
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
    #[error(
        "the store `{}` cannot be used: {detail}. Name another file with --store, or keep nothing \
         with --store none", .path.display()
    )]
    Failed { path: PathBuf, detail: String },
}

/// An open store, locked by this hub.
#[derive(Debug)]
pub(super) struct Store {
    db: Connection,
    path: PathBuf,
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
        let failed = |error| describe(path, error);
        let mut db = Connection::open(path).map_err(failed)?;
        let (stream, last) = prepare(&mut db, path, fresh)?;
        Ok(Self { db, path: path.to_owned(), stream, last })
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
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        size(&self.path) + size(Path::new(&log))
    }

    /// Calls `each` for every frame, in order.
    pub(super) fn entries(&self, mut each: impl FnMut(JournalEntry)) -> Result<(), StoreError> {
        let read = || -> rusqlite::Result<()> {
            let all = "SELECT seq, run, kind, at, text FROM frames ORDER BY seq";
            let mut statement = self.db.prepare(all)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let kind: i64 = row.get(2)?;
                each(JournalEntry {
                    seq: number(row.get(0)?, 0)?,
                    run: RunId::new(row.get_ref(1)?.as_str()?),
                    kind: match kind {
                        0 => JournalEntryKind::Event,
                        1 => JournalEntryKind::Snapshot,
                        _ => return Err(rusqlite::Error::IntegralValueOutOfRange(2, kind)),
                    },
                    at: instant(row.get(3)?, 3)?,
                    text: row.get_ref(4)?.as_str()?.into(),
                });
            }
            Ok(())
        };
        let mut read = read;
        read().map_err(|error| self.failed(error))
    }

    /// Returns the dropped runs, with the time of the last known event of each.
    pub(super) fn dropped(&self) -> Result<Vec<(RunId, Timestamp)>, StoreError> {
        let read = || -> rusqlite::Result<Vec<(RunId, Timestamp)>> {
            let mut statement = self.db.prepare("SELECT run, until FROM dropped ORDER BY until")?;
            let rows = statement.query_map([], |row| {
                Ok((RunId::new(row.get_ref(0)?.as_str()?), instant(row.get(1)?, 1)?))
            })?;
            rows.collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Adds and removes frames in one transaction.
    pub(super) fn commit(
        &mut self,
        added: &[JournalEntry],
        removed: &[u64],
    ) -> Result<(), StoreError> {
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
        dropped: &[(RunId, Timestamp)],
        numbers: &[u64],
        forgotten: &[RunId],
    ) -> Result<(), StoreError> {
        let done = transact(&mut self.db, |db| {
            remove(db, numbers)?;
            let mut mark = db.prepare("INSERT OR REPLACE INTO dropped VALUES (?1, ?2)")?;
            for (run, until) in dropped {
                mark.execute(params![&**run, until.as_microsecond()])?;
            }
            let mut forget = db.prepare("DELETE FROM dropped WHERE run = ?1")?;
            for run in forgotten {
                forget.execute(params![&**run])?;
            }
            Ok(())
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
