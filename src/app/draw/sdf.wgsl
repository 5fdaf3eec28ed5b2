// Distances to and positions along paths, in design pixels. Angles are radians clockwise from 12
// o'clock.

#define_import_path meterbridge::sdf

const TAU: f32 = 6.2831853;

fn from_noon(angle: f32) -> vec2<f32> {
    return vec2<f32>(sin(angle), -cos(angle));
}

// Winitzki's approximation, error below 0.0002.
fn erf(x: f32) -> f32 {
    let x2 = x * x;
    return sign(x) * sqrt(1.0 - exp(-x2 * (1.2732395 + 0.147 * x2) / (1.0 + 0.147 * x2)));
}

fn box_distance(p: vec2<f32>, half_size: vec2<f32>, radii: vec4<f32>) -> f32 {
    let side = select(radii.xw, radii.yz, p.x > 0.0);
    let r = select(side.x, side.y, p.y > 0.0);
    let q = abs(p) - half_size + r;
    return min(max(q.x, q.y), 0.0) + length(max(q, vec2<f32>(0.0))) - r;
}

fn segment(p: vec2<f32>, a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let ba = b - a;
    let pa = p - a;
    let h = clamp(dot(pa, ba) / max(dot(ba, ba), 1e-6), 0.0, 1.0);
    return vec2<f32>(length(pa - ba * h), h * length(ba));
}

// Position along the outline of a rounded box, clockwise from the top left, and its length.
fn box_perimeter(p: vec2<f32>, half_size: vec2<f32>, radius: f32) -> vec2<f32> {
    let r = min(radius, min(half_size.x, half_size.y));
    let c = half_size - r;
    let w = 2.0 * c.x;
    let h = 2.0 * c.y;
    let turn = r * TAU * 0.25;
    let total = 2.0 * (w + h) + 4.0 * turn;
    let q = abs(p) - c;
    var s = 0.0;
    if q.x > 0.0 && q.y > 0.0 {
        if p.x > 0.0 && p.y < 0.0 {
            s = w + r * atan2(q.x, q.y);
        } else if p.x > 0.0 {
            s = w + turn + h + r * atan2(q.y, q.x);
        } else if p.y > 0.0 {
            s = 2.0 * w + 2.0 * turn + h + r * atan2(q.x, q.y);
        } else {
            s = 2.0 * (w + h) + 3.0 * turn + r * atan2(q.y, q.x);
        }
    } else if q.y - half_size.y + c.y > q.x - half_size.x + c.x {
        s = select(w + turn + h + turn + (c.x - p.x), p.x + c.x, p.y < 0.0);
    } else {
        s = select(2.0 * w + 3.0 * turn + h + (c.y - p.y), w + turn + p.y + c.y, p.x > 0.0);
    }
    return vec2<f32>(s, total);
}

// Lateral distance, position along the path (below 0 or beyond the length past its ends), length.
fn arc_path(p: vec2<f32>, centre: vec2<f32>, r: f32, from_angle: f32, to_angle: f32) -> vec3<f32> {
    let q = p - centre;
    let sweep = max(to_angle - from_angle, 0.0);
    let raw = atan2(q.x, -q.y) - from_angle;
    let rel = raw - TAU * floor(raw / TAU);
    let total = r * sweep;
    if rel <= sweep {
        return vec3<f32>(abs(length(q) - r), r * rel, total);
    }
    let start = q - from_noon(from_angle) * r;
    let end = q - from_noon(to_angle) * r;
    if dot(start, start) < dot(end, end) {
        let s = min(dot(start, vec2<f32>(cos(from_angle), sin(from_angle))), 0.0);
        return vec3<f32>(sqrt(max(dot(start, start) - s * s, 0.0)), s, total);
    }
    let s = max(dot(end, vec2<f32>(cos(to_angle), sin(to_angle))), 0.0);
    return vec3<f32>(sqrt(max(dot(end, end) - s * s, 0.0)), total + s, total);
}

fn line_path(p: vec2<f32>, a: vec2<f32>, b: vec2<f32>) -> vec3<f32> {
    let total = length(b - a);
    let along = (b - a) / max(total, 1e-4);
    let q = p - a;
    return vec3<f32>(abs(q.x * along.y - q.y * along.x), dot(q, along), total);
}

// Down on the right, half a circle, up on the left.
fn lane_path(p: vec2<f32>, centre: vec2<f32>, top: f32, r: f32) -> vec3<f32> {
    let q = p - centre;
    let drop = centre.y - top;
    let turn = r * TAU * 0.5;
    let total = 2.0 * drop + turn;
    if q.y > 0.0 {
        return vec3<f32>(abs(length(q) - r), drop + r * atan2(q.y, q.x), total);
    }
    if q.x > 0.0 {
        return vec3<f32>(abs(q.x - r), p.y - top, total);
    }
    return vec3<f32>(abs(q.x + r), drop + turn - q.y, total);
}

// Nearest of 16 chords, then Newton's method on the curve itself: exact at any scale.
fn cubic_path(p: vec2<f32>, a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>) -> vec3<f32> {
    let k1 = 3.0 * (b - a);
    let k2 = 3.0 * (a - 2.0 * b + c);
    let k3 = d - a + 3.0 * (b - c);
    var previous = a;
    var total = 0.0;
    var best = 1e12;
    var t = 0.0;
    var s = 0.0;
    for (var i = 1; i <= 16; i++) {
        let u = f32(i) / 16.0;
        let here = a + u * (k1 + u * (k2 + u * k3));
        let chord = here - previous;
        let step = length(chord);
        let q = p - previous;
        let h = clamp(dot(q, chord) / max(step * step, 1e-6), 0.0, 1.0);
        let away = q - chord * h;
        let distance2 = dot(away, away);
        if distance2 < best {
            best = distance2;
            t = (f32(i) - 1.0 + h) / 16.0;
            s = total + h * step;
        }
        total += step;
        previous = here;
    }
    for (var i = 0; i < 2; i++) {
        let to = a + t * (k1 + t * (k2 + t * k3)) - p;
        let first = k1 + t * (2.0 * k2 + t * 3.0 * k3);
        let second = 2.0 * k2 + 6.0 * t * k3;
        let slope = dot(first, first) + dot(to, second);
        if abs(slope) > 1e-4 {
            t = clamp(t - dot(to, first) / slope, 0.0, 1.0);
        }
    }
    let lateral = min(length(a + t * (k1 + t * (k2 + t * k3)) - p), sqrt(best));
    return vec3<f32>(lateral, s, total);
}

fn triangle_distance(p: vec2<f32>, a: vec2<f32>, b: vec2<f32>, c: vec2<f32>) -> f32 {
    let edges = min(min(segment(p, a, b).x, segment(p, b, c).x), segment(p, c, a).x);
    let turn = sign((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));
    let ab = turn * ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x));
    let bc = turn * ((c.x - b.x) * (p.y - b.y) - (c.y - b.y) * (p.x - b.x));
    let ca = turn * ((a.x - c.x) * (p.y - c.y) - (a.y - c.y) * (p.x - c.x));
    return select(edges, -edges, min(ab, min(bc, ca)) > 0.0);
}

// Headline bar and module as one outline: the union of two boxes whose inner corners are rounded by
// a quarter circle. Exact, because the two edges meet at a right angle.
fn tab_box_distance(p: vec2<f32>, bar: vec4<f32>, block: vec3<f32>, radius: f32, join: vec4<f32>) -> f32 {
    let bar_half = (bar.zw - bar.xy) * 0.5;
    let bar_radii = vec4<f32>(radius, radius, min(join.w, radius), min(join.z, radius));
    let a = box_distance(p - (bar.xy + bar.zw) * 0.5, bar_half, bar_radii);
    // The module extends into the bar only so far that the join cannot raise the bar's top edge.
    let top = bar.w - bar_half.y;
    let low = vec2<f32>(block.x, top);
    let high = vec2<f32>(block.y, block.z);
    let b = box_distance(p - (low + high) * 0.5, (high - low) * 0.5, vec4<f32>(0.0, 0.0, radius, radius));
    let r = select(join.x, join.y, p.x > (block.x + block.y) * 0.5);
    if r <= 0.0 {
        return min(a, b);
    }
    let u = max(vec2<f32>(r - a, r - b), vec2<f32>(0.0));
    return max(r, min(a, b)) - length(u);
}

// Distance outside the nearest dash along the path; `offset` moves the dashes forwards.
fn dash_excess(s: f32, offset: f32, dash: f32, period: f32) -> f32 {
    let m = s - offset - dash * 0.5;
    return abs(m - period * round(m / period)) - dash * 0.5;
}

fn capped(lateral: f32, excess: f32, half_width: f32, rounded: bool) -> f32 {
    if rounded {
        return length(vec2<f32>(max(excess, 0.0), lateral)) - half_width;
    }
    return max(lateral - half_width, excess);
}
