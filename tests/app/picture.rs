//! Pictures as a user takes them: `meterbridge snapshot`, in a process of its own so that the
//! clock on them shows UTC and the renderer is Mesa's wherever the tests run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use super::{scenes, wall_scenes};

/// The binary, with nothing from the environment that changes what it does.
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
    // Mesa looks for a Wayland display and complains on standard error where there is no folder
    // for one; that is not what is tested.
    command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    if let Some(driver) = software_renderer() {
        command.env("VK_ICD_FILENAMES", driver);
    }
    // Of the system's fonts the one of the tests, so that pictures are the same on every machine.
    command.env("FONTCONFIG_FILE", scenes::fixture("fonts/fonts.conf"));
    command.env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// Mesa's renderer on the processor, where Linux has it in its usual place.
fn software_renderer() -> Option<PathBuf> {
    let drivers = std::fs::read_dir("/usr/share/vulkan/icd.d").ok()?;
    let mut paths = drivers.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd"))
    })
}

/// A file of its own in the folder that Cargo keeps for tests.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// What `meterbridge snapshot` answers.
pub fn snapshot(arguments: &[&str]) -> Output {
    meterbridge().arg("snapshot").args(arguments).output().unwrap()
}

/// Where a scene's recording is; that of `many-400` is written first.
fn recording_of(scene: &str) -> PathBuf {
    let Some(runs) = scene.strip_prefix("many-").and_then(|runs| runs.parse().ok()) else {
        return scenes::path(scene);
    };
    let path = scratch(&format!("{scene}.ndjson"));
    std::fs::write(&path, wall_scenes::many(runs).write()).unwrap();
    path
}

/// Left, top, right and bottom, from 0 to 1.
pub type Rectangle = (f64, f64, f64, f64);

/// What shows the time of day where a recording does not say what time it is.
pub const CLOCKS: [Rectangle; 2] = [(0.85, 0.0, 1.0, 0.1), (0.8, 0.9, 1.0, 1.0)];

/// RGBA, 8 bits each, rows from the top.
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

    /// A scene as it is at its end, and where its picture is. Every take is drawn once, whoever
    /// asks for it; `panel` has the panel open, `wall` is the
    /// wall; what ends in the name of a theme is in that.
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

    /// The picture at half the size: each pixel the mean of four.
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

    /// The picture with rectangles, given in parts of it, covered with black.
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

    /// How different two pictures of one size are.
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

    /// Squares of 8 by 8 pixels that are vermillion all over.
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

/// The design's #E8603C, give or take what blending does to it.
fn is_vermillion([red, green, blue, _]: [u8; 4]) -> bool {
    red.abs_diff(0xE8) < 16 && green.abs_diff(0x60) < 16 && blue.abs_diff(0x3C) < 16
}

/// The mean difference of a channel, of 255; the share of pixels that differ by more than 24.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub mean: f64,
    pub far: f64,
}
