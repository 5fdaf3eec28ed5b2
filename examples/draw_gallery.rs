//! Draws every shape, paint and motion into PNGs, without a window, for comparison with the design:
//! `cargo run --example draw_gallery -- target/gallery`.

use std::path::PathBuf;

use anyhow::Result;
use bevy::ecs::system::Commands;
use bevy::prelude::{App, Color, Startup, UVec2, Vec2};
use meterbridge::app::draw::{
    Canvas, CanvasCamera, Cap, DrawClock, DrawPlugin, Entrance, Face, Layer, Part, Rect, Shape,
    Text, Texture, offscreen_plugins, render_to_png,
};

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/gallery".into()));
    std::fs::create_dir_all(&folder)?;
    let mut app = App::new();
    app.add_plugins((offscreen_plugins()?, DrawPlugin)).add_systems(Startup, camera);
    app.insert_resource(DrawClock { secs: 7_260.25, follow_real_time: false });
    for (page, draw) in
        [("running", running as fn(&mut Part)), ("failed", failed), ("shapes", shapes)]
    {
        for size in [UVec2::new(1920, 1080), UVec2::new(3840, 2160)] {
            let mut canvas = app.world_mut().resource_mut::<Canvas>();
            canvas.scale = size.y as f32 / 1080.0;
            draw(canvas.redraw("gallery"));
            let path = folder.join(format!("{page}-{}.png", size.y));
            render_to_png(&mut app, size, &path)?;
            println!("{}", path.display());
        }
    }
    let mut canvas = app.world_mut().resource_mut::<Canvas>();
    canvas.reduced_motion = true;
    canvas.desaturate = 0.6;
    canvas.scale = 900.0 / 1080.0;
    render_to_png(&mut app, UVec2::new(1600, 900), &folder.join("shapes-reduced-900.png"))?;
    Ok(())
}

fn camera(mut commands: Commands) {
    commands.spawn(CanvasCamera);
}

fn hex(code: &str) -> Color {
    bevy::color::Srgba::hex(code).map_or(Color::WHITE, Color::from)
}

fn alpha(code: &str, alpha: f32) -> Color {
    use bevy::color::Alpha;
    hex(code).with_alpha(alpha)
}

fn v(x: f32, y: f32) -> Vec2 {
    Vec2::new(x, y)
}

const PRIMARY: &str = "F4F0E8";
const SECONDARY: &str = "BDB9B0";
const TERTIARY: &str = "908D86";
const RUNNING: &str = "56B4E9";
const SUCCESS: &str = "2FBF8F";
const FAILED: &str = "E8603C";
const INK: &str = "1A0803";

fn ground(part: &mut Part) {
    let upper = Shape::rounded_box(Rect::new(0.0, 0.0, 1920.0, 594.0));
    let lower = Shape::rounded_box(Rect::new(0.0, 594.0, 1920.0, 486.0));
    part.shape(Layer::Background, upper.fill_vertical(hex("15161C"), hex("101116")));
    part.shape(Layer::Background, lower.fill_vertical(hex("101116"), hex("0C0D11")));
    for y in [294.0, 614.0] {
        let rail = Rect::new(48.0, y, 1824.0, 12.0);
        part.shape(Layer::Rack, Shape::rounded_box(rail).radius(3.0).fill(hex("1A1B21")));
        part.shape(
            Layer::Rack,
            Shape::capsule(v(50.0, y + 0.8), v(1870.0, y + 0.8), 1.5).fill(hex("34363F")),
        );
    }
}

fn jack(part: &mut Part, at: Vec2, colour: Color) {
    part.shape(Layer::Face, Shape::disc(at, 13.0).fill(hex("0A0B0E")).border(3.0, colour));
    part.shape(Layer::Face, Shape::disc(at, 5.5).fill(Color::BLACK));
}

fn plug(part: &mut Part, at: Vec2, colour: Color) {
    let body = Shape::disc(at, 10.0).fill(hex("1D2026"));
    part.shape(Layer::Cable, body.border(3.5, colour));
    part.shape(Layer::Cable, Shape::disc(at, 3.6).fill(colour));
}

fn cable(part: &mut Part, from: Vec2, to: Vec2, jacket: &str, core: &str, core_width: f32) {
    let at = |width| Shape::cable(from, to, 58.0, width);
    let down = v(0.0, 4.0);
    let shadow = Shape::cable(from + down, to + down, 58.0, 15.0);
    part.shape(Layer::Cable, shadow.fill(alpha("000000", 0.45)));
    part.shape(Layer::Cable, at(11.0).fill(hex(jacket)));
    part.shape(Layer::Cable, at(core_width).fill(hex(core)));
    plug(part, from, hex(core));
    plug(part, to, hex(core));
}

fn done_module(part: &mut Part, x: f32, name: &'static str, to_deg: f32) {
    let rect = Rect::new(x, 312.0, 196.0, 296.0);
    let c = v(x + 98.0, 436.0);
    let body = Shape::rounded_box(rect)
        .radius(12.0)
        .fill_vertical(hex("20262A"), hex("191C20"))
        .border(1.5, hex("33363F"))
        .highlight(0.1);
    part.shape(Layer::Module, body);
    part.shape(Layer::Face, Shape::arc(c, 52.0, 5.0, -150.0, 150.0).fill(hex("30333D")));
    part.shape(Layer::Face, Shape::arc(c, 52.0, 5.0, -150.0, to_deg).fill(hex(SUCCESS)));
    part.shape(Layer::Face, Shape::tick(c, 48.0, 48.4, 60.4, 3.0).fill(hex(PRIMARY)));
    part.shape(Layer::Face, Shape::disc(c, 35.4).fill(hex(SUCCESS)));
    part.shape(Layer::Face, Shape::check(c, 35.4).fill(hex("101116")));
    let label = Text::new((name, 0), name, c.x, 358.0, Face::Text600, 28.0);
    part.text(Layer::Face, label.tracking(0.014).colour(hex(PRIMARY)).middle());
    let value = Text::new((name, 1), "1.9 s", c.x, 533.0, Face::Text600, 36.0);
    part.text(Layer::Face, value.colour(hex(PRIMARY)).middle());
    let usual = Text::new((name, 2), "usual 2.1 s", c.x, 562.0, Face::Text500, 22.0);
    part.text(Layer::Face, usual.colour(hex(TERTIARY)).middle());
    jack(part, v(x + 38.0, 582.0), hex(SUCCESS));
    jack(part, v(x + 158.0, 582.0), hex(SUCCESS));
}

fn ghost_module(part: &mut Part, x: f32, name: &'static str) {
    let c = v(x + 98.0, 436.0);
    let body = Shape::rounded_box(Rect::new(x, 312.0, 196.0, 296.0)).radius(12.0);
    part.shape(Layer::Module, body.fill(hex("14151A")).border(1.5, hex("282A33")));
    part.shape(Layer::Face, Shape::arc(c, 52.0, 5.0, -150.0, 150.0).fill(hex("2A2C35")));
    part.shape(Layer::Face, Shape::tick(c, 60.0, 48.4, 60.4, 3.0).fill(hex("5E6069")));
    part.shape(Layer::Face, Shape::ring(c, 35.4, 2.5).fill(hex("3B3E48")));
    let label = Text::new((name, 0), name, c.x, 358.0, Face::Text600, 28.0);
    part.text(Layer::Face, label.tracking(0.014).colour(hex(TERTIARY)).middle());
    let usual = Text::new((name, 2), "usual 6.5 s", c.x, 528.0, Face::Text500, 24.0);
    part.text(Layer::Face, usual.colour(hex(TERTIARY)).middle());
    jack(part, v(x + 38.0, 582.0), hex("33353E"));
    jack(part, v(x + 158.0, 582.0), hex("33353E"));
}

fn header(part: &mut Part, size: f32, baseline: f32) {
    let meta = Text::new("meta", "Meterbridge", 92.0, 74.0, Face::Text600, 26.0)
        .colour(hex(SECONDARY))
        .then(22.0, "/")
        .colour(hex("5E6069"))
        .then(20.0, "run f1a9…7d93")
        .face(Face::Text500)
        .colour(hex(SECONDARY))
        .then(36.0, "seed 42")
        .then(36.0, "queued 32 s");
    part.text(Layer::Face, meta);
    let title = Text::new("title", "Neon Rain", 53.0, baseline, Face::Display700, size);
    part.text(Layer::Face, title.tracking(-0.022).colour(hex(PRIMARY)));
    let clock = Text::new("clock", "00:48", 1866.0, baseline, Face::Display700, size);
    part.text(Layer::Face, clock.tracking(-0.018).colour(hex(PRIMARY)).end());
}

fn running(part: &mut Part) {
    ground(part);
    header(part, 112.0, 176.0);
    let status = Text::new("status", "Running", 112.0, 242.0, Face::Text600, 38.0)
        .colour(hex(RUNNING))
        .then(18.0, "LYRICS, step 3 of 8")
        .face(Face::Text500)
        .colour(hex(PRIMARY));
    part.text(Layer::Face, status);
    let badge = Shape::disc(v(76.0, 230.0), 18.2).fill(hex("16394F"));
    part.shape(Layer::Face, badge.border(3.6, hex(RUNNING)));
    part.shape(Layer::Face, Shape::levels(v(76.0, 230.0), v(8.0, 9.0)).fill(hex(RUNNING)));
    part.shape(
        Layer::Pool,
        Shape::pool(v(645.0, 460.0), 620.0, alpha(RUNNING, 0.17), alpha(RUNNING, 0.05)),
    );
    done_module(part, 56.0, "PLAN", 30.0);
    done_module(part, 266.0, "STYLE", 48.0);
    for (x, name) in [
        (828.0, "PRODUCER"),
        (1038.0, "COMPOSE"),
        (1248.0, "VALIDATE"),
        (1458.0, "RENDER"),
        (1668.0, "REVIEW"),
    ] {
        ghost_module(part, x, name);
        let from = if x < 829.0 { v(774.0, 602.0) } else { v(x - 52.0, 582.0) };
        cable(part, from, v(x + 38.0, 582.0), "22242C", "3A3D47", 2.0);
    }
    let focus = Rect::new(476.0, 284.0, 338.0, 352.0);
    let shadow = Shape::rounded_box(focus.translated(0.0, 14.0)).radius(18.0);
    part.shape(Layer::Module, shadow.fill(alpha("000000", 0.7)).soft(10.0));
    let body = Shape::rounded_box(focus)
        .radius(18.0)
        .fill_vertical(hex("1E2B36"), hex("171C23"))
        .border(3.0, hex(RUNNING))
        .glow(9.0, 10.0, alpha(RUNNING, 0.26));
    part.shape(Layer::Module, body);
    let c = v(645.0, 477.0);
    for step in 0..=30u32 {
        let deg = -150.0 + 10.0 * step as f32;
        let colour = if deg <= -30.0 { RUNNING } else { "4A5560" };
        let (outer, width) = if step % 5 == 0 { (136.0, 2.5) } else { (134.0, 1.5) };
        part.shape(Layer::Face, Shape::tick(c, deg, 130.0, outer, width).fill(hex(colour)));
    }
    part.shape(Layer::Face, Shape::arc(c, 116.0, 18.0, -150.0, 150.0).fill(hex("0C1116")));
    part.shape(Layer::Face, Shape::arc(c, 116.0, 14.0, -150.0, 150.0).fill(hex("27323C")));
    let ring = Shape::arc(c, 116.0, 14.0, -150.0, 150.0)
        .fill(hex(RUNNING))
        .glow(4.0, 16.0, alpha(RUNNING, 0.55))
        .growing(7_250.0, 0.2, 0.02);
    part.shape(Layer::Face, ring);
    part.shape(Layer::Face, Shape::tick(c, 61.0, 103.0, 140.0, 5.0).fill(hex(PRIMARY)));
    for (key, text, y, face, size, colour) in [
        ("name", "LYRICS", 338.0, Face::Text700, 40.0, PRIMARY),
        ("time", "00:11", 495.0, Face::Display700, 70.0, PRIMARY),
        ("usual", "of usual 00:19", 531.0, Face::Text500, 24.0, SECONDARY),
        ("attempt", "attempt 1", 615.0, Face::Text500, 26.0, SECONDARY),
    ] {
        let text = Text::new(("focus", key), text, 645.0, y, face, size);
        part.text(Layer::Face, text.colour(hex(colour)).middle());
    }
    jack(part, v(516.0, 602.0), hex(RUNNING));
    jack(part, v(774.0, 602.0), hex("33353E"));
    cable(part, v(214.0, 582.0), v(304.0, 582.0), "17372F", SUCCESS, 4.62);
    let (from, to) = (v(424.0, 582.0), v(516.0, 602.0));
    let live = |width| Shape::cable(from, to, 58.0, width);
    let jacket = live(12.0).fill(hex("17394E")).glow(9.0, 20.0, alpha(RUNNING, 0.5));
    part.shape(Layer::Cable, jacket);
    let core = live(4.32).fill(alpha(RUNNING, 0.55)).beads(6.6, hex("DDF3FF"));
    part.shape(Layer::Cable, core);
    plug(part, from, hex(RUNNING));
    plug(part, to, hex(RUNNING));
    for radius in [98.0, 120.0, 142.0] {
        lane(part, 1241.0, radius, "1B1D23", "3A3D47", 2.5, Some((3.0, 6.5)));
        arrow(part, 1241.0 - radius, "5E6069");
    }
    meter(part, 56.0);
}

fn lane(
    part: &mut Part,
    x: f32,
    r: f32,
    jacket: &str,
    core: &str,
    w: f32,
    dash: Option<(f32, f32)>,
) {
    let centre = v(x, 706.0);
    part.shape(Layer::Rack, Shape::lane(centre, r, 624.0, 12.0).fill(hex(jacket)));
    let mut line = Shape::lane(centre, r, 624.0, w).fill(hex(core));
    if let Some((dash, gap)) = dash {
        line = line.dash(dash, gap);
        if w < 3.0 {
            line = line.cap(Cap::Round);
        }
    }
    part.shape(Layer::Rack, line);
}

fn arrow(part: &mut Part, x: f32, colour: &str) {
    part.shape(Layer::Face, Shape::arrowhead(v(x, 629.0), 0.0, 15.0, 18.0).fill(hex(colour)));
}

fn meter(part: &mut Part, x: f32) {
    let rect = Rect::new(x, 916.0, 286.0, 138.0);
    let window = Rect::new(x + 2.0, 918.0, 282.0, 86.0);
    let pivot = v(x + 143.0, 1143.0);
    let lamp = |a: f32| alpha("F6E2B8", a);
    part.shape(Layer::Bridge, Shape::rounded_box(rect).radius(10.0).fill(hex("0D0D10")));
    let glow = Shape::pool_ellipse(v(x + 143.0, 1018.8), v(268.0, 85.5), lamp(0.34), lamp(0.1));
    part.shape(Layer::Bridge, glow.clip(window, 9.0));
    let scale = Shape::arc(pivot, 190.0, 2.0, -34.0, 34.0).fill(alpha("E9DFC8", 0.6));
    part.shape(Layer::Bridge, scale.cap(Cap::Butt));
    let danger = Shape::arc(pivot, 184.0, 8.0, 0.0, 34.0).fill(hex("8A4A35"));
    part.shape(Layer::Bridge, danger.cap(Cap::Butt));
    for step in 0..=20u32 {
        let (outer, width) = if step % 10 == 0 { (199.0, 2.5) } else { (194.0, 1.5) };
        let tick = Shape::tick(pivot, -34.0 + 3.4 * step as f32, 190.0, outer, width);
        part.shape(Layer::Bridge, tick.fill(alpha("E9DFC8", 0.7)).cap(Cap::Butt));
    }
    let needle = Shape::needle(pivot, -2.0, 60.0, 192.0, 3.5).swinging(-30.0, 7_260.0);
    part.shape(Layer::Bridge, needle.fill(hex(PRIMARY)).clip(window, 9.0));
    let readout = Rect::new(x, 1004.0, 286.0, 50.0);
    let bezel = Shape::rounded_box(readout).radii([0.0, 0.0, 10.0, 10.0]);
    part.shape(Layer::Bridge, bezel.fill_vertical(hex("262830"), hex("1B1C22")));
    let frame = Shape::rounded_box(rect).radius(10.0).fill(Color::NONE);
    part.shape(Layer::Bridge, frame.border(1.5, hex("343741")));
    let name = Text::new("meter name", "events/s", x + 16.0, 1038.0, Face::Text500, 24.0);
    part.text(Layer::Bridge, name.colour(hex(SECONDARY)));
    let value = Text::new("meter value", "14.2", x + 270.0, 1040.0, Face::Display700, 34.0);
    part.text(Layer::Bridge, value.colour(hex(PRIMARY)).end());
}

fn failed(part: &mut Part) {
    ground(part);
    header(part, 100.0, 164.0);
    part.shape(
        Layer::Pool,
        Shape::pool(v(1485.0, 420.0), 640.0, alpha(FAILED, 0.26), alpha(FAILED, 0.07)),
    );
    for (index, name) in
        ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE"].into_iter().enumerate()
    {
        let x = 56.0 + 210.0 * index as f32;
        done_module(part, x, name, 48.0);
        let from = v(x + 158.0, 582.0);
        let to = if index == 5 { v(1356.0, 602.0) } else { v(x + 248.0, 582.0) };
        cable(part, from, to, "17372F", SUCCESS, 4.62);
    }
    let bar = Rect::new(56.0, 196.0, 1808.0, 84.0);
    let module = Rect::new(1316.0, 284.0, 338.0, 352.0);
    let outline = || Shape::tab_box(bar, module, 18.0, 22.0).keep_colour();
    let below = Shape::tab_box(bar.translated(0.0, 12.0), module.translated(0.0, 12.0), 18.0, 22.0);
    part.shape(Layer::Module, below.fill(alpha("000000", 0.55)).soft(10.0));
    let halo = outline().fill(hex(FAILED)).glow(9.0, 12.0, alpha(FAILED, 0.42)).breathing(0.72);
    part.shape(Layer::Module, halo.enter(Entrance::TabRise, 7_200.0, 0.78));
    let hatch = Texture::Hatch { period: 14.0, width: 6.0 };
    let stripes = outline().fill(Color::NONE).texture(hatch, alpha("000000", 0.17));
    let foot = Rect::new(1316.0, 584.0, 338.0, 52.0);
    part.shape(Layer::Module, stripes.clip(foot, 0.0));
    octagon(part, v(108.0, 238.0), 26.0);
    octagon(part, v(1485.0, 420.0), 62.0);
    let error = Text::new("error", "RENDER failed", 154.0, 254.0, Face::Display700, 44.0)
        .colour(hex(INK))
        .then(22.0, "Engine queue rejected the job: quota exceeded")
        .face(Face::Text500);
    part.text(Layer::Face, error.keep_colour());
    for (text, y, size) in
        [("RENDER", 336.0, 40.0), ("after 3.1 s", 528.0, 38.0), ("attempt 1", 563.0, 26.0)]
    {
        let face = if size > 39.0 { Face::Display700 } else { Face::Text700 };
        let text = Text::new(("failed", text), text, 1485.0, y, face, size);
        part.text(Layer::Face, text.colour(hex(INK)).middle());
    }
    part.shape(Layer::Face, Shape::disc(v(1356.0, 602.0), 15.0).fill(hex(INK)));
    part.shape(Layer::Face, Shape::disc(v(1614.0, 602.0), 15.0).fill(hex(INK)));
    let lead = [v(1614.0, 602.0), v(1614.0, 652.0), v(1640.0, 632.0), v(1640.0, 640.0)];
    part.shape(Layer::Cable, Shape::cubic(lead, 10.0).fill(hex("22242C")));
    part.shape(Layer::Cable, Shape::cubic(lead, 2.0).fill(hex("3A3D47")));
    skipped(part, 1668.0);
    lane(part, 1099.0, 98.0, "3B1A12", FAILED, 6.0, Some((11.0, 7.0)));
    let lit = Shape::lane(v(1099.0, 706.0), 120.0, 624.0, 13.0).fill(hex("123F33"));
    part.shape(Layer::Rack, lit.glow(4.0, 18.0, alpha(SUCCESS, 0.4)));
    part.shape(Layer::Rack, Shape::lane(v(1099.0, 706.0), 120.0, 624.0, 6.0).fill(hex(SUCCESS)));
    lane(part, 1099.0, 142.0, "1B1D23", "3A3D47", 2.5, Some((3.0, 9.0)));
    arrow(part, 1001.0, FAILED);
    arrow(part, 979.0, SUCCESS);
    arrow(part, 957.0, "5E6069");
}

fn octagon(part: &mut Part, c: Vec2, apothem: f32) {
    part.shape(Layer::Face, Shape::octagon(c, apothem).fill(hex(INK)));
    let reach = apothem * 0.373;
    part.shape(Layer::Face, Shape::cross(c, reach, apothem * 0.226).fill(hex(FAILED)));
}

fn skipped(part: &mut Part, x: f32) {
    let rect = Rect::new(x, 312.0, 196.0, 296.0);
    let hatch = Texture::Hatch { period: 10.0, width: 2.0 };
    let body = Shape::rounded_box(rect)
        .radius(12.0)
        .fill(hex("131418"))
        .texture(hatch, alpha("908D86", 0.144))
        .border(2.0, hex("4A4C55"))
        .dash(9.0, 8.0)
        .cap(Cap::Butt);
    part.shape(Layer::Module, body);
    let c = v(x + 98.0, 436.0);
    let ring = Shape::ring(c, 32.4, 5.0).fill(hex(TERTIARY)).dash(10.8, 9.4).cap(Cap::Butt);
    part.shape(Layer::Face, ring);
    for dx in [-12.6, 0.9] {
        let at = |dx2: f32, dy: f32| c + v(dx + dx2, dy);
        let chevron = Shape::polyline3(at(0.0, -10.8), at(10.8, 0.0), at(0.0, 10.8), 5.4);
        part.shape(Layer::Face, chevron.fill(hex(TERTIARY)));
    }
    let name = Text::new("skipped", "REVIEW", c.x, 358.0, Face::Text600, 28.0);
    part.text(Layer::Face, name.colour(hex(TERTIARY)).middle());
}

fn shapes(part: &mut Part) {
    ground(part);
    let mut column = 0u32;
    let mut cell = |part: &mut Part, name: &'static str, draw: &dyn Fn(Vec2) -> Shape| {
        let at = v(150.0 + (column % 7) as f32 * 265.0, 150.0 + (column / 7) as f32 * 250.0);
        column += 1;
        part.shape(Layer::Module, draw(at));
        let label = Text::new(name, name, at.x, at.y + 110.0, Face::Mono, 20.0);
        part.text(Layer::Face, label.colour(hex(SECONDARY)).middle());
    };
    let blue = hex(RUNNING);
    let square = |at: Vec2| Shape::rounded_box(Rect::centred(at, 150.0, 120.0)).radius(14.0);
    let card = move |at: Vec2| square(at).fill_diagonal(hex("4A2015"), hex("2A1511"));
    let texture = move |texture| move |at: Vec2| card(at).texture(texture, alpha("E8603C", 0.5));
    cell(part, "diagonal", &card);
    cell(part, "hatch", &texture(Texture::Hatch { period: 14.0, width: 6.0 }));
    cell(part, "bars", &texture(Texture::Bars { period: 10.0, width: 4.0 }));
    cell(part, "scanlines", &texture(Texture::Scanlines { period: 6.0, width: 1.5 }));
    cell(part, "dashed box", &move |at| {
        square(at).fill(Color::NONE).border(2.0, blue).dash(3.0, 6.0)
    });
    cell(part, "radii", &move |at| {
        square(at).radii([0.0, 20.0, 40.0, 60.0]).fill(blue).border(4.0, Color::WHITE)
    });
    cell(part, "reveal half", &move |at| {
        square(at).fill(hex(FAILED)).enter(Entrance::RevealUp, 7_260.2, 0.36)
    });
    cell(part, "draw on", &move |at| {
        Shape::check(at, 80.0).fill(blue).enter(Entrance::DrawOn, 7_260.23, 0.2)
    });
    cell(part, "fade half", &move |at| Shape::disc(at, 60.0).fill(blue).fade_in(7_260.0, 0.5));
    cell(part, "dashed disc", &move |at| {
        Shape::disc(at, 60.0).fill(hex("16394F")).border(4.0, blue).dash(8.0, 8.0)
    });
    cell(part, "levels", &move |at| Shape::levels(at, v(50.0, 60.0)).fill(blue));
    cell(part, "tab at the end", &move |at| {
        let bar = Rect::new(at.x - 110.0, at.y - 70.0, 220.0, 50.0);
        let module = Rect::new(at.x + 20.0, at.y - 20.0, 90.0, 90.0);
        Shape::tab_box(bar, module, 18.0, 22.0).fill(hex(FAILED)).border(3.0, Color::WHITE)
    });
    cell(part, "beads", &move |at| {
        Shape::cable(at - v(90.0, 40.0), at + v(90.0, -60.0), 100.0, 10.0)
            .fill(hex("17394E"))
            .beads(6.6, hex("DDF3FF"))
            .glow(9.0, 20.0, alpha(RUNNING, 0.5))
    });
    cell(part, "dashed arc", &move |at| {
        Shape::arc(at, 60.0, 12.0, -150.0, 100.0).fill(blue).dash(12.0, 18.0)
    });
    cell(part, "triangle", &move |at| {
        Shape::triangle(at + v(-40.0, -50.0), at + v(50.0, 0.0), at + v(-40.0, 50.0), 8.0)
            .fill(blue)
    });
    cell(part, "octagon", &move |at| {
        Shape::octagon(at, 60.0).fill(hex(FAILED)).border(4.0, Color::WHITE).keep_colour()
    });
    cell(part, "glowing disc", &move |at| {
        Shape::disc(at, 40.0).fill(blue).glow(9.0, 20.0, alpha(RUNNING, 0.8)).breathing(0.72)
    });
    cell(part, "clip", &move |at| {
        Shape::disc(at, 60.0).fill(blue).clip(Rect::centred(at, 100.0, 70.0), 16.0)
    });
    cell(part, "hairline", &move |at| {
        square(at).fill(Color::NONE).border(0.4, Color::WHITE).highlight(0.4)
    });
}
