// A field of cells in one quad. Each cell's state is one byte of a texture, so that updating a
// field of a hundred thousand cells costs only what changed. Lengths are in design pixels.

struct FieldUniform {
    // Device pixels.
    viewport: vec2<f32>,
    origin: vec2<f32>,
    // x, y, width, height
    rect: vec4<f32>,
    // Device pixels per design pixel, seconds, 1 if nothing moves, desaturation (0 to 1)
    state: vec4<f32>,
    // columns, rows, cells per place, places
    grid: vec4<u32>,
    // Colours of the states, starting with state 1; sRGB, straight alpha.
    colours: array<vec4<f32>, 8>,
    // Colour of the cross on a failed cell.
    ink: vec4<f32>,
}

@group(0) @binding(0) var<uniform> field: FieldUniform;
// Texture with 128 places per row, 16 bytes each.
@group(0) @binding(1) var states: texture_2d<u32>;

const TAU: f32 = 6.2831853;
const PLACES_A_ROW: u32 = 128u;
const BYTES: u32 = 16u;

const PENDING: u32 = 1u;
const RUNNING: u32 = 2u;
const DONE: u32 = 3u;
const FAILED: u32 = 4u;
const SKIPPED: u32 = 5u;
const UNKNOWN: u32 = 6u;
const STOPPED: u32 = 7u;
const SILENT: u32 = 8u;

struct VertexOutput {
    @builtin(position) position: vec4<f32>,
    @location(0) p: vec2<f32>,
    // Width and height of a cell. Passed as a varying so that no branch depends on uniforms alone:
    // see `shapes.wgsl`.
    @location(1) @interpolate(flat) cell: vec2<f32>,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> VertexOutput {
    let corner = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    let p = field.rect.xy + field.rect.zw * corner;
    let device = p * field.state.x + field.origin;
    let ndc = device / field.viewport * 2.0 - 1.0;
    var out: VertexOutput;
    out.position = vec4<f32>(ndc.x, -ndc.y, 0.5, 1.0);
    out.p = p - field.rect.xy;
    let across = field.grid.x * (field.grid.z + 1u);
    out.cell = vec2<f32>(field.rect.z / f32(across), field.rect.w / f32(field.grid.y));
    return out;
}

// Fraction of a pixel that lies between two edges.
fn between(x: f32, low: f32, high: f32, pixel: f32) -> f32 {
    return clamp((min(x - low, high - x)) / pixel + 0.5, 0.0, 1.0);
}

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
    let columns = field.grid.x;
    let rows = field.grid.y;
    let cells = field.grid.z;
    let across = cells + 1u;
    let cell = in.cell;
    let at = in.p / cell;
    let x = u32(clamp(at.x, 0.0, f32(columns * across) - 1.0));
    let row = u32(clamp(at.y, 0.0, f32(rows) - 1.0));
    let column = x / across;
    let node = x % across;
    let place = column * rows + row;
    if node >= cells || place >= field.grid.w {
        return vec4<f32>(0.0);
    }
    let texel = vec2<i32>(i32((place % PLACES_A_ROW) * BYTES + node), i32(place / PLACES_A_ROW));
    let state = textureLoad(states, texel, 0).r;
    if state == 0u || state > SILENT {
        return vec4<f32>(0.0);
    }
    var colour = field.colours[state - 1u];

    let pixel = 1.0 / field.state.x;
    let size = cell * field.state.x;
    let local = (at - floor(at)) * cell;
    // No gaps where cells are only a few pixels wide: they would be noise.
    let gap = select(0.0, min(cell.x * 0.16, 2.0), size.x >= 4.0);
    let room = select(0.0, cell.y * 0.1, size.y >= 4.0);
    let low = cell.y - room;
    var high = room;
    if size.y >= 4.0 {
        let full = cell.y - 2.0 * room;
        if state == DONE {
            high = room + full * 0.24;
        } else if state == PENDING || state == SKIPPED || state == UNKNOWN {
            high = low - max(full * 0.16, pixel);
        }
    }
    var bottom = low;
    if (state == SKIPPED || state == UNKNOWN) && size.y >= 4.0 {
        // A dash in the middle: nothing will come here.
        let up = (cell.y - 2.0 * room) * 0.4;
        bottom -= up;
        high -= up;
    }
    var cover = 1.0;
    if size.y < 4.0 && (state == PENDING || state == SKIPPED || state == UNKNOWN) {
        // Too low for a thin line: draw a faint cell.
        cover = 0.3;
    }
    if size.x >= 4.0 {
        cover *= between(local.x, gap * 0.5, cell.x - gap * 0.5, pixel);
    }
    if size.y >= 4.0 {
        cover *= between(local.y, high, bottom, pixel);
    }
    if state == RUNNING {
        // Each place pulses with its own phase, so that the field as a whole does not pulse.
        let phase = fract(f32(place) * 0.61803399);
        let moving = 0.5 + 0.5 * cos((field.state.y / 2.4 + phase) * TAU);
        let breath = select(moving, 1.0, field.state.z > 0.5);
        colour = vec4<f32>(colour.rgb, colour.a * mix(0.72, 1.0, breath));
    }
    var rgb = colour.rgb;
    if state == FAILED && size.x >= 8.0 && size.y >= 10.0 {
        let q = abs(local - cell * 0.5);
        let reach = min(cell.x, cell.y) * 0.24;
        let t = clamp((q.x + q.y) * 0.5, 0.0, reach);
        let away = length(q - t) - min(cell.x, cell.y) * 0.08;
        rgb = mix(rgb, field.ink.rgb, clamp(0.5 - away / pixel, 0.0, 1.0));
    }
    if state != FAILED {
        let grey = dot(rgb, vec3<f32>(0.2126, 0.7152, 0.0722));
        rgb = mix(rgb, vec3<f32>(grey), field.state.w);
    }
    let alpha = colour.a * cover;
#ifdef LINEAR_OUTPUT
    let dark = rgb / 12.92;
    let light = pow((max(rgb, vec3<f32>(0.0)) + 0.055) / 1.055, vec3<f32>(2.4));
    rgb = select(light, dark, rgb <= vec3<f32>(0.04045));
#endif
    return vec4<f32>(rgb * alpha, alpha);
}
