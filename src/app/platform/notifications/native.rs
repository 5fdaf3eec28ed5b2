//! Notifications of the desktop, by the program that each system has for them: `notify-send` on Linux and other
//! Unix systems, `osascript` on macOS, PowerShell on Windows. A library for them would bring a D-Bus of its own
//! with an asynchronous runtime, for a message that is sent now and then.

use std::process::{Command, Stdio};

use crossbeam_channel::{Sender, bounded};
use tracing::warn;

use crate::notify::Notification;

/// Most notifications that wait for the desktop; more are dropped.
const MOST_WAITING: usize = 32;

/// Hands notifications to a thread, because a desktop may answer late.
pub(super) struct Delivery(Option<Sender<Notification>>);

impl Delivery {
    /// Starts the thread.
    pub fn begin(_sound: bool) -> Self {
        let (sender, notifications) = bounded::<Notification>(MOST_WAITING);
        let mut has_failed = false;
        let thread = std::thread::Builder::new().name("meterbridge-notifications".to_owned());
        let started = thread.spawn(move || {
            for notification in notifications {
                // One line in the log is enough.
                if let Err(error) = show(&notification)
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
fn show(notification: &Notification) -> Result<(), String> {
    let Invocation { program, arguments, variables } = Invocation::of(notification);
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
    /// part of a script.
    fn of(notification: &Notification) -> Self {
        if cfg!(target_os = "macos") {
            Self::on_macos(notification)
        } else if cfg!(windows) {
            Self::on_windows(notification)
        } else {
            Self::on_a_desktop(notification)
        }
    }

    fn on_a_desktop(notification: &Notification) -> Self {
        let Notification { number, title, body, is_bad, has_sound } = notification;
        let icon = if *is_bad { "dialog-warning" } else { "dialog-information" };
        let tag = format!("meterbridge-{number}");
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
        // The text below the title may be markup.
        let body = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        arguments.extend(["--".to_owned(), title.clone(), body]);
        Self { program: "notify-send", arguments, variables: Vec::new() }
    }

    fn on_macos(notification: &Notification) -> Self {
        let Notification { title, body, has_sound, .. } = notification;
        let shown = "display notification (item 2 of argv) with title (item 1 of argv)";
        let sound = if *has_sound { " sound name \"Basso\"" } else { "" };
        let script = ["on run argv".to_owned(), format!("{shown}{sound}"), "end run".to_owned()];
        let script = script.into_iter().flat_map(|line| ["-e".to_owned(), line]);
        let arguments = script.chain([title.clone(), body.clone()]).collect();
        Self { program: "osascript", arguments, variables: Vec::new() }
    }

    fn on_windows(notification: &Notification) -> Self {
        let Notification { number, title, body, has_sound, .. } = notification;
        let arguments = ["-NoProfile", "-NonInteractive", "-Command", TOAST].map(str::to_owned);
        let sound = if *has_sound { "yes" } else { "" };
        let variables = vec![
            ("METERBRIDGE_TOAST_TITLE", title.clone()),
            ("METERBRIDGE_TOAST_BODY", body.clone()),
            ("METERBRIDGE_TOAST_TAG", format!("meterbridge-{number}")),
            ("METERBRIDGE_TOAST_SOUND", sound.to_owned()),
        ];
        Self { program: "powershell", arguments: arguments.to_vec(), variables }
    }
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
        let made = Invocation::on_a_desktop(&notification(false));
        assert_eq!(made.program, "notify-send");
        let texts = ["--", "-A \"quoted\" song failed", "a &lt;b&gt; &amp; c; $(rm)"];
        assert_eq!(made.arguments[made.arguments.len() - 3..], texts);
        assert!(!made.arguments.iter().any(|argument| argument.contains("sound")));
        assert!(made.arguments.contains(&"--icon=dialog-warning".to_owned()));
        let loud = Invocation::on_a_desktop(&notification(true));
        assert!(loud.arguments.iter().any(|argument| argument.contains("sound-name")));
    }

    #[test]
    fn texts_are_no_part_of_a_script() {
        for has_sound in [false, true] {
            let made = Invocation::on_macos(&notification(has_sound));
            let texts = ["-A \"quoted\" song failed", "a <b> & c; $(rm)"];
            assert_eq!(made.arguments[made.arguments.len() - 2..], texts);
            assert_eq!(made.arguments[3].contains("Basso"), has_sound);
            let made = Invocation::on_windows(&notification(has_sound));
            assert!(!made.arguments.iter().any(|argument| argument.contains("quoted")));
            assert_eq!(made.variables[0].1, texts[0]);
            assert_eq!(made.variables[3].1.is_empty(), !has_sound);
        }
    }
}
