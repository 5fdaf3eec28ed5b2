//! Options of `meterbridge clip`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Address, UsageError, size, source_of};
use crate::config::{ClipOutput, ClipRequest, SettingsArgs, Size};
use crate::inspect::AsOf;
use crate::source::SourceSpec;

/// Draw a part of a recording as a film, without a window
#[derive(Args, Clone, Debug)]
pub struct ClipArgs {
    /// The recording; several files are shown as one recording
    #[arg(value_name = "FILE", required = true)]
    pub source: Vec<Address>,

    /// Begin of the film: an instant (2026-11-23T10:15:00Z), a time of day (10:15 or 10:15:30) or
    /// the time since the recording began (+2:30)
    #[arg(long, value_name = "TIME", default_value = "+0")]
    pub from: AsOf,

    /// End of the film, in the same forms [default: the end of the recording]
    #[arg(long, value_name = "TIME")]
    pub to: Option<AsOf>,

    /// Pictures in a second of the film
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub fps: u32,

    /// Seconds of the recording in a second of the film
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = rate)]
    pub rate: f64,

    /// Pixels; both numbers even for a film
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1920x1080", value_parser = size)]
    pub size: Size,

    /// A folder for numbered PNG files; a film as .png or .apng (animated PNG), or as .mp4, .mkv, .mov or
    /// .webm where ffmpeg is installed; `-` writes YUV4MPEG2 to standard output, for other programs
    #[arg(long, short, value_name = "FOLDER|FILE|-")]
    pub output: PathBuf,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

impl ClipArgs {
    /// Converts the arguments to a request.
    ///
    /// # Errors
    ///
    /// Fails when the source does not exist or is no recording, or when the output can be neither a folder
    /// nor a film.
    pub fn request(&self) -> Result<ClipRequest, UsageError> {
        let files = match source_of(&self.source)? {
            SourceSpec::Recording(files) => files,
            _ => return Err(UsageError::ClipNeedsRecording),
        };
        let output = output_of(&self.output)?;
        let is_odd = self.size.width % 2 == 1 || self.size.height % 2 == 1;
        if is_odd && matches!(output, ClipOutput::Film(_) | ClipOutput::Yuv) {
            return Err(UsageError::OddSize);
        }
        Ok(ClipRequest {
            files,
            settings: self.settings.settings(),
            from: self.from,
            to: self.to,
            pictures_a_second: self.fps,
            rate: self.rate,
            size: self.size,
            output,
        })
    }
}

fn output_of(path: &Path) -> Result<ClipOutput, UsageError> {
    if path.as_os_str() == "-" {
        return Ok(ClipOutput::Yuv);
    }
    let path = path.to_owned();
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        _ if path.is_dir() => Ok(ClipOutput::Folder(path)),
        None => Ok(ClipOutput::Folder(path)),
        Some("png" | "apng") => Ok(ClipOutput::AnimatedPng(path)),
        Some("mp4" | "mkv" | "mov" | "webm") => Ok(ClipOutput::Film(path)),
        Some(_) => Err(UsageError::UnknownFilm { path }),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 =
        text.parse().map_err(|_| "expected a number such as 1, 0.5 or 60".to_owned())?;
    match (0.01..=10_000.0).contains(&rate) {
        true => Ok(rate),
        false => Err("expected a factor from 0.01 to 10000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_chosen_by_the_name() {
        let output = |path: &str| output_of(Path::new(path)).ok();
        assert_eq!(output("-"), Some(ClipOutput::Yuv));
        assert_eq!(output("film.APNG"), Some(ClipOutput::AnimatedPng("film.APNG".into())));
        assert_eq!(output("film.mp4"), Some(ClipOutput::Film("film.mp4".into())));
        assert_eq!(output("frames"), Some(ClipOutput::Folder("frames".into())));
        assert_eq!(output("film.gif"), None);
    }

    #[test]
    fn rate_is_a_positive_number() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for text in ["0", "-1", "NaN", "inf", "fast"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
