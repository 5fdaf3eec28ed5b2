// Draws all shapes. Each shape is one instance, evaluated as a signed distance field in design
// pixels, so that edges are sharp at any scale and motion costs no CPU time. Colours are blended in
// sRGB, as in SVG; `LINEAR_OUTPUT` converts them at the end for a camera that does not composite in
// sRGB.

#import meterbridge::sdf::{
    TAU, arc_path, box_distance, box_perimeter, capped, cubic_path, dash_excess, erf, from_noon,
    lane_path, line_path, segment, tab_box_distance, triangle_distance,
}

struct CanvasUniform {
    // Device pixels.
    viewport: vec2<f32>,
    // Device pixel of the design origin.
    origin: vec2<f32>,
    // Device pixels per design pixel.
    scale: f32,
    // Seconds since the canvas epoch.
    time: f32,
    reduced_motion: f32,
    // 0: full colour, 1: grey.
    desaturate: f32,
    // Fractions of full brightness; the second is for shapes that keep their colour.
    brightness: f32,
    brightness_kept: f32,
    // Opacity of leaving and of entering parts.
    fade: vec2<f32>,
}

@group(0) @binding(0) var<uniform> canvas: CanvasUniform;

const BOX: u32 = 0u;
const ARC: u32 = 1u;
const CAPSULE: u32 = 2u;
const CIRCLE: u32 = 3u;
const OCTAGON: u32 = 4u;
const POLYLINE: u32 = 5u;
const CROSS: u32 = 6u;
const TRIANGLE: u32 = 7u;
const CUBIC: u32 = 8u;
const LANE: u32 = 9u;
const POOL: u32 = 10u;
const TAB_BOX: u32 = 11u;
const NEEDLE: u32 = 12u;
const LEVELS: u32 = 13u;

const FADE_ONLY: u32 = 0u;
const REVEAL_UP: u32 = 1u;
const DRAW_ON: u32 = 3u;
const TAB_RISE: u32 = 5u;

const BEADS: u32 = 1u;
const GROW: u32 = 2u;
const SWING: u32 = 3u;
const BREATHE: u32 = 4u;

const HATCH: u32 = 1u;
const BARS: u32 = 2u;
const SCANLINES: u32 = 3u;

const ROUND_CAP: u32 = 1u;
const SNAP: u32 = 2u;
const KEEP_COLOUR: u32 = 4u;
const CLIPPED: u32 = 8u;
const BREATHE_ALL: u32 = 16u;
const LEAVING: u32 = 32u;
const STAYING: u32 = 64u;

struct VertexInput {
    @builtin(vertex_index) index: u32,
    @location(0) bounds: vec4<f32>,
    @location(1) geom0: vec4<f32>,
    @location(2) geom1: vec4<f32>,
    @location(3) geom2: vec4<f32>,
    // kind | entrance << 8 | motion << 16 | texture << 24, flags, fill from, fill to
    @location(4) codes: vec4<u32>,
    // border, glow, texture, bead
    @location(5) colours: vec4<u32>,
    // border width, border offset from the edge, opacity, highlight alpha
    @location(6) style: vec4<f32>,
    // glow deviation, glow stroke width, dash, gap
    @location(7) glow_dash: vec4<f32>,
    // period, width, softness deviation, clip radius
    @location(8) tex: vec4<f32>,
    @location(9) clip: vec4<f32>,
    // start, duration, from, to
    @location(10) fade: vec4<f32>,
    // start, duration, extent from, extent to
    @location(11) enter: vec4<f32>,
    @location(12) motion: vec4<f32>,
    // t = x * p.x + y * p.y + z
    @location(13) gradient: vec4<f32>,
}

struct VertexOutput {
    @builtin(position) position: vec4<f32>,
    @location(0) p: vec2<f32>,
    @location(1) @interpolate(flat) geom0: vec4<f32>,
    @location(2) @interpolate(flat) geom1: vec4<f32>,
    @location(3) @interpolate(flat) geom2: vec4<f32>,
    @location(4) @interpolate(flat) codes: vec4<u32>,
    @location(5) @interpolate(flat) colours: vec4<u32>,
    @location(6) @interpolate(flat) style: vec4<f32>,
    @location(7) @interpolate(flat) glow_dash: vec4<f32>,
    @location(8) @interpolate(flat) tex: vec4<f32>,
    @location(9) @interpolate(flat) clip: vec4<f32>,
    // progress, extent from, extent to
    @location(10) @interpolate(flat) enter: vec4<f32>,
    @location(11) @interpolate(flat) motion: vec4<f32>,
    @location(12) @interpolate(flat) gradient: vec4<f32>,
}

// cubic-bezier(0.22, 1, 0.36, 1), the design's ease-out, is the quintic.
fn ease_out(t: f32) -> f32 {
    let r = 1.0 - clamp(t, 0.0, 1.0);
    return 1.0 - r * r * r * r * r;
}

fn progress(start: f32, duration: f32) -> f32 {
    return clamp((canvas.time - start) / max(duration, 1e-4), 0.0, 1.0);
}

// No branch here depends on uniforms alone. Mesa's software renderer (22.3) compiles a shader
// variant for each such branch in every frame and keeps all of them.

// Needles and rings step once per second under reduced motion.
fn stepped_time() -> f32 {
    return select(canvas.time, floor(canvas.time), canvas.reduced_motion > 0.5);
}

@vertex
fn vertex(in: VertexInput) -> VertexOutput {
    var out: VertexOutput;
    let kind = in.codes.x & 0xffu;
    let entrance = (in.codes.x >> 8u) & 0xffu;
    let motion = (in.codes.x >> 16u) & 0xffu;
    let reduced = canvas.reduced_motion > 0.5;

    var geom0 = in.geom0;
    var geom1 = in.geom1;
    var style = in.style;

    let fade = progress(in.fade.x, select(in.fade.y, min(in.fade.y, 0.2), reduced));
    style.z *= mix(in.fade.z, in.fade.w, fade);

    if (in.codes.y & STAYING) == 0u {
        style.z *= select(canvas.fade.y, canvas.fade.x, (in.codes.y & LEAVING) != 0u);
    }

    var entered = 1.0;
    if in.enter.y > 0.0 {
        // Under reduced motion, slides and wipes end at once and become a short cross-fade.
        style.z *= select(1.0, progress(in.enter.x, 0.2), reduced);
        let t = select(progress(in.enter.x, in.enter.y), 1.0, reduced);
        entered = ease_out(t);
        if entrance == TAB_RISE {
            // The module fills from below, then the bar grows out of it.
            let since = select(canvas.time - in.enter.x, 1.0, reduced);
            entered = ease_out(since / 0.36);
            let bar = ease_out((since - 0.36) / 0.42);
            geom0.x = mix(geom1.x, geom0.x, bar);
            geom0.z = mix(geom1.y, geom0.z, bar);
        }
    }

    if kind == ARC && motion == GROW {
        let part = clamp(in.motion.y + in.motion.z * max(stepped_time() - in.motion.x, 0.0), 0.0, 1.0);
        geom1.y = geom1.x + (geom1.y - geom1.x) * part;
    }
    if kind == NEEDLE {
        // A damping of 0.8 overshoots by 1.5 %, the maximum in the design.
        let t = max(canvas.time - in.motion.x, 0.0);
        let omega = 18.0;
        let damped = omega * 0.6;
        var rest = exp(-0.8 * omega * t) * (cos(damped * t) + 0.8 / 0.6 * sin(damped * t));
        if reduced | (motion != SWING) {
            rest = 0.0;
        }
        let along = from_noon(mix(in.geom1.y, in.geom1.x, rest));
        geom0 = vec4<f32>(in.geom0.xy + along * in.geom0.z, in.geom0.xy + along * in.geom0.w);
    }
    if (in.codes.y & SNAP) != 0u {
        // Aligning to whole device pixels keeps hairlines and long edges sharp at odd scales.
        let low = round((geom0.xy - geom0.zw) * canvas.scale + canvas.origin);
        let high = max(round((geom0.xy + geom0.zw) * canvas.scale + canvas.origin), low + 1.0);
        let mid = ((low + high) * 0.5 - canvas.origin) / canvas.scale;
        geom0 = vec4<f32>(mid, (high - low) * 0.5 / canvas.scale);
    }
    if style.x > 0.0 {
        let device = style.x * canvas.scale;
        let width = max(select(device, ceil(device - 0.5), device < 4.0), 1.0) / canvas.scale;
        style.y *= width / style.x;
        style.x = width;
    }
    var geom2 = in.geom2;
    if kind == ARC || kind == CAPSULE || kind == CUBIC || kind == LANE || kind == NEEDLE {
        geom2.x = max(geom2.x, 1.0 / canvas.scale);
    }

    let corner = vec2<f32>(f32(in.index & 1u), f32(in.index >> 1u));
    let pad = 1.5 / canvas.scale;
    let p = mix(in.bounds.xy - pad, in.bounds.zw + pad, corner);
    let device = p * canvas.scale + canvas.origin;
    let ndc = device / canvas.viewport * 2.0 - 1.0;

    out.position = vec4<f32>(ndc.x, -ndc.y, 0.5, 1.0);
    out.p = p;
    out.geom0 = geom0;
    out.geom1 = geom1;
    out.geom2 = geom2;
    out.codes = in.codes;
    out.colours = in.colours;
    out.style = style;
    out.glow_dash = in.glow_dash;
    out.tex = in.tex;
    out.clip = in.clip;
    out.enter = vec4<f32>(entered, in.enter.z, in.enter.w, 0.0);
    out.motion = in.motion;
    out.gradient = in.gradient;
    return out;
}

fn unpack(c: u32) -> vec4<f32> {
    return vec4<f32>(
        f32(c & 0xffu),
        f32((c >> 8u) & 0xffu),
        f32((c >> 16u) & 0xffu),
        f32(c >> 24u),
    ) / 255.0;
}

fn aa(d: f32) -> f32 {
    return clamp(0.5 - d * canvas.scale, 0.0, 1.0);
}

fn over(below: vec4<f32>, colour: vec4<f32>, coverage: f32) -> vec4<f32> {
    let a = colour.a * coverage;
    return vec4<f32>(colour.rgb * a, a) + below * (1.0 - a);
}

struct Field {
    // Signed distance to the outline.
    d: f32,
    // Distance to the centre line of a path, or to the outline of an area.
    lateral: f32,
    s: f32,
    total: f32,
    path: bool,
    closed: bool,
}

fn evaluate(in: VertexOutput, kind: u32) -> Field {
    var f: Field;
    f.path = false;
    f.closed = false;
    let p = in.p;
    let dashed = in.glow_dash.z > 0.0;
    var along = vec3<f32>(0.0);
    switch kind {
        case 0u: { // BOX
            f.d = box_distance(p - in.geom0.xy, in.geom0.zw, in.geom1);
            if dashed {
                let around = box_perimeter(p - in.geom0.xy, in.geom0.zw, in.geom1.x);
                f.s = around.x;
                f.total = around.y;
                f.closed = true;
            }
        }
        case 1u: { // ARC
            along = arc_path(p, in.geom0.xy, in.geom0.z, in.geom1.x, in.geom1.y);
            f.path = true;
            f.closed = in.geom1.y - in.geom1.x > TAU - 0.001;
        }
        case 2u, 12u: { // CAPSULE, NEEDLE
            along = line_path(p, in.geom0.xy, in.geom0.zw);
            f.path = true;
        }
        case 3u: { // CIRCLE
            let q = p - in.geom0.xy;
            f.d = length(q) - in.geom0.z;
            let turn = atan2(q.x, -q.y);
            f.s = in.geom0.z * select(turn, turn + TAU, turn < 0.0);
            f.total = in.geom0.z * TAU;
            f.closed = true;
        }
        case 4u: { // OCTAGON
            let q = abs(p - in.geom0.xy);
            f.d = max(max(q.x, q.y), (q.x + q.y) * 0.70710678) - in.geom0.z;
        }
        case 5u: { // POLYLINE
            let ab = segment(p, in.geom0.xy, in.geom0.zw);
            let bc = segment(p, in.geom0.zw, in.geom1.xy);
            let first = length(in.geom0.zw - in.geom0.xy);
            along = vec3<f32>(ab, first + length(in.geom1.xy - in.geom0.zw));
            if bc.x < ab.x {
                along = vec3<f32>(bc.x, first + bc.y, along.z);
            }
            f.path = true;
        }
        case 6u: { // CROSS
            let q = abs(p - in.geom0.xy);
            let t = clamp((q.x + q.y) * 0.5, 0.0, in.geom0.z);
            f.d = length(q - t) - in.geom2.x * 0.5;
        }
        case 7u: { // TRIANGLE
            f.d = triangle_distance(p, in.geom0.xy, in.geom0.zw, in.geom1.xy) - in.geom2.x;
        }
        case 8u: { // CUBIC
            along = cubic_path(p, in.geom0.xy, in.geom0.zw, in.geom1.xy, in.geom1.zw);
            f.path = true;
        }
        case 9u: { // LANE
            along = lane_path(p, in.geom0.xy, in.geom0.w, in.geom0.z);
            f.path = true;
        }
        case 11u: { // TAB_BOX
            f.d = tab_box_distance(p, in.geom0, in.geom1.xyz, in.geom1.w, in.geom2);
        }
        case 13u: { // LEVELS
            // A peak passes one of the three bars every 0.9 s, in the rhythm of the beads.
            let q = p - in.geom0.xy;
            let pitch = in.geom0.z * 0.72;
            let column = clamp(round(q.x / pitch), -1.0, 1.0);
            let phase = canvas.time / 2.7 - (column + 1.0) / 3.0;
            var level = 0.66 + 0.34 * cos(phase * TAU);
            let still = (canvas.reduced_motion > 0.5) | (in.geom1.x > 0.5);
            level = select(level, 1.0 - 0.36 * abs(column), still);
            let reach = max(in.geom0.w * level - in.geom2.x * 0.5, 0.0);
            let x = q.x - column * pitch;
            f.d = length(vec2<f32>(x, max(abs(q.y) - reach, 0.0))) - in.geom2.x * 0.5;
        }
        default: { // POOL
            f.d = (length((p - in.geom0.xy) / in.geom0.zw) - 1.0) * min(in.geom0.z, in.geom0.w);
        }
    }
    if f.path {
        f.lateral = along.x;
        f.s = along.y;
        f.total = along.z;
    } else {
        f.lateral = abs(f.d);
    }
    return f;
}

fn texture_coverage(p: vec2<f32>, code: u32, tex: vec4<f32>) -> f32 {
    let period = tex.x;
    var x = p.x;
    if code == HATCH {
        // Stripes at 45 degrees in user space, so that they continue from shape to shape.
        x = (p.x + p.y) * 0.70710678;
    } else if code == SCANLINES {
        x = p.y;
    }
    let m = x - period * floor(x / period);
    let away = abs(m - tex.y * 0.5);
    return aa(min(away, period - away) - tex.y * 0.5);
}

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
    let kind = in.codes.x & 0xffu;
    let entrance = (in.codes.x >> 8u) & 0xffu;
    let motion = (in.codes.x >> 16u) & 0xffu;
    let texture = in.codes.x >> 24u;
    let flags = in.codes.y;
    let rounded = (flags & ROUND_CAP) != 0u;
    let reduced = canvas.reduced_motion > 0.5;
    let p = in.p;

    var f = evaluate(in, kind);

    var visible_to = f.total;
    if entrance == DRAW_ON {
        visible_to = f.total * in.enter.x;
    }

    // On a closed outline, the number of dashes is a whole number.
    let dash = in.glow_dash.z;
    var period = dash + in.glow_dash.w;
    var excess = -1e6;
    if f.path && !f.closed {
        excess = max(-f.s, f.s - visible_to);
    } else if f.path && entrance == DRAW_ON {
        excess = f.s - visible_to;
    }
    var dashes = -1e6;
    if dash > 0.0 {
        if f.closed {
            period = f.total / max(round(f.total / period), 1.0);
        }
        dashes = dash_excess(f.s, 0.0, dash, period);
    }
    let half_width = in.geom2.x * 0.5;
    if f.path {
        f.d = capped(f.lateral, max(excess, dashes), half_width, rounded);
    }

    var mask = 1.0;
    if entrance == REVEAL_UP || entrance == TAB_RISE {
        mask = aa(mix(in.enter.z, in.enter.y, in.enter.x) - p.y);
    }

    var breath = 1.0;
    if motion == BREATHE {
        breath = mix(in.motion.x, 1.0, 0.5 - 0.5 * cos(canvas.time * TAU / in.motion.y));
        breath = select(breath, 1.0, reduced);
    }

    var colour = vec4<f32>(0.0);

    let deviation = in.glow_dash.x;
    if deviation > 0.0 {
        let glow = unpack(in.colours.y);
        let away = select(f.d, capped(f.lateral, excess, 0.0, true), f.path);
        let reach = in.glow_dash.y * 0.5;
        let unit = 1.0 / (deviation * 1.4142136);
        let amount = 0.5 * (erf((away + reach) * unit) - erf((away - reach) * unit));
        colour = over(colour, glow, amount * breath * in.enter.x);
    }

    let t = clamp(dot(in.gradient.xy, p) + in.gradient.z, 0.0, 1.0);
    let fill_from = unpack(in.codes.z);
    let fill_to = unpack(in.codes.w);
    var fill = mix(fill_from, fill_to, t);
    var inside = aa(f.d);
    if kind == POOL {
        let r = length((p - in.geom0.xy) / in.geom0.zw);
        let middle = in.geom1.x;
        fill = select(
            vec4<f32>(fill_to.rgb, fill_to.a * clamp((1.0 - r) / (1.0 - middle), 0.0, 1.0)),
            mix(fill_from, fill_to, r / middle),
            r < middle,
        );
        inside = 1.0;
    } else if in.tex.z > 0.0 {
        inside = 0.5 - 0.5 * erf(f.d / (in.tex.z * 1.4142136));
    }
    colour = over(colour, fill, inside * mask);

    if texture != 0u {
        colour = over(colour, unpack(in.colours.z), texture_coverage(p, texture, in.tex) * inside * mask);
    }

    if in.style.w > 0.0 && kind == BOX {
        // Light on the upper edge, without the corners.
        let q = p - in.geom0.xy;
        let line = abs(q.y + in.geom0.w - 1.0) - 0.75;
        let ends = abs(q.x) - in.geom0.z + in.geom1.x;
        colour = over(colour, vec4<f32>(1.0, 1.0, 1.0, in.style.w), aa(max(line, ends)) * mask);
    }

    if in.style.x > 0.0 && !f.path {
        let band = capped(abs(f.d - in.style.y), dashes, in.style.x * 0.5, rounded && dash > 0.0);
        colour = over(colour, unpack(in.colours.x), aa(band) * mask);
    }

    if motion == BEADS && f.path {
        let run = dash_excess(f.s, in.motion.x * canvas.time, in.motion.z, in.motion.y);
        let bead = capped(f.lateral, max(run, excess), in.motion.w * 0.5, true);
        // Under reduced motion, still chevrons that point along the flow.
        let arm = in.motion.w * 0.9;
        let m = f.s + f.lateral - in.motion.y * (floor((f.s + f.lateral) / in.motion.y) + 0.5);
        let chevron = max(max(abs(m) - in.motion.w * 0.28, f.lateral - arm), excess);
        colour = over(colour, unpack(in.colours.w), aa(select(bead, chevron, reduced)) * mask);
    }

    var alpha = in.style.z;
    if (flags & BREATHE_ALL) != 0u {
        alpha *= breath;
    }
    if (flags & CLIPPED) != 0u {
        let half_size = (in.clip.zw - in.clip.xy) * 0.5;
        let radii = vec4<f32>(in.tex.w);
        alpha *= aa(box_distance(p - (in.clip.xy + in.clip.zw) * 0.5, half_size, radii));
    }
    colour *= alpha;

    if (flags & KEEP_COLOUR) == 0u {
        let grey = dot(colour.rgb, vec3<f32>(0.2126, 0.7152, 0.0722));
        colour = vec4<f32>(mix(colour.rgb, vec3<f32>(grey), canvas.desaturate), colour.a);
        colour = vec4<f32>(colour.rgb * canvas.brightness, colour.a);
    } else {
        colour = vec4<f32>(colour.rgb * canvas.brightness_kept, colour.a);
    }
#ifdef LINEAR_OUTPUT
    if colour.a > 0.0 {
        colour = vec4<f32>(linear_from_srgb(colour.rgb / colour.a) * colour.a, colour.a);
    }
#endif
    return colour;
}

fn linear_from_srgb(c: vec3<f32>) -> vec3<f32> {
    let low = c / 12.92;
    let high = pow((max(c, vec3<f32>(0.0)) + 0.055) / 1.055, vec3<f32>(2.4));
    return select(high, low, c <= vec3<f32>(0.04045));
}
