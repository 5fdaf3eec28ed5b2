//! Listed runs as a file for other programs.

use crate::app::state::run_store::RunStore;
use crate::export::{TableForm, write_runs};
use crate::model::Run;
use crate::protocol::RunId;

/// Returns these runs as a table, with the columns of `meterbridge export --format csv`. Runs that are no longer kept
/// are left out.
pub(in crate::app::panel) fn export_runs(
    run_store: &RunStore,
    ids: &[RunId],
    form: TableForm,
) -> String {
    let mut out = Vec::new();
    // Writing to memory does not fail.
    write_runs(&mut out, runs(run_store, ids), form).unwrap_or_default();
    String::from_utf8_lossy(&out).into_owned()
}

fn runs<'a>(run_store: &'a RunStore, ids: &'a [RunId]) -> impl Iterator<Item = &'a Run> {
    ids.iter().filter_map(|id| run_store.model.run(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, run_store};

    #[test]
    fn listed_runs_are_exported_in_their_order() {
        let glass = r#"{"song_title":"=Glass, \"Harbour\"","song_id":"song-7","global_seed":42}"#;
        let run_store = run_store(&[
            &frame(0, "run-1", None, "start", "{}"),
            &frame(1, "run-2", None, "start", glass),
        ]);
        let ids = ["run-2", "gone", "run-1"].map(RunId::new);
        let csv = export_runs(&run_store, &ids, TableForm::Csv);
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[0].starts_with("run_id,song_id,song_title,seed,status"));
        assert!(lines[1].starts_with(r#"run-2,song-7,"'=Glass, ""Harbour""",42,running"#));
        assert!(lines[2].starts_with("run-1,,,,running"));
        assert_eq!(lines.len(), 3);
        let file = export_runs(&run_store, &ids, TableForm::Ndjson);
        let runs: Vec<serde_json::Value> =
            file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[0]["song_title"], "=Glass, \"Harbour\"");
        assert_eq!((&runs[0]["seed"], &runs[0]["status"]), (&42.into(), &"running".into()));
        assert_eq!(
            (&runs[1]["run_id"], &runs[1]["song_id"]),
            (&"run-1".into(), &serde_json::Value::Null)
        );
    }
}
