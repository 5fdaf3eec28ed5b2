//! The history on disk: its parts of time, and what each kept run has contributed to them.

use rusqlite::{Transaction, params};

use super::{Store, StoreError, get, set, transact};
use crate::history::{History, HistoryChanges, Level};
use crate::protocol::RunId;

/// Name of the mark in `meta` that the history has everything that the frames tell.
const MARK: &str = "history";

/// A history as it was read.
pub(in crate::hub::relay) struct StoredHistory {
    pub history: History,
    /// Number of rows that cannot be read.
    pub unreadable: u64,
    /// False when the store was written before there was a history: it has to be made from the frames.
    pub is_complete: bool,
}

impl Store {
    /// Reads the history.
    pub(in crate::hub::relay) fn history(&mut self) -> Result<StoredHistory, StoreError> {
        let read = transact(&mut self.db, |db| {
            let mut history = History::default();
            let mut unreadable = 0;
            let mut statement = db.prepare("SELECT level, start, data FROM history")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let level: i64 = row.get(0)?;
                let level = usize::try_from(level).ok().and_then(|it| Level::ALL.get(it).copied());
                let (start, data) = (row.get(1)?, row.get_ref(2)?.as_blob()?);
                let is_right =
                    level.is_some_and(|level| history.restore_bucket(level, start, data));
                unreadable += u64::from(!is_right);
            }
            let mut statement = db.prepare("SELECT run, data FROM contributed")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let run = RunId::new(row.get_ref(0)?.as_str()?);
                unreadable += u64::from(!history.restore_run(run, row.get_ref(1)?.as_blob()?));
            }
            let is_complete = get(db, MARK)?.is_some();
            Ok(StoredHistory { history, unreadable, is_complete })
        });
        read.map_err(|error| self.failed(error))
    }

    /// Writes what has changed in the history without frames.
    pub(in crate::hub::relay) fn write_history(
        &mut self,
        changes: &HistoryChanges,
    ) -> Result<(), StoreError> {
        self.check()?;
        let done = transact(&mut self.db, |db| write(db, changes));
        done.map_err(|error| self.failed(error))
    }
}

/// Writes what has changed in the history.
pub(super) fn write(db: &Transaction<'_>, changes: &HistoryChanges) -> rusqlite::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut put = db.prepare("INSERT OR REPLACE INTO history VALUES (?1, ?2, ?3)")?;
    let mut remove = db.prepare("DELETE FROM history WHERE level = ?1 AND start = ?2")?;
    for (level, start, data) in &changes.buckets {
        let level = *level as i64;
        match data {
            Some(data) => put.execute(params![level, start, &**data])?,
            None => remove.execute(params![level, start])?,
        };
    }
    let mut put = db.prepare("INSERT OR REPLACE INTO contributed VALUES (?1, ?2)")?;
    let mut remove = db.prepare("DELETE FROM contributed WHERE run = ?1")?;
    for (run, data) in &changes.runs {
        match data {
            Some(data) => put.execute(params![&**run, &**data])?,
            None => remove.execute(params![&**run])?,
        };
    }
    set(db, MARK, "1")
}
