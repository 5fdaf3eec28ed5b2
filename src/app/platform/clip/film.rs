//! Films: what a clip's pictures are written to.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bevy::math::UVec2;
use image::RgbImage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

use super::error::ClipError;
use crate::config::ClipOutput;

/// A film that is being written.
pub(super) struct Film {
    size: UVec2,
    written: u64,
    to: Target,
}

enum Target {
    Folder { path: PathBuf, digits: usize },
    AnimatedPng { path: PathBuf, writer: Box<png::Writer<BufWriter<File>>> },
    Yuv(Box<dyn Write>),
    Ffmpeg { input: BufWriter<std::process::ChildStdin>, child: Child },
}

impl Film {
    /// Creates a film of `count` pictures.
    pub(super) fn create(
        output: ClipOutput,
        size: UVec2,
        pictures_a_second: u32,
        count: u64,
    ) -> Result<Self, ClipError> {
        let to = match output {
            ClipOutput::Folder(path) => {
                fs::create_dir_all(&path).map_err(|error| cannot_write(&path, error))?;
                Target::Folder { path, digits: count.to_string().len().max(4) }
            }
            ClipOutput::AnimatedPng(path) => {
                let writer = animated_png(&path, size, pictures_a_second, count)?;
                Target::AnimatedPng { path, writer: Box::new(writer) }
            }
            ClipOutput::Yuv => {
                let mut to: Box<dyn Write> = Box::new(BufWriter::new(io::stdout()));
                write_header(&mut to, size, pictures_a_second)
                    .map_err(|error| cannot_write(Path::new("-"), error))?;
                Target::Yuv(to)
            }
            ClipOutput::Film(path) => ffmpeg(&path, size, pictures_a_second)?,
        };
        Ok(Self { size, written: 0, to })
    }

    /// Adds the next picture.
    pub(super) fn add(&mut self, picture: RgbImage) -> Result<(), ClipError> {
        self.written += 1;
        match &mut self.to {
            Target::Folder { path, digits } => {
                let name = format!("frame-{:0digits$}.png", self.written, digits = *digits);
                let path = path.join(name);
                let write = || -> io::Result<()> {
                    let mut file = BufWriter::new(File::create(&path)?);
                    let fast = CompressionType::Fast;
                    let encoder = PngEncoder::new_with_quality(&mut file, fast, FilterType::Sub);
                    picture.write_with_encoder(encoder).map_err(io::Error::other)?;
                    file.flush()
                };
                write().map_err(|error| cannot_write(&path, error))
            }
            Target::AnimatedPng { path, writer } => writer
                .write_image_data(picture.as_raw())
                .map_err(|error| cannot_write(path, io::Error::other(error))),
            Target::Yuv(to) => write_picture(to, &picture, self.size)
                .map_err(|error| cannot_write(Path::new("-"), error)),
            // When ffmpeg has ended early its own message says why.
            Target::Ffmpeg { input, .. } => {
                write_picture(input, &picture, self.size).map_err(|_| ClipError::Ffmpeg)
            }
        }
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> Result<(), ClipError> {
        match self.to {
            Target::Folder { .. } => Ok(()),
            Target::AnimatedPng { path, writer } => {
                writer.finish().map_err(|error| cannot_write(&path, io::Error::other(error)))
            }
            Target::Yuv(mut to) => to.flush().map_err(|error| cannot_write(Path::new("-"), error)),
            Target::Ffmpeg { mut input, mut child } => {
                let flushed = input.flush();
                drop(input);
                let ended = child.wait();
                match (flushed, ended) {
                    (Ok(()), Ok(status)) if status.success() => Ok(()),
                    _ => Err(ClipError::Ffmpeg),
                }
            }
        }
    }
}

fn cannot_write(path: &Path, error: io::Error) -> ClipError {
    ClipError::Write { path: path.to_owned(), error }
}

fn animated_png(
    path: &Path,
    size: UVec2,
    pictures_a_second: u32,
    count: u64,
) -> Result<png::Writer<BufWriter<File>>, ClipError> {
    let create = || -> io::Result<_> {
        let file = BufWriter::new(File::create(path)?);
        let mut encoder = png::Encoder::new(file, size.x, size.y);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        encoder.set_animated(count, 0).map_err(io::Error::other)?;
        let per_second = u16::try_from(pictures_a_second).unwrap_or(u16::MAX);
        encoder.set_frame_delay(1, per_second).map_err(io::Error::other)?;
        encoder.write_header().map_err(io::Error::other)
    };
    create().map_err(|error| cannot_write(path, error))
}

fn ffmpeg(path: &Path, size: UVec2, pictures_a_second: u32) -> Result<Target, ClipError> {
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-y", "-f", "yuv4mpegpipe", "-i", "-"]);
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mp4")) {
        command.args(["-movflags", "+faststart"]);
    }
    // A path that begins with a hyphen is no option.
    let file = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    command.arg(file).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().map_err(|error| ClipError::NoFfmpeg { error })?;
    let Some(input) = child.stdin.take() else { return Err(ClipError::Ffmpeg) };
    let mut input = BufWriter::new(input);
    write_header(&mut input, size, pictures_a_second).map_err(|_| ClipError::Ffmpeg)?;
    Ok(Target::Ffmpeg { input, child })
}

/// Writes the header of YUV4MPEG2, the format of uncompressed films that encoders read from a pipe.
fn write_header(to: &mut impl Write, size: UVec2, pictures_a_second: u32) -> io::Result<()> {
    let UVec2 { x: width, y: height } = size;
    writeln!(
        to,
        "YUV4MPEG2 W{width} H{height} F{pictures_a_second}:1 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED"
    )
}

/// Writes a picture by BT.601 with limited range, which is what programs take a film without another note
/// to be; colours have half the size in both directions.
fn write_picture(to: &mut impl Write, picture: &RgbImage, size: UVec2) -> io::Result<()> {
    let (width, height) = (size.x as usize, size.y as usize);
    let pixels = picture.as_raw();
    let at = |x: usize, y: usize| {
        let place = 3 * (y * width + x);
        [pixels[place], pixels[place + 1], pixels[place + 2]].map(f32::from)
    };
    let mut luma = Vec::with_capacity(width * height);
    for y in 0..height {
        luma.extend((0..width).map(|x| {
            let [r, g, b] = at(x, y);
            (16.0 + 0.256_79 * r + 0.504_13 * g + 0.097_91 * b).round() as u8
        }));
    }
    let chroma = |[r, g, b]: [f32; 3]| {
        let blue = 128.0 - 0.148_22 * r - 0.290_99 * g + 0.439_22 * b;
        let red = 128.0 + 0.439_22 * r - 0.367_79 * g - 0.071_43 * b;
        [blue, red].map(|value| value.round() as u8)
    };
    let mut planes = [Vec::new(), Vec::new()];
    for y in (0..height).step_by(2) {
        for x in (0..width).step_by(2) {
            let four = [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)];
            let mean = |channel: usize| four.iter().map(|pixel| pixel[channel]).sum::<f32>() / 4.0;
            let [blue, red] = chroma([mean(0), mean(1), mean(2)]);
            planes[0].push(blue);
            planes[1].push(red);
        }
    }
    to.write_all(b"FRAME\n")?;
    to.write_all(&luma)?;
    planes.iter().try_for_each(|plane| to.write_all(plane))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn film_for_other_programs_has_a_header_and_three_planes() {
        let size = UVec2::new(2, 2);
        let mut film = Vec::new();
        write_header(&mut film, size, 25).unwrap();
        let white = RgbImage::from_pixel(2, 2, image::Rgb([255; 3]));
        write_picture(&mut film, &white, size).unwrap();
        let red = RgbImage::from_pixel(2, 2, image::Rgb([255, 0, 0]));
        write_picture(&mut film, &red, size).unwrap();
        let (header, pictures) =
            film.split_at(film.iter().position(|byte| *byte == b'\n').unwrap() + 1);
        assert!(header.starts_with(b"YUV4MPEG2 W2 H2 F25:1 Ip A1:1 C420mpeg2"), "{header:?}");
        let white = [b"FRAME\n".as_slice(), &[235, 235, 235, 235, 128, 128]].concat();
        let red = [b"FRAME\n".as_slice(), &[81, 81, 81, 81, 90, 240]].concat();
        assert_eq!(pictures, [white, red].concat());
    }
}
