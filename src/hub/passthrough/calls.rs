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
    pub fn of(method: &Method, path: &str, query: Option<&str>) -> Result<Self, CallRejection> {
        if !is_plain(path) || !query.is_none_or(is_plain_query) {
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

/// True when every server reads a path as the same segments below the base, however often and however
/// leniently it decodes: percent-encoding is well-formed UTF-8 (no `%u002e`, no overlong forms), and
/// there is no encoded slash, backslash, dot or percent sign, no parameter (`;`), no control
/// character, and no `.`, `..` or empty segment but the last.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let encoded = ["%2e", "%2f", "%5c", "%25", "%3b"];
    let is_step = |part: &&str| matches!(part.trim(), "." | "..");
    decoded(path).is_some_and(|path| {
        !encoded.iter().any(|code| lower.contains(code))
            && !path.contains(['\\', ';'])
            && !path.contains("//")
            && !path.split('/').any(|part| is_step(&part))
    })
}

/// True when a query is well-formed: no control characters, and no percent-encoding that servers decode
/// differently.
fn is_plain_query(query: &str) -> bool {
    decoded(query).is_some()
}

/// Decodes percent-encoding. Returns `None` where it is malformed, not UTF-8, or a control character.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let byte = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?
            }
            (b'%', _) => return None,
            _ => *first,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_allowed_anywhere_below_the_base() {
        for path in ["/runs/1", "/workflow-runs", "/monitoring/active-runs", "/songs/a%20b", "/x.y"]
        {
            assert_eq!(ApiCall::of(&Method::GET, path, None), Ok(ApiCall::Read), "{path}");
            assert_eq!(ApiCall::of(&Method::HEAD, path, None), Ok(ApiCall::Read), "{path}");
        }
        for path in ["/runs/", "/runs/a%3Fb%23", "/songs/%C3%A9", "/songs/é", "/runs/a..b"] {
            assert_eq!(ApiCall::of(&Method::GET, path, None), Ok(ApiCall::Read), "{path}");
        }
        for query in ["", "limit=5&after=a%2Fb//", "q=%C3%A9;%25"] {
            let call = ApiCall::of(&Method::GET, "/runs", Some(query));
            assert_eq!(call, Ok(ApiCall::Read), "{query}");
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
            ("/runs//cancel", Err(CallRejection::Path)),
            ("/runs/a/b/cancel", Err(CallRejection::Unknown)),
            ("/runs/a;b/cancel", Err(CallRejection::Path)),
            ("/runs/1/delete", Err(CallRejection::Unknown)),
            ("/songs", Err(CallRejection::Unknown)),
            ("/users/me", Err(CallRejection::Unknown)),
        ] {
            assert_eq!(ApiCall::of(&Method::POST, path, None), call, "{path}");
        }
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let call = ApiCall::of(&method, "/runs", None);
            assert_eq!(call, Err(CallRejection::Method), "{method}");
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
            "/runs/..;/admin",
            "/runs/x;y=1",
            "/runs/x%3By",
            "//admin",
            "/runs//1",
            "/runs/1//",
            // Overlong forms of a dot and a slash.
            "/%c0%ae%c0%ae/admin",
            "/runs%c0%afadmin",
            "/runs%e0%80%afadmin",
            "/runs/%f0%80%80%ae",
            "/%u002e%u002e/admin",
            "/runs%u2215admin",
            // Control characters, of C1 too.
            "/runs/%0d%0aX:%201",
            "/runs/%1b[31m",
            "/runs/%7f",
            "/runs/%c2%9b31m",
            // Malformed.
            "/runs/%",
            "/runs/%2",
            "/runs/%zz",
            "/runs/%ff",
            "/runs/%20../x",
            "/runs/..%09/x",
        ] {
            assert_eq!(ApiCall::of(&Method::GET, path, None), Err(CallRejection::Path), "{path}");
        }
        for query in ["q=%0d%0aX:1", "q=%c0%ae", "q=%u0041", "q=%", "q=%1b%5b", "q=%c2%85"] {
            let call = ApiCall::of(&Method::GET, "/runs", Some(query));
            assert_eq!(call, Err(CallRejection::Path), "{query}");
        }
    }
}
