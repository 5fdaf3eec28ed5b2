//! The store as a file: its name, who may read it, and what happens when it is deleted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use meterbridge::hub::relay::StoreState;

use super::{Fed, TempStore, eventually, options, whole_run};

/// SQLite gives these names a meaning of its own: a database in memory, or parameters.
#[test]
fn store_name_is_a_file_name_whatever_it_looks_like() {
    let folder = TempStore::new("names");
    std::fs::create_dir_all(&folder.0).unwrap();
    for name in [":memory:", "file:x?mode=memory", "file::memory:"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_meterbridge"))
            .args(["serve", "ws://127.0.0.1:9/events", "--listen", "127.0.0.1:0", "--store", name])
            .current_dir(&folder.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(line.contains("the hub of"), "{line}");
        let file = std::fs::read(folder.0.join(name)).unwrap();
        assert!(file.starts_with(b"SQLite format 3"), "{name}: SQLite wrote elsewhere");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_store() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let temp_store = TempStore::new("mode");
    // As in a folder that anybody may read.
    std::fs::create_dir_all(temp_store.file().parent().unwrap()).unwrap();
    let log = temp_store.file().with_extension("sqlite-wal");
    let mode = |path: &Path| metadata(path).unwrap().permissions().mode() & 0o777;
    let check = async || {
        let fed = Fed::with(&options(Some(temp_store.file()))).unwrap();
        fed.say(whole_run("r-1"));
        fed.keeps(&whole_run("r-1")).await;
        for file in [&temp_store.file(), &log] {
            assert_eq!(mode(file), 0o600, "{file:?}");
        }
    };
    check().await;
    // A store of an earlier version.
    set_permissions(temp_store.file(), Permissions::from_mode(0o644)).unwrap();
    check().await;
}

async fn deleted_store_is_noticed(name: &str, delete: impl FnOnce(&Path), then_says: bool) {
    let temp_store = TempStore::new(name);
    let options = options(Some(temp_store.file()));
    let fed = Fed::with(&options).unwrap();
    fed.say(whole_run("r-1"));
    fed.keeps(&whole_run("r-1")).await;
    let mut viewer = fed.viewer().await;
    viewer.until_live().await;
    assert_eq!((fed.hub.store_state(), fed.hub.store_trouble()), (StoreState::Written, None));
    delete(&temp_store.file());
    if then_says {
        fed.say(whole_run("r-2"));
    }
    eventually("notice", || fed.hub.store_state() == StoreState::Failed).await;
    let trouble = fed.hub.store_trouble().unwrap();
    assert!(trouble.contains("hub.sqlite` was deleted or replaced"), "{trouble}");
    assert_eq!(fed.hub.counters().store_errors.get(), 1);
    // The hub goes on in memory, with another stream: the next start knows nothing of this one.
    if !then_says {
        fed.say(whole_run("r-2"));
    }
    viewer
        .until("the other run", |viewer| viewer.told.iter().any(|(_, it)| it.contains("r-2")))
        .await;
    assert_eq!(viewer.hellos.len(), 2);
    assert_ne!(viewer.hellos[0].at.stream, viewer.hellos[1].at.stream);
    drop(fed);
    let _ = std::fs::remove_file(temp_store.file());
    let fed = Fed::with(&options).unwrap();
    assert_eq!(fed.hub.store_state(), StoreState::Written);
}

#[tokio::test]
async fn store_deleted_under_a_running_hub_is_noticed_at_the_next_event() {
    let delete = |file: &Path| std::fs::remove_file(file).unwrap();
    deleted_store_is_noticed("deleted", delete, true).await;
}

#[tokio::test]
async fn store_deleted_under_an_idle_hub_is_noticed_within_seconds() {
    let delete = |file: &Path| std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    deleted_store_is_noticed("deleted-idle", delete, false).await;
}

#[cfg(unix)]
#[tokio::test]
async fn store_replaced_under_a_running_hub_is_noticed() {
    let replace = |file: &Path| {
        let other = file.with_extension("other");
        std::fs::write(&other, "").unwrap();
        std::fs::rename(other, file).unwrap();
    };
    deleted_store_is_noticed("replaced", replace, true).await;
}

/// The newest events are in the log until it is merged into the file.
#[tokio::test]
async fn deleted_write_ahead_log_is_noticed() {
    let delete = |file: &Path| std::fs::remove_file(file.with_extension("sqlite-wal")).unwrap();
    deleted_store_is_noticed("deleted-log", delete, true).await;
}
