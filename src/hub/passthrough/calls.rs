//! Decides which calls of a backend's REST API the hub forwards. No I/O.

use axum::http::Method;

/// Kind of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiCall {
    /// Reads data.
    Read,
    /// Changes something and is answered soon.
    Change,
    /// Executes a run; may be answered only when the run ends.
    Execute,
}

/// Reason why a call is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallRejection {
    /// The method is not forwarded.
    Method,
    /// The call is not in the list of allowed changes.
    Unknown,
    /// The path contains something that another server might interpret as a different path.
    Path,
}

impl ApiCall {
    /// Classifies a call; `path` is relative to the backend's base and starts with a slash.
    pub fn of(method: &Method, path: &str) -> Result<Self, CallRejection> {
        if !is_plain(path) {
            return Err(CallRejection::Path);
        }
        match *method {
            Method::GET | Method::HEAD => Ok(Self::Read),
            Method::POST => Self::that_changes(path).ok_or(CallRejection::Unknown),
            _ => Err(CallRejection::Method),
        }
    }

    /// Classifies the changing calls of the backend and those of the guide's clients (protocol,
    /// section 4).
    fn that_changes(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match parts.as_slice() {
            ["runs"] => Some(Self::Change),
            ["runs" | "workflow-runs", id, "cancel" | "retry"] if is_id(id) => Some(Self::Change),
            ["runs" | "workflow-runs", id, "execute"] if is_id(id) => Some(Self::Execute),
            ["workflows", "execute"] => Some(Self::Execute),
            _ => None,
        }
    }
}

/// True for run ids: UUIDs at the backend, words such as `run-123` in the guide.
fn is_id(text: &str) -> bool {
    let of_a_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.bytes().all(of_a_word)
}

/// True when a path stays below the base however often it is decoded: no `.` or `..` segments, and
/// no encoded slashes, dots or percent signs.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let encoded = ["%2e", "%2f", "%5c", "%25", "%00"];
    !encoded.iter().any(|code| lower.contains(code))
        && !path.contains('\\')
        && !path.split('/').any(|part| part == "." || part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_allowed_anywhere_below_the_base() {
        for path in ["/runs/1", "/workflow-runs", "/monitoring/active-runs", "/songs/a%20b", "/x.y"]
        {
            assert_eq!(ApiCall::of(&Method::GET, path), Ok(ApiCall::Read), "{path}");
            assert_eq!(ApiCall::of(&Method::HEAD, path), Ok(ApiCall::Read), "{path}");
        }
    }

    #[test]
    fn only_listed_changes_are_allowed() {
        for (path, call) in [
            ("/runs", Ok(ApiCall::Change)),
            ("/runs/69c9fdca-aebb-4aa2-bf00-9bae1d69b84d/cancel", Ok(ApiCall::Change)),
            ("/runs/69c9fdca-aebb-4aa2-bf00-9bae1d69b84d/retry", Ok(ApiCall::Change)),
            ("/runs/69c9fdca-aebb-4aa2-bf00-9bae1d69b84d/execute", Ok(ApiCall::Execute)),
            ("/workflows/execute", Ok(ApiCall::Execute)),
            ("/workflow-runs/run-123/cancel", Ok(ApiCall::Change)),
            ("/workflow-runs/run-123/execute", Ok(ApiCall::Execute)),
            ("/runs/", Err(CallRejection::Unknown)),
            ("/runs//cancel", Err(CallRejection::Unknown)),
            ("/runs/a/b/cancel", Err(CallRejection::Unknown)),
            ("/runs/a;b/cancel", Err(CallRejection::Unknown)),
            ("/runs/1/delete", Err(CallRejection::Unknown)),
            ("/songs", Err(CallRejection::Unknown)),
            ("/users/me", Err(CallRejection::Unknown)),
        ] {
            assert_eq!(ApiCall::of(&Method::POST, path), call, "{path}");
        }
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            assert_eq!(ApiCall::of(&method, "/runs"), Err(CallRejection::Method), "{method}");
        }
    }

    #[test]
    fn paths_out_of_the_base_are_rejected() {
        for path in [
            "/../admin",
            "/runs/../../admin",
            "/./runs",
            "/%2e%2e/admin",
            "/.%2E/admin",
            "/runs%2f..%2fadmin",
            "/runs%5c..",
            "/%252e%252e/admin",
            "/runs\\..\\admin",
            "/runs/%00",
        ] {
            assert_eq!(ApiCall::of(&Method::GET, path), Err(CallRejection::Path), "{path}");
        }
    }
}
