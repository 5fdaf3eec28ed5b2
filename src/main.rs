//! Runs the command given by the arguments. Exit codes: 0 success, 1 runtime error, 2 usage error.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[cfg(feature = "app")]
use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
#[cfg(feature = "hub")]
use meterbridge::cli::WebhooksArgs;
use meterbridge::cli::{
    Cli, Command, ExportArgs, ExportFormat, FileStore, HistoryArgs, HistorySource, InspectArgs,
    RecordArgs, ReportArgs, ScreensArgs, UsageError, WindowArgs, stdout_style, write_screens,
};
use meterbridge::demo::{DemoArgs, DemoError};
use meterbridge::export::{self, LeftOut};
use meterbridge::history::{self, History, Summary, summary_of};
use meterbridge::inspect::{self, Readout, Report};
use meterbridge::model::{Model, Retention, Run};
use meterbridge::progress;
use meterbridge::protocol::screen::read_list;
use meterbridge::source::recording::{Recording, RecordingError};
use meterbridge::source::{Access, ApiUrl, get_once};
use meterbridge::{report, text};

/// Cargo.toml gives the reason for this allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    warn_of_a_visible_password();
    let (cli, store) = meterbridge::cli::parse();
    match run(&cli, store) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr is ignored; the exit code still reports the error.
            let _ = writeln!(io::stderr(), "error: {}", text::clean(&format!("{error:#}")));
            ExitCode::from(exit_code(&error))
        }
    }
}

/// Warns when an argument contains a password, because all users of the machine can read command
/// lines.
fn warn_of_a_visible_password() {
    let has_password = |argument: &String| {
        let authority = argument.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        let userinfo = authority.and_then(|authority| authority.rsplit_once('@'));
        userinfo.is_some_and(|(userinfo, _)| userinfo.contains(':'))
    };
    if std::env::args_os()
        .skip(1)
        .filter_map(|it| it.into_string().ok())
        .any(|it| has_password(&it))
    {
        let _ = writeln!(
            io::stderr(),
            "warning: other users of this machine can read the password on the command line; use \
             METERBRIDGE_TOKEN or --token-file instead"
        );
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    #[cfg(feature = "hub")]
    if let Some(error) = error.downcast_ref::<meterbridge::hub::HubError>() {
        return error.exit_code();
    }
    let usage = error.is::<UsageError>();
    let demo = error.downcast_ref::<DemoError>().map(DemoError::exit_code);
    demo.unwrap_or(if usage { 2 } else { 1 })
}

fn run(cli: &Cli, store: Option<FileStore>) -> anyhow::Result<()> {
    match &cli.command {
        None => open_window(&cli.window, store),
        Some(Command::Inspect(args)) => inspect(args),
        Some(Command::Export(args)) => export(args),
        Some(Command::Report(args)) => report(args),
        Some(Command::History(args)) => show_history(args),
        Some(Command::Screens(args)) => show_screens(args),
        #[cfg(feature = "hub")]
        Some(Command::Webhooks(args)) => check_webhooks(args),
        #[cfg(feature = "app")]
        Some(Command::Snapshot(args)) => {
            let request = args.request()?;
            let api = request.settings.connection.api.clone();
            let taken =
                meterbridge::app::snapshot(request).context("the picture could not be taken");
            meterbridge::drain::wait_blocking(api.budget.held(), api.drain);
            taken
        }
        #[cfg(feature = "app")]
        Some(Command::Clip(args)) => {
            meterbridge::app::clip(args.request()?).context("the clip could not be drawn")
        }
        Some(Command::Record(args)) => record(args),
        Some(Command::Demo(args)) => demo(&args.demo),
        #[cfg(feature = "hub")]
        Some(Command::Serve(args)) => serve(&args.serve),
    }
}

fn open_window(args: &WindowArgs, store: Option<FileStore>) -> anyhow::Result<()> {
    if let Some(store) = &store {
        // A closed stderr must not stop the display.
        for complaint in store.complaints() {
            let _ = writeln!(io::stderr(), "warning: {}", text::clean(&complaint.to_string()));
        }
    }
    let request = args.request()?;
    #[cfg(feature = "app")]
    {
        anyhow::ensure!(
            has_display(),
            "there is no display to open a window on; `meterbridge inspect`, `meterbridge record`, \
             `meterbridge snapshot`, `meterbridge demo` and `meterbridge serve` work without one"
        );
        let recording = store.as_ref().and_then(FileStore::recording_words);
        let shown = meterbridge::app::run(request, store.map(Into::into));
        let shown = shown.map_err(|error| match recording {
            Some(words) if matches!(error, meterbridge::app::WindowError::Record(_)) => {
                anyhow::Error::from(error).context(words)
            }
            _ => error.into(),
        });
        shown.context("the window could not be shown")
    }
    #[cfg(not(feature = "app"))]
    {
        drop((request, store));
        anyhow::bail!(
            "this build has no window (it was built without the feature `app`); \
             `meterbridge inspect`, `meterbridge record`, `meterbridge demo` and `meterbridge serve` \
             work without one"
        )
    }
}

/// True when a display is configured; opening a window may still fail.
#[cfg(feature = "app")]
fn has_display() -> bool {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].into_iter().any(named)
}

fn demo(args: &DemoArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(meterbridge::demo::run(args.clone()))?)
}

fn record(args: &RecordArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(meterbridge::record::run(args.request()?))?)
}

#[cfg(feature = "hub")]
fn serve(args: &meterbridge::hub::ServeArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(meterbridge::hub::run(args.clone()))?)
}

fn inspect(args: &InspectArgs) -> anyhow::Result<()> {
    args.check()?;
    let zone = meterbridge::time_zone::current().zone().clone();
    let mut end = args.as_of.map(|as_of| inspect::End::new(as_of, zone));
    let recordings = Recordings::read(&args.files, end.as_mut())?;
    let ends_before = match end.as_ref().map(inspect::End::check) {
        Some(result) => result.map_err(UsageError::from)?,
        None => None,
    };
    let report = Report::of(&recordings.model);

    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.json {
        inspect::write_json(&mut out, &report)?;
    } else {
        inspect::write_table(&mut out, &report, stdout_style())?;
    }
    out.flush()?;
    drop(out);
    if let Some(ended_at) = ends_before {
        writeln!(
            io::stderr(),
            "the recording ends at {ended_at}, before --as-of; this is its end"
        )?;
    }
    recordings.tell_problems()
}

fn export(args: &ExportArgs) -> anyhow::Result<()> {
    let target = args.check()?;
    let recordings = Recordings::read(&args.files, None)?;
    let model = &recordings.model;
    let LeftOut { open, untimed } = target.write(|mut out| match args.format {
        ExportFormat::Perfetto => export::write_perfetto(&mut out, model),
        ExportFormat::Otlp => export::write_otlp(&mut out, model),
        ExportFormat::Csv => {
            export::write_csv(&mut out, model, args.rows.unwrap_or_default())?;
            Ok(LeftOut::default())
        }
    })?;
    if open > 0 && args.format == ExportFormat::Otlp {
        writeln!(
            io::stderr(),
            "left out: {open} spans that have not ended; export again when they have, the ids stay \
             the same"
        )?;
    }
    if untimed > 0 {
        writeln!(
            io::stderr(),
            "left out: {untimed} runs or attempts without any time; --format csv has them"
        )?;
    }
    recordings.tell_problems()
}

fn report(args: &ReportArgs) -> anyhow::Result<()> {
    let target = args.check()?;
    let recordings = Recordings::read(&args.files, None)?;
    let zone = args.time_zone.clone().unwrap_or_else(meterbridge::time_zone::current);
    // Without folders, which are nobody's business when the page is sent on.
    let name = |path: &PathBuf| match path.file_name() {
        Some(name) if path != Path::new(InspectArgs::STDIN) => name.display().to_string(),
        _ => "standard input".to_owned(),
    };
    let names: Vec<String> = args.files.iter().map(name).collect();
    target.write(|mut out| report::write_page(&mut out, &recordings.model, &names, &zone))?;
    recordings.tell_problems()
}

fn show_history(args: &HistoryArgs) -> anyhow::Result<()> {
    let (summary, recordings) = match args.source()? {
        HistorySource::Hub { url, access } => (hub_summary(args, &url, &access)?, None),
        HistorySource::Files(files) => {
            let recordings = Recordings::read(&files, None)?;
            let mut history = History::default();
            for run in recordings.model.runs() {
                history.note(run, None);
            }
            let last = recordings.model.runs().map(Run::last_event_at).max();
            // The end of a period does not belong to it, but the last event does.
            let after = last.and_then(|at| at.checked_add(SignedDuration::from_secs(1)).ok());
            let now = after.unwrap_or_else(Timestamp::now);
            let all = history.reach().filter(|(from, _)| *from < now).map(|(from, _)| (from, now));
            let period = args.period(now, all)?;
            (summary_of(&history, period).map_err(UsageError::from)?, Some(recordings))
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.json {
        inspect::write_json(&mut out, &summary)?;
    } else if args.csv {
        history::write_csv(&mut out, &summary, args.rows.unwrap_or_default())?;
    } else {
        history::write_table(&mut out, &summary, args.zone().zone(), stdout_style())?;
    }
    out.flush()?;
    drop(out);
    recordings.map_or(Ok(()), Recordings::tell_problems)
}

fn hub_summary(args: &HistoryArgs, url: &ApiUrl, access: &Access) -> anyhow::Result<Summary> {
    let target = format!("/history/summary?{}", args.query(Timestamp::now())?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let body = runtime.block_on(get_once(url, &target, access)).map_err(|error| match error.status {
        Some(404) => anyhow::anyhow!(
            "{}. There is no history at {}: name the address of a hub (meterbridge serve URL) of this \
             version",
            error,
            url.authority()
        ),
        Some(400) => UsageError::RefusedByHub { words: error.to_string() }.into(),
        _ => anyhow::anyhow!("{error}"),
    })?;
    let is_current = |summary: &Summary| summary.meterbridge_history == history::VERSION;
    serde_json::from_slice(&body).ok().filter(is_current).ok_or_else(|| {
        anyhow::anyhow!(
            "{} does not answer like a hub of this version: update Meterbridge there or here",
            url.authority()
        )
    })
}

fn show_screens(args: &ScreensArgs) -> anyhow::Result<()> {
    let (url, access) = (args.url()?, args.access());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asking = get_once(&url, "/screens", &access);
    let is_no_hub = || {
        anyhow::anyhow!(
            "there is no list of screens at {}: name the address of a hub (meterbridge serve URL) of \
             this version",
            url.authority()
        )
    };
    let body = runtime.block_on(asking).map_err(|error| match error.status {
        Some(404) => is_no_hub(),
        _ => anyhow::anyhow!("{error}"),
    })?;
    let screens = read_list(&body).ok_or_else(is_no_hub)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.json {
        out.write_all(text::visible_json(&String::from_utf8_lossy(&body)).as_bytes())?;
    } else {
        write_screens(&mut out, &screens)?;
    }
    out.flush()?;
    Ok(())
}

#[cfg(feature = "hub")]
fn check_webhooks(args: &WebhooksArgs) -> anyhow::Result<()> {
    use meterbridge::hub::HubError;
    use meterbridge::hub::webhooks::{WebhookOptions, read_file, send_tests};

    let webhooks = read_file(&args.file).map_err(HubError::from)?;
    let mut out = io::stdout().lock();
    for webhook in &webhooks {
        writeln!(out, "{}", webhook.words())?;
    }
    if !args.test {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let options = WebhookOptions { webhooks, access: args.access(), ..WebhookOptions::default() };
    let results = runtime.block_on(send_tests(options))?;
    for (name, result) in &results {
        match result {
            Ok(()) => writeln!(out, "{name}: delivered")?,
            Err(words) => writeln!(out, "{name}: not delivered: {}", text::one_line(words))?,
        }
    }
    let failed = results.iter().filter(|(_, result)| result.is_err()).count();
    anyhow::ensure!(failed == 0, "{failed} of {} webhooks failed", results.len());
    Ok(())
}

/// Recordings read into one model, as if they were consecutive connections.
struct Recordings {
    model: Model,
    /// Lines that could not be read, with their files.
    problems: Vec<(PathBuf, String)>,
    /// Errors that ended the reading of a file after something had been read.
    failures: Vec<RecordingError>,
}

impl Recordings {
    fn read(files: &[PathBuf], mut end: Option<&mut inspect::End>) -> Result<Self, RecordingError> {
        let mut model = Model::new(Retention::EVERYTHING);
        let (mut problems, mut failures) = (Vec::new(), Vec::new());
        for path in files {
            let Readout { problems: found, result } = read(&mut model, path, end.as_deref_mut())?;
            problems.extend(found.into_iter().map(|problem| (path.clone(), problem)));
            match result {
                // Events read before a failure are reported before it.
                Err(error @ RecordingError::Read { line: 1.., .. }) => failures.push(error),
                result => result?,
            }
        }
        Ok(Self { model, problems, failures })
    }

    /// Says what could not be read. Fails if a file could not be read to its end.
    fn tell_problems(mut self) -> anyhow::Result<()> {
        for (path, problem) in self.problems {
            let path = path.display().to_string();
            writeln!(io::stderr(), "{}: {problem}", text::one_line(&path))?;
        }
        let Some(last) = self.failures.pop() else { return Ok(()) };
        for failure in self.failures {
            writeln!(io::stderr(), "error: {}", text::clean(&failure.to_string()))?;
        }
        Err(last.into())
    }
}

fn read(
    model: &mut Model,
    path: &Path,
    end: Option<&mut inspect::End>,
) -> Result<Readout, RecordingError> {
    if path == Path::new(InspectArgs::STDIN) {
        let input = progress::on_stderr(io::stdin(), "standard input");
        Ok(read_recording(model, Recording::new(input), end))
    } else {
        Ok(read_recording(model, progress::open(path)?, end))
    }
}

fn read_recording(
    model: &mut Model,
    recording: Recording<impl io::Read + Send>,
    end: Option<&mut inspect::End>,
) -> Readout {
    match end {
        Some(end) => inspect::read_until(model, recording, end),
        None => inspect::read_as_far_as_possible(model, recording),
    }
}

/// True when the reader of our output closed the pipe, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
