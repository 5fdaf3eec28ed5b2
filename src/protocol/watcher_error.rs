//! Explanation of run failures caused by a viewer's disconnection (protocol section 6.1).

use std::borrow::Cow;

/// Text placed before the backend's own error.
const EXPLANATION: &str = "A viewer's disconnection made the backend fail this run";

/// Returns `error`. If it is the backend's `KeyError` about a watcher that disconnected, an explanation
/// precedes it. Such an error is `UUID('<run id>')` or a longer message that ends with it.
pub(super) fn explain_error(error: &str) -> Cow<'_, str> {
    if ends_with_key_error(error.trim_end()) && !error.starts_with(EXPLANATION) {
        return Cow::Owned(format!("{EXPLANATION}: {error}"));
    }
    Cow::Borrowed(error)
}

fn ends_with_key_error(error: &str) -> bool {
    let Some(begin) = error.rfind("UUID(") else { return false };
    let key = error[begin..].strip_prefix("UUID(").and_then(|rest| rest.strip_suffix(')'));
    let id = key.map(|key| key.trim_matches(|c| c == '\'' || c == '"'));
    let before = error[..begin].trim_end();
    let stands_alone = before.is_empty() || before.ends_with(':');
    stands_alone && id.is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explains_the_error_of_a_watcher_that_left() {
        let id = "3c6ef372-fe94-482b-a739-80c0b9db906a";
        for (error, is_explained) in [
            (format!("UUID('{id}')"), true),
            (format!("Skill amcs.style.generate execution failed: UUID('{id}')"), true),
            (format!("Workflow run {id} failed: Skill x execution failed: UUID('{id}')"), true),
            (format!("KeyError: UUID('{id}')"), true),
            (format!("no song UUID('{id}')"), false),
            ("UUID('not one')".to_owned(), false),
            (format!("UUID('{id}') is unknown"), false),
            ("boom".to_owned(), false),
        ] {
            let explained = explain_error(&error);
            assert_eq!(explained.starts_with(EXPLANATION), is_explained, "{error}");
            assert!(explained.ends_with(&error), "the backend's own words stay");
            assert_eq!(explain_error(&explained), explained, "once is enough");
        }
    }
}
