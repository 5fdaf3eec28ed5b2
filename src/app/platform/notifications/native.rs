//! Notifications of the desktop, by the program that each system has for them: `notify-send` on Linux and other
//! Unix systems, `osascript` on macOS, PowerShell on Windows. A library for them would bring a D-Bus of its own
//! with an asynchronous runtime, for a message that is sent now and then.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::process::{Command, Stdio};

use crossbeam_channel::{Sender, bounded};
use tracing::warn;

use crate::notify::Notification;

/// Most notifications that wait for the desktop; more are dropped.
const MOST_WAITING: usize = 32;

/// Word before the texts of a notification on macOS. The first word that is no option ends the options, so that a
/// text which begins with `-` is none.
const END_OF_OPTIONS: &str = "texts";

/// Hands notifications to a thread, because a desktop may answer late.
pub(super) struct Delivery(Option<Sender<Notification>>);

impl Delivery {
    /// Starts the thread.
    pub fn begin(_sound: bool) -> Self {
        let (sender, notifications) = bounded::<Notification>(MOST_WAITING);
        let mut has_failed = false;
        // Random, so that another window does not replace the notifications of this one.
        let start = RandomState::new().build_hasher().finish();
        let thread = std::thread::Builder::new().name("meterbridge-notifications".to_owned());
        let started = thread.spawn(move || {
            for notification in notifications {
                // One line in the log is enough.
                if let Err(error) = show(&notification, start)
                    && !std::mem::replace(&mut has_failed, true)
                {
                    warn!("notifications cannot be shown: {error}");
                }
            }
        });
        Self(started.is_ok().then_some(sender))
    }

    /// Shows a notification soon; drops it where too many wait.
    pub fn show(&mut self, notification: Notification) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(notification);
        }
    }
}

/// Runs the system's program, and waits until it has handed the notification on.
fn show(notification: &Notification, start: u64) -> Result<(), String> {
    let Invocation { program, arguments, variables } = Invocation::of(notification, start);
    let mut command = Command::new(program);
    command.args(arguments).envs(variables);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    let output = command.output().map_err(|error| format!("`{program}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = crate::text::single_spaced(&said, 200);
    Err(format!("`{program}` ended with {}: {said}", output.status))
}

/// Program that shows a notification, with its arguments and variables of its environment.
#[derive(Debug, PartialEq, Eq)]
struct Invocation {
    program: &'static str,
    arguments: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

impl Invocation {
    /// Returns how this system shows a notification. Texts are arguments or variables of their own, and never
    /// part of a script. `start` tells the notifications of this start from those of others.
    fn of(notification: &Notification, start: u64) -> Self {
        if cfg!(target_os = "macos") {
            Self::on_macos(notification)
        } else if cfg!(windows) {
            Self::on_windows(notification, start)
        } else {
            Self::on_a_desktop(notification, start)
        }
    }

    fn on_a_desktop(notification: &Notification, start: u64) -> Self {
        let Notification { number, title, body, is_bad, has_sound } = notification;
        let icon = if *is_bad { "dialog-warning" } else { "dialog-information" };
        let tag = tag(*number, start);
        let mut arguments = vec![
            "--app-name=Meterbridge".to_owned(),
            format!("--icon={icon}"),
            // Desktops that know one of these show a later notification in place of the earlier one.
            format!("--hint=string:x-canonical-private-synchronous:{tag}"),
            format!("--hint=string:x-dunst-stack-tag:{tag}"),
        ];
        if *has_sound {
            arguments.push("--hint=string:sound-name:dialog-warning".to_owned());
        }
        // The text below the title may be markup, and the program reads escapes with backslashes in it.
        let body = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = body.replace('\\', r"\\");
        arguments.extend(["--".to_owned(), title.clone(), body]);
        Self { program: "notify-send", arguments, variables: Vec::new() }
    }

    fn on_macos(notification: &Notification) -> Self {
        let Notification { title, body, has_sound, .. } = notification;
        let shown = "display notification (item 3 of argv) with title (item 2 of argv)";
        let sound = if *has_sound { " sound name \"Basso\"" } else { "" };
        let script = ["on run argv".to_owned(), format!("{shown}{sound}"), "end run".to_owned()];
        let script = script.into_iter().flat_map(|line| ["-e".to_owned(), line]);
        let texts = [END_OF_OPTIONS.to_owned(), title.clone(), body.clone()];
        let arguments = script.chain(texts).collect();
        Self { program: "osascript", arguments, variables: Vec::new() }
    }

    fn on_windows(notification: &Notification, start: u64) -> Self {
        let Notification { number, title, body, has_sound, .. } = notification;
        let arguments = ["-NoProfile", "-NonInteractive", "-Command", TOAST].map(str::to_owned);
        let sound = if *has_sound { "yes" } else { "" };
        let variables = vec![
            ("METERBRIDGE_TOAST_TITLE", title.clone()),
            ("METERBRIDGE_TOAST_BODY", body.clone()),
            ("METERBRIDGE_TOAST_TAG", tag(*number, start)),
            ("METERBRIDGE_TOAST_SOUND", sound.to_owned()),
        ];
        Self { program: "powershell", arguments: arguments.to_vec(), variables }
    }
}

/// Returns the name under which a later notification replaces an earlier one of this start.
fn tag(number: u64, start: u64) -> String {
    format!("meterbridge-{start:x}-{number}")
}

/// Shows a toast of Windows with the texts in the environment, in the name of PowerShell: only installed programs
/// have names of their own.
const TOAST: &str = "\
$ErrorActionPreference = 'Stop'
[Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime] | Out-Null
$manager = [Windows.UI.Notifications.ToastNotificationManager]
$xml = $manager::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
$texts = $xml.GetElementsByTagName('text')
$texts.Item(0).AppendChild($xml.CreateTextNode($env:METERBRIDGE_TOAST_TITLE)) | Out-Null
$texts.Item(1).AppendChild($xml.CreateTextNode($env:METERBRIDGE_TOAST_BODY)) | Out-Null
if (-not $env:METERBRIDGE_TOAST_SOUND) {
  $audio = $xml.CreateElement('audio')
  $audio.SetAttribute('silent', 'true')
  $xml.DocumentElement.AppendChild($audio) | Out-Null
}
$toast = [Windows.UI.Notifications.ToastNotification]::new($xml)
$toast.Tag = $env:METERBRIDGE_TOAST_TAG
$app = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'
$manager::CreateToastNotifier($app).Show($toast)
";

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(has_sound: bool) -> Notification {
        Notification {
            number: 7,
            title: "-A \"quoted\" song failed".to_owned(),
            body: "a <b> & c; $(rm)".to_owned(),
            is_bad: true,
            has_sound,
        }
    }

    #[test]
    fn texts_reach_the_desktop_unchanged_and_are_no_options() {
        let made = Invocation::on_a_desktop(&notification(false), 1);
        assert_eq!(made.program, "notify-send");
        let texts = ["--", "-A \"quoted\" song failed", "a &lt;b&gt; &amp; c; $(rm)"];
        assert_eq!(made.arguments[made.arguments.len() - 3..], texts);
        assert!(!made.arguments.iter().any(|argument| argument.contains("sound")));
        assert!(made.arguments.contains(&"--icon=dialog-warning".to_owned()));
        let loud = Invocation::on_a_desktop(&notification(true), 1);
        assert!(loud.arguments.iter().any(|argument| argument.contains("sound-name")));
    }

    #[test]
    fn backslashes_reach_the_desktop() {
        let body = r"C:\new\table".to_owned();
        let made = Invocation::on_a_desktop(&Notification { body, ..notification(false) }, 1);
        assert_eq!(made.arguments.last().map(String::as_str), Some(r"C:\\new\\table"));
    }

    #[test]
    fn notifications_of_two_windows_do_not_replace_each_other() {
        let tags = |start: u64| {
            let desktop = Invocation::on_a_desktop(&notification(false), start);
            let windows = Invocation::on_windows(&notification(false), start);
            (desktop.arguments[3].clone(), windows.variables[2].1.clone())
        };
        let (one, other) = (tags(1), tags(2));
        assert!(one.0 != other.0 && one.1 != other.1, "{one:?} {other:?}");
        assert_eq!(one, tags(1), "later news of one failure do");
    }

    /// Returns the texts that osascript hands to its script: like every program that reads options in the way of
    /// BSD, it takes options until the first argument that is none.
    fn handed_to_the_script(arguments: &[String]) -> &[String] {
        let mut rest = arguments;
        while let [option, _, after @ ..] = rest
            && option.starts_with('-')
        {
            assert_eq!(option, "-e", "the only option that is meant");
            rest = after;
        }
        rest
    }

    #[test]
    fn texts_are_no_part_of_a_script_and_no_options() {
        for title in ["-A \"quoted\" song", "-e", "-edo shell script \"rm\"", "--", "-l", ""] {
            for has_sound in [false, true] {
                let (title, body) = (title.to_owned(), "-e a <b> & c; $(rm)".to_owned());
                let told = Notification { title, body, ..notification(has_sound) };
                let made = Invocation::on_macos(&told);
                let texts = [END_OF_OPTIONS, &told.title, &told.body];
                assert_eq!(handed_to_the_script(&made.arguments), texts);
                let shown = "display notification (item 3 of argv) with title (item 2 of argv)";
                assert!(made.arguments[3].starts_with(shown));
                assert_eq!(made.arguments[3].contains("Basso"), has_sound);
                let made = Invocation::on_windows(&told, 1);
                let arguments = ["-NoProfile", "-NonInteractive", "-Command", TOAST];
                assert_eq!(made.arguments, arguments, "texts are in the environment");
                assert_eq!(made.variables[0].1, told.title);
                assert_eq!(made.variables[1].1, told.body);
                assert_eq!(made.variables[3].1.is_empty(), !has_sound);
            }
        }
    }
}
