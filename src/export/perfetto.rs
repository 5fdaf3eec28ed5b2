//! Chrome's trace event format, which ui.perfetto.dev and chrome://tracing open.
//!
//! One process for each run. Its first thread has the wait in the queue and the executions; each pass of
//! an execution has a thread of its own, and one more where attempts overlap. What goes on is a begin
//! event without an end, which viewers draw as "did not end". An attempt of which only one instant is
//! known is an instant event.

use std::collections::HashMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::LeftOut;
use super::steps::{Execution, Span, Step, exact, executions, plausible, queue};
use crate::inspect::write_compact;
use crate::model::{FactKind, Model, NodeStatus, Run, RunStatus, display_name};
use crate::protocol::Score;
use crate::text;

/// An event as it is written, without its texts that can be had from the model.
#[derive(Serialize)]
struct Event<'a> {
    name: String,
    cat: &'static str,
    ph: char,
    /// Microseconds since 1970.
    ts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<i64>,
    pid: u32,
    tid: u32,
    /// Scope of an instant event: `t` for its thread, `p` for its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<char>,
    /// Number of a flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    /// `e`: a flow ends at the slice around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<char>,
    args: Args<'a>,
}

#[derive(Default, Serialize)]
struct Args<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    song_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix_iterations: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix_pass: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_rest: Option<bool>,
    #[serde(skip_serializing_if = "<[Score]>::is_empty", serialize_with = "super::steps::scores")]
    scores: &'a [Score],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'static str,
    ph: char,
    ts: i64,
    pid: u32,
    tid: u32,
    args: MetadataArgs<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum MetadataArgs<'a> {
    Name(&'a str),
    Labels(&'a str),
    SortIndex(u32),
}

/// Writes a trace of all runs. Its events are in order of time.
///
/// Apart from the model, memory holds one entry for each event of the trace.
pub fn write_perfetto(out: &mut impl Write, model: &Model) -> io::Result<LeftOut> {
    let head = r#"{"displayTimeUnit":"ms","otherData":{"program":"meterbridge","version":""#;
    write!(out, "{head}{}\"}},\"traceEvents\":[", env!("CARGO_PKG_VERSION"))?;
    let mut trace = Trace {
        out,
        is_first: true,
        events: Vec::new(),
        next_id: 1,
        next_flow: 1,
        left_out: LeftOut::default(),
    };
    for run in model.runs_in_order() {
        trace.add_run(run)?;
    }
    let Trace { out, mut is_first, mut events, left_out, .. } = trace;
    // Stable: a slice stands before the events within it.
    events.sort_by_key(|event| event.ts);
    for event in &events {
        separate(out, &mut is_first)?;
        write_compact(out, event)?;
    }
    out.write_all(b"\n]}\n")?;
    Ok(left_out)
}

fn separate(out: &mut impl Write, is_first: &mut bool) -> io::Result<()> {
    out.write_all(if std::mem::take(is_first) { b"\n" } else { b",\n" })
}

struct Trace<'a, 'o, W> {
    out: &'o mut W,
    is_first: bool,
    events: Vec<Event<'a>>,
    /// Number of the next process or thread. None is used twice, because some viewers mix up threads of
    /// the same number.
    next_id: u32,
    next_flow: u64,
    left_out: LeftOut,
}

/// Thread of a pass.
struct Lane {
    tid: u32,
    /// End of its last slice in microseconds.
    until: i64,
}

impl<'a, W: Write> Trace<'a, '_, W> {
    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn meta(
        &mut self,
        name: &'static str,
        pid: u32,
        tid: u32,
        args: MetadataArgs,
    ) -> io::Result<()> {
        separate(self.out, &mut self.is_first)?;
        write_compact(self.out, &Metadata { name, ph: 'M', ts: 0, pid, tid, args })
    }

    fn thread(&mut self, pid: u32, name: &str) -> io::Result<u32> {
        let tid = self.id();
        self.meta("thread_name", pid, tid, MetadataArgs::Name(name))?;
        self.meta("thread_sort_index", pid, tid, MetadataArgs::SortIndex(tid))?;
        Ok(tid)
    }

    fn add_run(&mut self, run: &'a Run) -> io::Result<()> {
        let pid = self.id();
        let title = text::name(display_name(run).as_str());
        self.meta("process_name", pid, 0, MetadataArgs::Name(&title))?;
        let labels = format!("{}, {}", run.status.words(), text::name(run.id()));
        self.meta("process_labels", pid, 0, MetadataArgs::Labels(&labels))?;
        self.meta("process_sort_index", pid, 0, MetadataArgs::SortIndex(pid))?;
        let tid = self.thread(pid, "run")?;
        let of_run = || Args {
            run_id: Some(run.id()),
            song_id: run.song_id.as_deref(),
            seed: run.seed.map(exact),
            ..Args::default()
        };
        if let Some(span) = queue(run) {
            let is_open = run.status == RunStatus::Pending;
            self.slice("queued".to_owned(), "run", (pid, tid), span, is_open, of_run());
        }
        for execution in executions(run) {
            let is_latest = execution.number == run.executions;
            let name = match run.executions {
                1 => "run".to_owned(),
                _ => format!("execution {}", execution.number),
            };
            let args = Args {
                execution: Some(execution.number),
                fix_iterations: is_latest.then_some(run.fix_iterations),
                status: Some(execution.status.as_str()),
                duration_ms: execution.duration_ms,
                from_rest: is_latest.then_some(run.from_rest),
                error: execution.error.map(|error| &**error),
                ..of_run()
            };
            let is_open = !execution.status.is_over();
            self.slice(name, "run", (pid, tid), execution.span, is_open, args);
            if let Some(end) = execution.span.end().filter(|_| execution.status.is_over()) {
                let name = format!("run {}", execution.status.words());
                let error = execution.error.map(|error| &**error);
                self.instant(name, "run", (pid, tid), 'p', end, Args { error, ..of_run() });
            }
            self.add_steps(run, pid, &execution)?;
        }
        let cancelled = run.recent_events().filter(|it| it.kind == FactKind::Cancelled);
        let cancelled: Vec<Timestamp> = cancelled.filter_map(|it| plausible(it.at)).collect();
        for at in cancelled {
            self.instant("cancel requested".to_owned(), "run", (pid, tid), 'p', at, of_run());
        }
        Ok(())
    }

    fn add_steps(&mut self, run: &'a Run, pid: u32, execution: &Execution<'a>) -> io::Result<()> {
        let mut lanes: HashMap<u32, Vec<Lane>> = HashMap::new();
        // Thread and end of the last validation.
        let mut validated: Option<(u32, i64)> = None;
        for step in &execution.steps {
            let Some(first) = step.span.first() else {
                self.left_out.untimed += 1;
                continue;
            };
            let start = first.as_microsecond();
            let until = match step.span {
                Span::Start(_) if step.is_open() => i64::MAX,
                span => span.end().map_or(start, Timestamp::as_microsecond),
            };
            let of_pass = lanes.entry(step.pass).or_default();
            let free = of_pass.iter().position(|lane| lane.until <= start);
            let tid = match free {
                Some(index) => {
                    of_pass[index].until = until;
                    of_pass[index].tid
                }
                None => {
                    let name = lane_name(run, execution.number, step.pass, of_pass.len() + 1);
                    let tid = self.thread(pid, &name)?;
                    of_pass.push(Lane { tid, until });
                    tid
                }
            };
            self.add_step(step, execution.number, pid, tid);
            let has_length = until > start;
            match &*step.node.name {
                "VALIDATE" => validated = has_length.then_some((tid, until)),
                "FIX" => {
                    let from = validated.take().filter(|(_, until)| has_length && *until <= start);
                    if let Some((from, until)) = from {
                        self.flow(pid, (from, until - 1), (tid, start));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add_step(&mut self, step: &Step<'a>, execution: u32, pid: u32, tid: u32) {
        let attempt = step.attempt;
        let name = text::name(&step.node.name);
        let args = || Args {
            execution: Some(execution),
            attempt: Some(step.number),
            fix_pass: Some(step.pass),
            status: Some(attempt.status.as_str()),
            duration_ms: attempt.duration_ms,
            from_rest: Some(attempt.from_rest),
            scores: &attempt.scores,
            error: attempt.error.as_deref(),
            ..Args::default()
        };
        let place = (pid, tid);
        match step.span {
            Span::Start(at) if !step.is_open() => {
                let name = format!("{name} started, end not recorded");
                self.instant(name, "step", place, 't', at, args());
            }
            Span::End(at) => {
                let name = format!("{name} ended, start not recorded");
                self.instant(name, "step", place, 't', at, args());
            }
            span => self.slice(name.to_string(), "step", place, span, step.is_open(), args()),
        }
        if let Some(at) = step.span.end().filter(|_| attempt.status == NodeStatus::Failed) {
            self.instant(format!("{name} failed"), "failure", place, 't', at, args());
        }
    }

    /// Adds a slice: complete, or open where it goes on. Without an end that should be known it is an
    /// instant.
    fn slice(
        &mut self,
        name: String,
        cat: &'static str,
        (pid, tid): (u32, u32),
        span: Span,
        is_open: bool,
        args: Args<'a>,
    ) {
        let (ph, ts, dur) = match span {
            Span::Complete { start, end } => {
                let start = start.as_microsecond();
                ('X', start, Some(end.as_microsecond() - start))
            }
            Span::Start(start) if is_open => {
                self.left_out.open += 1;
                ('B', start.as_microsecond(), None)
            }
            Span::Start(at) => {
                let name = format!("{name} started, end not recorded");
                return self.instant(name, cat, (pid, tid), 't', at, args);
            }
            Span::End(_) | Span::Unknown => return,
        };
        self.events.push(Event {
            name,
            cat,
            ph,
            ts,
            dur,
            pid,
            tid,
            s: None,
            id: None,
            bp: None,
            args,
        });
    }

    fn instant(
        &mut self,
        name: String,
        cat: &'static str,
        (pid, tid): (u32, u32),
        scope: char,
        at: Timestamp,
        args: Args<'a>,
    ) {
        let (ts, s) = (at.as_microsecond(), Some(scope));
        self.events.push(Event {
            name,
            cat,
            ph: 'i',
            ts,
            dur: None,
            pid,
            tid,
            s,
            id: None,
            bp: None,
            args,
        });
    }

    /// Adds an arrow between the slices around two instants, each given with its thread.
    fn flow(&mut self, pid: u32, from: (u32, i64), to: (u32, i64)) {
        let id = Some(self.next_flow);
        self.next_flow += 1;
        for (ph, (tid, ts), bp) in [('s', from, None), ('f', to, Some('e'))] {
            let (name, args) = ("refused".to_owned(), Args::default());
            self.events.push(Event {
                name,
                cat: "fix",
                ph,
                ts,
                dur: None,
                pid,
                tid,
                s: None,
                id,
                bp,
                args,
            });
        }
    }
}

fn lane_name(run: &Run, execution: u32, pass: u32, number: usize) -> String {
    let mut name = match pass {
        0 => "first pass".to_owned(),
        pass => format!("fix {pass}"),
    };
    if number > 1 {
        name.push_str(&format!(" ({number})"));
    }
    if run.executions > 1 {
        name.push_str(&format!(", execution {execution}"));
    }
    name
}
