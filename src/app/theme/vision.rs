//! Simulation of colour vision deficiencies, and the perceived distance of colours.

use bevy::color::{Color, LinearRgba};

use crate::bounded::bounded;

/// A type of colour vision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vision {
    Normal,
    Protanopia,
    Deuteranopia,
    Tritanopia,
    /// No colour at all: a bad screen, a photocopy, achromatopsia.
    Grey,
}

impl Vision {
    pub const ALL: [Self; 5] =
        [Self::Normal, Self::Protanopia, Self::Deuteranopia, Self::Tritanopia, Self::Grey];

    /// Returns the simulation matrix for linear RGB. Source: Machado, Oliveira, Fernandes: A
    /// Physiologically-based Model for Simulation of Color Vision Deficiency, IEEE TVCG 15(6),
    /// 2009, table 1 at severity 1.0; grey is Rec. 709.
    fn matrix(self) -> [[f32; 3]; 3] {
        match self {
            Self::Normal => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Protanopia => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            Self::Deuteranopia => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            Self::Tritanopia => [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
            Self::Grey => [[0.2126, 0.7152, 0.0722]; 3],
        }
    }

    /// Returns `colour` as seen with this vision.
    pub fn sees(self, colour: Color) -> Color {
        let LinearRgba { red, green, blue, .. } = colour.to_linear();
        let [red, green, blue] = self
            .matrix()
            .map(|row| bounded(row[0] * red + row[1] * green + row[2] * blue, 0.0, 1.0));
        LinearRgba::rgb(red, green, blue).into()
    }
}

/// Returns CIE L*, a*, b* under D65.
fn lab(colour: Color) -> [f32; 3] {
    let LinearRgba { red, green, blue, .. } = colour.to_linear();
    let x = (0.412_456_4 * red + 0.357_576_1 * green + 0.180_437_5 * blue) / 0.950_47;
    let y = 0.212_672_9 * red + 0.715_152_2 * green + 0.072_175 * blue;
    let z = (0.019_333_9 * red + 0.119_192 * green + 0.950_304_1 * blue) / 1.088_83;
    let f = |t: f32| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    [116.0 * f(y) - 16.0, 500.0 * (f(x) - f(y)), 200.0 * (f(y) - f(z))]
}

/// Returns the perceived distance of two colours by CIEDE2000 (CIE 142-2001; Sharma, Wu, Dalal
/// 2005).
pub fn distance(one: Color, other: Color) -> f32 {
    ciede2000(lab(one), lab(other))
}

fn ciede2000([l1, a1, b1]: [f32; 3], [l2, a2, b2]: [f32; 3]) -> f32 {
    let seventh = |c: f32| (c.powi(7) / (c.powi(7) + 25_f32.powi(7))).sqrt();
    let g = 0.5 * (1.0 - seventh((a1.hypot(b1) + a2.hypot(b2)) / 2.0));
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f32, b: f32| b.atan2(a).to_degrees().rem_euclid(360.0);
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let turn = if c1 * c2 == 0.0 { 0.0 } else { (h2 - h1 + 180.0).rem_euclid(360.0) - 180.0 };
    let d_hue = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();
    let (l, c) = ((l1 + l2) / 2.0, (c1 + c2) / 2.0);
    let h = if c1 * c2 == 0.0 { h1 + h2 } else { (h1 + turn / 2.0).rem_euclid(360.0) };
    let cos = |deg: f32| deg.to_radians().cos();
    let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0)
        - 0.20 * cos(4.0 * h - 63.0);
    let off = (l - 50.0).powi(2);
    let s_l = 1.0 + 0.015 * off / (20.0 + off).sqrt();
    let (s_c, s_h) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let rotation = 60.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let r = -2.0 * seventh(c) * rotation.to_radians().sin();
    let (l, c, h) = ((l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h);
    (l * l + c * c + h * h + r * c * h).max(0.0).sqrt()
}

/// Pairs 1, 7, 13 and 24 of the test data of Sharma, Wu, Dalal 2005.
#[test]
fn ciede2000_matches_published_test_data() {
    for (one, other, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, -0.001, 2.49], [50.0, 0.0011, -2.49], 4.7461),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
    ] {
        let found = ciede2000(one, other);
        assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
    }
}

#[test]
fn deuteranopia_brings_red_and_green_closer() {
    let (red, green) = (Color::srgb_u8(0xB0, 0x58, 0x20), Color::srgb_u8(0x78, 0x74, 0x00));
    let seen = |vision: Vision| distance(vision.sees(red), vision.sees(green));
    assert!(seen(Vision::Normal) > 2.0 * seen(Vision::Deuteranopia));
}
