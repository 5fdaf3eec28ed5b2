//! The dialog that asks for confirmation of a run operation.

use smol_str::SmolStr;

use crate::app::state::actions::OperationKind;
use crate::protocol::RunId;
use crate::source::RunOperation;

/// A confirmation dialog for a run operation.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfirmDialog {
    pub kind: OperationKind,
    /// The run to operate on; `None` when starting a new run.
    pub run: Option<RunId>,
    /// Song id for a new run, as typed.
    pub song_id: String,
    /// Seed as typed; `None` uses a random seed.
    pub seed: Option<String>,
}

/// Validation errors of the dialog, by field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormErrors {
    pub song_id: Option<&'static str>,
    pub seed: Option<&'static str>,
}

impl ConfirmDialog {
    /// Returns the operation to perform on confirmation.
    ///
    /// # Errors
    ///
    /// Returns the fields that must be corrected first.
    pub fn operation(&self) -> Result<RunOperation, FormErrors> {
        if let Some(operation) = self.run.as_ref().and_then(|run| self.kind.operation(run)) {
            return Ok(operation);
        }
        let song_id = self.song_id.trim();
        let seed = self.seed.as_ref().map(|text| text.trim().parse::<i64>());
        let errors = FormErrors {
            song_id: match song_id {
                "" => Some("Enter the id of a song that the backend knows."),
                text if text.contains(char::is_whitespace) => {
                    Some("An id has no spaces: enter the song's id, not its title.")
                }
                _ => None,
            },
            seed: match &seed {
                None | Some(Ok(0..)) => None,
                Some(_) => Some("A seed is a whole number of 0 or more, such as 42."),
            },
        };
        if errors != FormErrors::default() {
            return Err(errors);
        }
        let seed = seed.and_then(Result::ok);
        Ok(RunOperation::Start { song_id: SmolStr::new(song_id), seed })
    }
}
