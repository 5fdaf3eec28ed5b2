//! Pictures taken with `meterbridge snapshot` in a separate process, so that its clock shows UTC and
//! its renderer is Mesa's wherever the tests run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use super::{scenes, wall_scenes};

/// Returns a command for the binary, without environment variables that change its behaviour.
pub fn meterbridge() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterbridge"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("METERBRIDGE_") {
            command.env_remove(name);
        }
    }
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "RUST_LOG"] {
        command.env_remove(name);
    }
    // The settings of whoever runs the tests are not those of the tests.
    command.env("METERBRIDGE_SETTINGS", "none");
    // Without a runtime folder Mesa complains on standard error when it looks for a Wayland display,
    // which would disturb the assertions.
    command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    if let Some(driver) = software_renderer() {
        command.env("VK_ICD_FILENAMES", driver);
    }
    // Only the tests' own font is available, so that pictures are the same on every machine.
    command.env("FONTCONFIG_FILE", scenes::fixture("fonts/fonts.conf"));
    command.env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// Returns Mesa's software renderer, if it is in Linux's usual place.
fn software_renderer() -> Option<PathBuf> {
    let drivers = std::fs::read_dir("/usr/share/vulkan/icd.d").ok()?;
    let mut paths = drivers.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd"))
    })
}

/// Returns a path in the folder that Cargo keeps for tests.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Runs `meterbridge snapshot` and returns its output.
pub fn snapshot(arguments: &[&str]) -> Output {
    meterbridge().arg("snapshot").args(arguments).output().unwrap()
}

/// Returns the path of a scene's recording; `jammed`, `many-400` and its like are written first.
fn recording_of(scene: &str) -> PathBuf {
    if scene == "jammed" {
        let path = scratch("jammed.ndjson");
        std::fs::write(&path, wall_scenes::jammed().write()).unwrap();
        return path;
    }
    let Some(runs) = scene.strip_prefix("many-").and_then(|runs| runs.parse().ok()) else {
        return scenes::path(scene);
    };
    let path = scratch(&format!("{scene}.ndjson"));
    std::fs::write(&path, wall_scenes::many(runs).write()).unwrap();
    path
}

/// Left, top, right and bottom as fractions of a picture, from 0 to 1.
pub type Rectangle = (f64, f64, f64, f64);

/// Areas with the time of day, which varies where a recording does not define the current time.
pub const CLOCKS: [Rectangle; 2] = [(0.85, 0.0, 1.0, 0.1), (0.8, 0.9, 1.0, 1.0)];

/// Picture in RGBA, 8 bits per channel, rows from the top.
#[derive(Clone, PartialEq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[u8; 4]>,
}

impl Picture {
    pub fn read(path: &Path) -> Self {
        let image = image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let image = image.to_rgba8();
        Self {
            width: image.width() as usize,
            height: image.height() as usize,
            pixels: image.pixels().map(|pixel| pixel.0).collect(),
        }
    }

    /// Returns the picture of a scene's last moment, and its path. Each take is drawn only once. `take`
    /// selects options: a `panel` prefix opens the panel, a `wall` prefix shows the wall, and a theme's
    /// name as suffix selects that theme.
    pub fn of_scene(scene: &str, take: &str, size: (usize, usize)) -> (Arc<Self>, PathBuf) {
        static TAKEN: Mutex<BTreeMap<PathBuf, Arc<OnceLock<Arc<Picture>>>>> =
            Mutex::new(BTreeMap::new());
        let path = scratch(&format!("{scene}-{take}-{}x{}.png", size.0, size.1));
        let slot = TAKEN.lock().unwrap().entry(path.clone()).or_default().clone();
        let picture = slot.get_or_init(|| Arc::new(Self::take(scene, take, size, &path)));
        (picture.clone(), path)
    }

    fn take(scene: &str, take: &str, (width, height): (usize, usize), path: &Path) -> Self {
        let recording = recording_of(scene);
        let size = format!("{width}x{height}");
        let mut arguments = vec![recording.to_str().unwrap(), "--size", &size];
        arguments.extend(["-o", path.to_str().unwrap()]);
        if take.starts_with("panel") {
            arguments.push("--panel");
        }
        if take.starts_with("wall") {
            arguments.extend(["--view", "wall"]);
        }
        if let Some(theme) =
            ["light", "high-contrast"].into_iter().find(|name| take.ends_with(name))
        {
            arguments.extend(["--theme", theme]);
        }
        let output = snapshot(&arguments);
        assert!(output.status.success(), "{scene}: {}", String::from_utf8_lossy(&output.stderr));
        let picture = Self::read(path);
        assert_eq!((picture.width, picture.height), (width, height));
        picture
    }

    pub fn at(&self, x: usize, y: usize) -> [u8; 4] {
        self.pixels[y * self.width + x]
    }

    /// Returns the picture at half the size: each pixel is the mean of four.
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let four = [(0, 0), (1, 0), (0, 1), (1, 1)];
                let four = four.map(|(dx, dy)| self.at(2 * x + dx, 2 * y + dy));
                pixels.push(std::array::from_fn(|channel| {
                    let sum: u16 = four.iter().map(|pixel| u16::from(pixel[channel])).sum();
                    (sum / 4) as u8
                }));
            }
        }
        Self { width, height, pixels }
    }

    /// Returns the picture with rectangles covered in black.
    pub fn covered(&self, rectangles: &[Rectangle]) -> Self {
        let mut picture = self.clone();
        for rectangle in rectangles {
            picture.cover(*rectangle);
        }
        picture
    }

    fn cover(&mut self, (left, top, right, bottom): Rectangle) {
        let along = |part: f64, length: usize| (part * length as f64) as usize;
        for y in along(top, self.height)..along(bottom, self.height) {
            for x in along(left, self.width)..along(right, self.width) {
                self.pixels[y * self.width + x] = [0, 0, 0, 255];
            }
        }
    }

    /// Returns the difference between two pictures of the same size.
    pub fn difference(&self, other: &Self) -> Difference {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let mut sum = 0_u64;
        let mut far = 0_usize;
        for (a, b) in self.pixels.iter().zip(&other.pixels) {
            let channels = [0, 1, 2].map(|channel| a[channel].abs_diff(b[channel]));
            sum += channels.iter().map(|difference| u64::from(*difference)).sum::<u64>();
            far += usize::from(channels.iter().any(|difference| *difference > 24));
        }
        let count = self.pixels.len() as f64;
        Difference { mean: sum as f64 / (3.0 * count), far: far as f64 / count }
    }

    /// Counts the squares of 8 by 8 pixels that are vermillion throughout.
    pub fn solid_vermillion(&self) -> usize {
        let side = 8;
        let solid = |left: usize, top: usize| {
            (top..top + side).all(|y| (left..left + side).all(|x| is_vermillion(self.at(x, y))))
        };
        let lefts = || (0..self.width / side).map(|column| column * side);
        let tops = (0..self.height / side).map(|row| row * side);
        tops.map(|top| lefts().filter(|left| solid(*left, top)).count()).sum()
    }
}

/// True for the design's #E8603C, and #F47E58 to #F07650 of solid panels, with a tolerance for blending.
fn is_vermillion([red, green, blue, _]: [u8; 4]) -> bool {
    let is_near = |r: u8, g: u8, b: u8| {
        red.abs_diff(r) < 16 && green.abs_diff(g) < 16 && blue.abs_diff(b) < 16
    };
    is_near(0xE8, 0x60, 0x3C) || is_near(0xF2, 0x7A, 0x54)
}

/// Mean difference of a channel (0 to 255), and the share of pixels with a channel that differs by more
/// than 24.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub mean: f64,
    pub far: f64,
}
