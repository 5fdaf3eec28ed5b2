//! `GET /history`: kept frames between two instants, as a recording. `GET /history/summary`: what became
//! of runs, by hours and days. Both only read: the backend is told nothing.

use std::str::FromStr;
use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{
    Hub,
    answer::{as_json, error_response},
    relay::{HISTORY_PATH, Page, PageRequest},
};
use crate::history::{
    Last, Part, Period, PeriodError, Summary, SummaryInput, SummaryRows, write_csv,
};
use crate::protocol::parse_instant;
use crate::time_zone::{self, DisplayZone};

/// Path of the frames.
pub(super) const FRAMES: &str = HISTORY_PATH;

/// Path of the summary.
const SUMMARY: &str = "/history/summary";

/// Header with the value of `after` for the next page.
const NEXT: &str = "meterbridge-next";

/// Header with the value of `after` for what follows this page, also where nothing follows yet.
const END: &str = "meterbridge-end";

/// Header of a first page: the number of frames that are asked for, over all pages.
const FRAMES_IN_ALL: &str = "meterbridge-frames";

/// Most summaries that are computed at a time. Each takes a fraction of a second.
const MOST_SUMMARIES: usize = 2;

/// Period of a summary without one.
const USUAL_PERIOD: Last = Last::Days(7);

#[derive(Clone, Debug)]
struct HistoryService {
    hub: Arc<Hub>,
    summaries: Arc<Semaphore>,
}

/// Returns the routes of a hub's history.
pub(super) fn routes(hub: Arc<Hub>) -> Router {
    let summaries = Arc::new(Semaphore::new(MOST_SUMMARIES));
    Router::new()
        .route(FRAMES, get(frames))
        .route(SUMMARY, get(summary))
        .with_state(HistoryService { hub, summaries })
}

/// Reason why a request cannot be answered, in words for a person.
struct BadQuery(String);

impl IntoResponse for BadQuery {
    fn into_response(self) -> Response {
        error_response(StatusCode::BAD_REQUEST, &self.0)
    }
}

impl From<PeriodError> for BadQuery {
    fn from(error: PeriodError) -> Self {
        Self(error.to_string())
    }
}

/// Query of an address, without repeated and unknown names.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(query: Option<&str>, known: &[&str]) -> Result<Self, BadQuery> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                let known = known.join("`, `");
                return Err(BadQuery(format!("unknown parameter `{name}`: use `{known}`")));
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(BadQuery(format!("`{name}` is given twice")));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(known, _)| known == name)?;
        Some(field.1.as_str()).filter(|value| !value.is_empty())
    }

    fn parsed<T: FromStr<Err: ToString>>(&self, name: &str) -> Result<Option<T>, BadQuery> {
        let parsed = self.get(name).map(str::parse).transpose();
        parsed.map_err(|error: T::Err| BadQuery(format!("`{name}`: {}", error.to_string())))
    }

    fn instant(&self, name: &str) -> Result<Option<Timestamp>, BadQuery> {
        let Some(text) = self.get(name) else { return Ok(None) };
        // A plus sign that was not encoded arrives as a space.
        let text = text.replace(' ', "+");
        match text.contains(['T', 't']).then(|| parse_instant(&text)).flatten() {
            Some(at) => Ok(Some(at)),
            None => {
                Err(BadQuery(format!("`{name}`: expected an instant such as 2026-11-23T10:15:00Z")))
            }
        }
    }
}

async fn frames(
    State(service): State<HistoryService>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let hub = service.hub;
    let (request, stream) = page_request(query.as_deref()).map_err(IntoResponse::into_response)?;
    // To find the end of a page takes long where few of many frames belong to it.
    let Ok(page) = tokio::task::spawn_blocking(move || hub.page(request)).await else {
        let words = "the page could not be made: please report this";
        return Err(error_response(StatusCode::INTERNAL_SERVER_ERROR, words));
    };
    if stream.is_some_and(|stream| stream != page.stream.to_string()) {
        let words = "the hub has begun another stream since that page: begin with the first page";
        return Err(error_response(StatusCode::GONE, words));
    }
    let Page { stream, next, end, frames, reader } = page;
    let lines = stream::unfold(reader, |mut reader| async move {
        loop {
            let lines = reader.next_lines()?;
            // Other connections have their turn, however fast this client reads, and however few frames
            // are those that it asks for.
            tokio::task::yield_now().await;
            if !lines.is_empty() {
                break Some((Ok::<_, std::convert::Infallible>(Bytes::from(lines)), reader));
            }
        }
    });
    let mut response = Body::from_stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(next) = next.and_then(|next| format!("{stream}.{next}").parse().ok()) {
        headers.insert(NEXT, next);
    }
    if let Ok(end) = format!("{stream}.{end}").parse() {
        headers.insert(END, end);
    }
    if let Some(frames) = frames {
        headers.insert(FRAMES_IN_ALL, frames.into());
    }
    Ok(response)
}

/// Reads which frames are asked for, and the stream that the page before was of.
fn page_request(query: Option<&str>) -> Result<(PageRequest, Option<String>), BadQuery> {
    let query = Query::read(query, &["from", "to", "limit", "after"])?;
    let (from, to) = (query.instant("from")?, query.instant("to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(BadQuery("`from` must not be after `to`".to_owned()));
    }
    let limit = match query.get("limit").map(str::parse::<usize>) {
        None => None,
        Some(Ok(limit)) if limit > 0 => Some(limit),
        Some(_) => return Err(BadQuery("`limit`: expected a number from 1 on".to_owned())),
    };
    let (stream, after) = match query.get("after") {
        None => (None, 0),
        Some(after) => {
            let parts = after.rsplit_once('.');
            let number = parts.and_then(|(_, number)| number.parse().ok());
            let (stream, number) =
                parts.map(|(stream, _)| stream).zip(number).ok_or_else(|| {
                    BadQuery(format!("`after`: expected what the header `{NEXT}` says"))
                })?;
            (Some(stream.to_owned()), number)
        }
    };
    Ok((PageRequest { from, to, after, limit }, stream))
}

/// Formats of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Csv(SummaryRows),
}

async fn summary(
    State(service): State<HistoryService>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    // The semaphore is never closed.
    let turn = service.summaries.acquire_owned().await;
    let now = service.hub.model().clock().server_time(Timestamp::now());
    let (period, format) =
        summary_request(query.as_deref(), &headers, now).map_err(IntoResponse::into_response)?;
    let input = SummaryInput::of(&service.hub.history(), period)
        .map_err(|error| BadQuery::from(error).into_response())?;
    // Nobody waits for the sum of a year: neither the history nor the other connections.
    let body = tokio::task::spawn_blocking(move || {
        // The work goes on when the client has left, and so does its turn.
        let _turn = turn;
        body_of(&input.summary(), format)
    })
    .await;
    match (body, format) {
        (Ok(Some(body)), Format::Json) => Ok(as_json(StatusCode::OK, body)),
        (Ok(Some(body)), Format::Csv(_)) => {
            let mut response = as_json(StatusCode::OK, body);
            let csv = HeaderValue::from_static("text/csv; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, csv);
            Ok(response)
        }
        _ => {
            let words = "the summary could not be made: please report this";
            Err(error_response(StatusCode::INTERNAL_SERVER_ERROR, words))
        }
    }
}

fn body_of(summary: &Summary, format: Format) -> Option<String> {
    match format {
        Format::Json => serde_json::to_string(summary).ok(),
        Format::Csv(rows) => {
            let mut body = Vec::new();
            write_csv(&mut body, summary, rows).ok()?;
            String::from_utf8(body).ok()
        }
    }
}

/// Reads which summary is asked for. `now` ends a period without an end.
fn summary_request(
    query: Option<&str>,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<(Period, Format), BadQuery> {
    let query = Query::read(query, &["from", "to", "last", "bucket", "zone", "format", "rows"])?;
    let zone: DisplayZone = match query.get("zone") {
        None => time_zone::current(),
        Some(_) => query.parsed("zone")?.unwrap_or_else(time_zone::current),
    };
    let part: Option<Part> = query.parsed("bucket")?;
    let last: Option<Last> = query.parsed("last")?;
    let (from, to) = (query.instant("from")?, query.instant("to")?);
    let period = match (last, from, to) {
        (None, Some(from), to) => Period::between(from, to.unwrap_or(now), part, &zone)?,
        (last, None, None) => Period::last(last.unwrap_or(USUAL_PERIOD), now, part, &zone)?,
        (None, None, Some(_)) => return Err(BadQuery("`to` needs `from`".to_owned())),
        (Some(_), ..) => {
            return Err(BadQuery("`last` cannot be used with `from` and `to`".to_owned()));
        }
    };
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let rows = match query.get("rows") {
        None | Some("buckets") => SummaryRows::Buckets,
        Some("steps") => SummaryRows::Steps,
        Some("causes") => SummaryRows::Causes,
        Some(_) => {
            return Err(BadQuery("`rows`: expected `buckets`, `steps` or `causes`".to_owned()));
        }
    };
    let format = match query.get("format") {
        Some("csv") => Format::Csv(rows),
        None if accept.is_some_and(|types| types.starts_with("text/csv")) => Format::Csv(rows),
        None | Some("json") => Format::Json,
        Some(_) => return Err(BadQuery("`format`: expected `json` or `csv`".to_owned())),
    };
    Ok((period, format))
}
