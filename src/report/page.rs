//! Writes the page, section by section.

use std::io::{self, Write};

use jiff::Timestamp;

use super::charts;
use super::html::{escaped, excerpt};
use super::summary::{self, CauseGroup, FIX_LINES, MOST_CAUSES, MOST_RUNS, MOST_SONGS, MOST_STEPS};
use crate::model::{Model, Run, RunStatus, display_name, failure_words, final_score};
use crate::text::{self, count_words, duration_words};
use crate::time_zone::DisplayZone;

/// Characters shown of a name and of a reason.
const NAME_CHARS: usize = 100;
const REASON_CHARS: usize = 300;
/// Maximum number of recordings that are named.
const MOST_FILES: usize = 10;

const STYLE: &str = include_str!("style.css");

/// Writes the page about all runs, made from these files, with times in this zone.
pub fn write_page(
    out: &mut impl Write,
    model: &Model,
    files: &[String],
    zone: &DisplayZone,
) -> io::Result<()> {
    let runs = model.runs_in_order();
    let page = Page { model, runs: &runs, zone };
    page.write_head(out, files)?;
    page.write_summary(out)?;
    page.write_outcomes(out)?;
    page.write_causes(out)?;
    page.write_steps(out)?;
    page.write_fixes(out)?;
    page.write_runs(out)?;
    writeln!(
        out,
        "</main>\n<footer><p class=\"soft\">Written by Meterbridge {}. Times are in {}.</p></footer>\n\
         </body>\n</html>",
        env!("CARGO_PKG_VERSION"),
        escaped(&page.zone_words())
    )
}

struct Page<'a> {
    model: &'a Model,
    /// In order of their first event.
    runs: &'a [&'a Run],
    zone: &'a DisplayZone,
}

impl Page<'_> {
    fn zone_words(&self) -> String {
        let at = summary::time_range(self.runs).map_or(Timestamp::UNIX_EPOCH, |(first, _)| first);
        self.zone.words(at)
    }

    fn time(&self, at: Timestamp) -> String {
        let words = self.time_words(at);
        format!("<time datetime=\"{at}\">{words}</time>")
    }

    fn time_words(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.zone().clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn write_head(&self, out: &mut impl Write, files: &[String]) -> io::Result<()> {
        writeln!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'\">\n<title>Meterbridge report: {} runs</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">Skip to the report</a>\n\
             <header>\n<h1>Report of {}</h1>",
            count_words(self.runs.len() as u64),
            counted(self.runs.len(), "run"),
        )?;
        if let Some((first, last)) = summary::time_range(self.runs) {
            writeln!(
                out,
                "<p>From {} to {}, {}.</p>",
                self.time(first),
                self.time(last),
                escaped(&self.zone_words())
            )?;
        }
        let mut names: Vec<String> =
            files.iter().take(MOST_FILES).map(|name| excerpt(name, NAME_CHARS)).collect();
        if files.len() > MOST_FILES {
            names.push(format!("and {} more", files.len() - MOST_FILES));
        }
        writeln!(out, "<p class=\"soft\">Made from {}.</p>", names.join(", "))?;
        writeln!(out, "</header>\n<main id=\"main\">")
    }

    fn write_summary(&self, out: &mut impl Write) -> io::Result<()> {
        let counters = self.model.counters();
        let of = |status| self.model.count(status) as u64;
        let (finished, failed) = (of(RunStatus::Completed), of(RunStatus::Failed));
        let rate = match finished + failed {
            0 => "–".to_owned(),
            ended => format!("{:.1} %", 100.0 * finished as f64 / ended as f64),
        };
        let usual = summary::usual_run(self.runs);
        let passes: u64 = self.runs.iter().map(|run| u64::from(run.fix_iterations)).sum();
        let duration = |millis: Option<u64>| millis.map_or_else(|| "–".to_owned(), duration_words);
        let lines = [
            ("Runs", count_words(self.runs.len() as u64)),
            ("Finished", count_words(finished)),
            ("Failed", count_words(failed)),
            ("Cancelled", count_words(of(RunStatus::Cancelled))),
            ("Running", count_words(of(RunStatus::Running))),
            ("Queued", count_words(of(RunStatus::Pending))),
            ("Finished of ended", rate),
            ("Usual duration", duration(usual.map(|it| it.p50_ms))),
            ("Slow beyond", duration(usual.map(|it| it.p95_ms))),
            ("Fix passes", count_words(passes)),
            ("Frames", count_words(counters.frames)),
            ("Events", count_words(counters.events)),
            ("Duplicates", count_words(counters.duplicates)),
            ("Malformed", count_words(counters.malformed)),
            ("Ignored", count_words(counters.ignored)),
        ];
        section(out, "summary", "Summary")?;
        writeln!(out, "<dl>")?;
        for (name, value) in lines {
            writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
        }
        writeln!(
            out,
            "</dl>\n<p class=\"soft\">Finished of ended: finished runs of those that finished or failed. \
             Usual: the median of the last 200 successes; slow: beyond their 95th percentile.</p>\n\
             </section>"
        )
    }

    fn write_outcomes(&self, out: &mut impl Write) -> io::Result<()> {
        section(out, "outcomes", "Ends of runs over time")?;
        let Some(outcomes) = summary::outcomes(self.runs) else {
            return writeln!(out, "<p>No run has ended.</p>\n</section>");
        };
        out.write_all(charts::outcomes(&outcomes, &|at| self.time_words(at)).as_bytes())?;
        writeln!(
            out,
            "<p class=\"key\" aria-hidden=\"true\"><span><i class=\"finished\"></i>finished</span>\
             <span><i class=\"failed\"></i>failed</span>\
             <span><i class=\"cancelled\"></i>cancelled</span></p>"
        )?;
        let caption = format!(
            "Runs by the time of their end, in parts of {}; parts without an end are left out",
            summary::part_words(outcomes.part_secs)
        );
        table(
            out,
            &caption,
            &[("From", ""), ("Finished", "n"), ("Failed", "n"), ("Cancelled", "n")],
        )?;
        for (at, ends) in outcomes.parts.iter().filter(|(_, ends)| ends.total() > 0) {
            writeln!(
                out,
                "<tr><th scope=\"row\" class=\"t\">{}</th>{}{}{}</tr>",
                self.time(*at),
                number(ends.finished),
                number(ends.failed),
                number(ends.cancelled)
            )?;
        }
        end_table(out)
    }

    fn write_causes(&self, out: &mut impl Write) -> io::Result<()> {
        section(out, "causes", "Causes of failure")?;
        let causes = summary::causes(self.runs);
        if causes.is_empty() {
            return writeln!(out, "<p>No run has failed.</p>\n</section>");
        }
        let caption = format!(
            "Failed runs by step and reason, in which numbers and ids do not count; the reason is that \
             of the latest{}",
            left_out(causes.len(), MOST_CAUSES, "cause")
        );
        table(
            out,
            &caption,
            &[("Step", ""), ("Reason", ""), ("Runs", "n"), ("Songs", ""), ("Latest", "")],
        )?;
        for cause in causes.iter().take(MOST_CAUSES) {
            let CauseGroup { step, reason, count, songs, song_count, last } = cause;
            let mut names: Vec<String> = songs.iter().map(|it| excerpt(it, NAME_CHARS)).collect();
            if *song_count > MOST_SONGS {
                names.push(format!("and {} more", song_count - MOST_SONGS));
            }
            writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{}</td>{}<td>{}</td><td class=\"t\">{}</td></tr>",
                step.as_deref()
                    .map_or_else(|| "outside a step".to_owned(), |it| excerpt(it, NAME_CHARS)),
                excerpt(reason, REASON_CHARS),
                number(*count),
                names.join(", "),
                last.map_or_else(|| "–".to_owned(), |at| self.time(at)),
            )?;
        }
        end_table(out)
    }

    fn write_steps(&self, out: &mut impl Write) -> io::Result<()> {
        section(out, "steps", "Durations of the steps")?;
        let steps = summary::steps(self.runs);
        if steps.is_empty() {
            return writeln!(out, "<p>No step has been seen.</p>\n</section>");
        }
        let shown = &steps[..steps.len().min(MOST_STEPS)];
        if shown.iter().any(|step| step.usual.is_some()) {
            out.write_all(charts::durations(shown).as_bytes())?;
        }
        let caption = format!(
            "Steps with their usual duration, the median of their last 200 successes, and the duration \
             beyond which they are slow, the 95th percentile{}",
            left_out(steps.len(), MOST_STEPS, "step")
        );
        let heads = [
            ("Step", ""),
            ("Usual", "n"),
            ("Slow beyond", "n"),
            ("Successes used", "n"),
            ("Longest", "n"),
            ("Attempts", "n"),
            ("Failed", "n"),
        ];
        table(out, &caption, &heads)?;
        for step in shown {
            writeln!(
                out,
                "<tr><th scope=\"row\">{}</th>{}{}{}{}{}{}</tr>",
                excerpt(&step.name, NAME_CHARS),
                duration(step.usual.map(|it| it.p50_ms)),
                duration(step.usual.map(|it| it.p95_ms)),
                number(step.usual.map_or(0, |it| it.samples)),
                duration(step.longest_ms),
                number(step.attempts as usize),
                number(step.failed as usize),
            )?;
        }
        end_table(out)
    }

    fn write_fixes(&self, out: &mut impl Write) -> io::Result<()> {
        section(out, "fixes", "Fix passes")?;
        table(
            out,
            "Started runs by their number of fix passes in the latest execution",
            &[("Fix passes", ""), ("Runs", "n"), ("Finished", "n"), ("Failed", "n")],
        )?;
        for (passes, line) in summary::fixes(self.runs).into_iter().enumerate() {
            let more = if passes == FIX_LINES - 1 { " or more" } else { "" };
            if passes == FIX_LINES - 1 && line.runs == 0 {
                continue;
            }
            writeln!(
                out,
                "<tr><th scope=\"row\">{passes}{more}</th>{}{}{}</tr>",
                number(line.runs),
                number(line.finished),
                number(line.failed)
            )?;
        }
        end_table(out)
    }

    fn write_runs(&self, out: &mut impl Write) -> io::Result<()> {
        section(out, "runs", "Runs")?;
        let caption = format!(
            "Runs, the latest first{}; of a run that goes on, the time until its last event",
            left_out(self.runs.len(), MOST_RUNS, "earlier run")
        );
        let heads = [
            ("Song", ""),
            ("Status", ""),
            ("Started", ""),
            ("Elapsed", "n"),
            ("Fix passes", "n"),
            ("Score", "n"),
            ("Reason", ""),
            ("Run", ""),
        ];
        table(out, &caption, &heads)?;
        for run in self.runs.iter().rev().take(MOST_RUNS) {
            let class = match run.status {
                RunStatus::Completed => "finished",
                RunStatus::Failed => "failed",
                RunStatus::Cancelled => "cancelled",
                RunStatus::Running => "running",
                RunStatus::Pending => "soft",
            };
            let mut status = run.status.words().to_owned();
            if run.executions > 1 {
                status.push_str(&format!(" (execution {})", run.executions));
            }
            if run.cancel_requested && run.status != RunStatus::Cancelled {
                status.push_str(" (cancel requested)");
            }
            let reason = failure_words(run).map(|(step, reason)| match step {
                Some(step) => format!("{step}: {reason}"),
                None => reason,
            });
            let score = final_score(run).filter(|score| score.is_finite());
            writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td class=\"{class}\">{status}</td>\
                 <td class=\"t\">{}</td>{}{}<td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
                excerpt(&text::name(display_name(run).as_str()), NAME_CHARS),
                run.started_at.map_or_else(|| "–".to_owned(), |at| self.time(at)),
                duration(run.elapsed_ms(run.last_event_at())),
                number(run.fix_iterations as usize),
                score.map_or_else(|| "–".to_owned(), |score| format!("{score:.2}")),
                reason.map_or_else(String::new, |reason| excerpt(&reason, REASON_CHARS)),
                excerpt(&text::name(run.id()), NAME_CHARS),
            )?;
        }
        end_table(out)
    }
}

fn section(out: &mut impl Write, id: &str, title: &str) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>")
}

/// Begins a table. Its frame can be reached with the keyboard, because it may have to be scrolled.
fn table(out: &mut impl Write, caption: &str, heads: &[(&str, &str)]) -> io::Result<()> {
    let label = escaped(caption.split([';', ',']).next().unwrap_or(caption));
    writeln!(
        out,
        "<div class=\"scroll\" role=\"group\" aria-label=\"{label}\" tabindex=\"0\">\n\
         <table>\n<caption>{caption}.</caption>\n<thead><tr>"
    )?;
    for (name, class) in heads {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        write!(out, "<th scope=\"col\"{class}>{name}</th>")?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")
}

fn end_table(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "</tbody>\n</table>\n</div>\n</section>")
}

fn number(count: usize) -> String {
    format!("<td class=\"n\">{}</td>", count_words(count as u64))
}

fn duration(millis: Option<u64>) -> String {
    format!("<td class=\"n\">{}</td>", millis.map_or_else(|| "–".to_owned(), duration_words))
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count_words(count as u64))
}

/// Says how many of `count` are left out beyond `most`, as the end of a sentence.
fn left_out(count: usize, most: usize, noun: &str) -> String {
    match count.saturating_sub(most) {
        0 => String::new(),
        more => format!("; {} left out", counted(more, noun)),
    }
}
