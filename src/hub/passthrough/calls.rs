//! Which calls of a backend's REST go through the hub. Pure.

use axum::http::Method;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiCall {
    /// It looks.
    Read,
    /// It changes something, and is answered soon.
    Change,
    /// It executes a run, and may be answered when that is over.
    Execute,
}

/// Why a call does not go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallRejection {
    /// Nothing is done with this method.
    Method,
    /// It is none of the calls that change something.
    Unknown,
    /// Something in the path could mean another place to whoever reads it next.
    Path,
}

impl ApiCall {
    /// What `method` does at `path`, which is below the backend's base and begins with a slash.
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

    /// The calls of the backend, and those that the guide's clients make (protocol, section 4).
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

/// Ids of runs are UUIDs on the backend and words like `run-123` in the guide.
fn is_id(text: &str) -> bool {
    let of_a_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.bytes().all(of_a_word)
}

/// Whether a path stays below the base, however often it is decoded: no `.` and `..`, and nothing
/// encoded that would be a slash, a dot or a percent sign.
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
    fn looks_go_anywhere_below_the_base() {
        for path in ["/runs/1", "/workflow-runs", "/monitoring/active-runs", "/songs/a%20b", "/x.y"]
        {
            assert_eq!(ApiCall::of(&Method::GET, path), Ok(ApiCall::Read), "{path}");
            assert_eq!(ApiCall::of(&Method::HEAD, path), Ok(ApiCall::Read), "{path}");
        }
    }

    #[test]
    fn what_changes_something_is_one_of_these() {
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
    fn nothing_leads_out_of_the_base() {
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
