//! Vertex attributes of one shape, in the layout that the shader reads.

use bevy::color::{Color, ColorToPacked};
use bevy::mesh::VertexBufferLayout;
use bevy::render::render_resource::{VertexAttribute, VertexFormat, VertexStepMode};
use bytemuck::{Pod, Zeroable};

use super::fade::Role;

/// Bits of [`Instance::codes`]`[1]`; `shapes.wgsl` defines the same values.
pub(super) mod flag {
    pub const ROUND_CAP: u32 = 1;
    pub const SNAP: u32 = 2;
    pub const KEEP_COLOUR: u32 = 4;
    pub const CLIPPED: u32 = 8;
    pub const BREATHE_ALL: u32 = 16;
    pub const LEAVING: u32 = 32;
    pub const STAYING: u32 = 64;
}

/// One shape on the GPU: 14 attributes of 16 bytes each. WebGL2 allows 16 attributes and a stride
/// of 255 bytes. Lengths are design pixels, times are seconds since the canvas epoch. The fields
/// are described at `VertexInput` in `shapes.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Instance {
    pub bounds: [f32; 4],
    pub geom0: [f32; 4],
    pub geom1: [f32; 4],
    pub geom2: [f32; 4],
    pub codes: [u32; 4],
    pub colours: [u32; 4],
    pub style: [f32; 4],
    pub glow_dash: [f32; 4],
    pub tex: [f32; 4],
    pub clip: [f32; 4],
    pub fade: [f32; 4],
    pub enter: [f32; 4],
    pub motion: [f32; 4],
    pub gradient: [f32; 4],
}

impl Instance {
    /// Sets the flags for a part's role in cross-fades.
    pub fn in_role(mut self, role: Role) -> Self {
        self.codes[1] |= match role {
            Role::Leaving => flag::LEAVING,
            Role::Entering => 0,
            Role::Staying => flag::STAYING,
        };
        self
    }

    /// Returns the buffer layout for the pipeline.
    pub fn layout() -> VertexBufferLayout {
        let attributes = (0..14u32)
            .map(|location| VertexAttribute {
                format: if location == 4 || location == 5 {
                    VertexFormat::Uint32x4
                } else {
                    VertexFormat::Float32x4
                },
                offset: u64::from(location) * 16,
                shader_location: location,
            })
            .collect();
        VertexBufferLayout {
            array_stride: size_of::<Self>() as u64,
            step_mode: VertexStepMode::Instance,
            attributes,
        }
    }
}

/// Packs a colour as sRGB with straight alpha, eight bits per channel and red in the lowest byte,
/// which represents the design's colours exactly.
pub(super) fn pack(colour: Color) -> u32 {
    u32::from_le_bytes(colour.to_srgba().to_u8_array())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_fits_the_limits_of_webgl2() {
        assert!(size_of::<Instance>() <= 255);
        assert!(Instance::layout().attributes.len() <= 16);
    }

    #[test]
    fn colours_pack_red_first() {
        assert_eq!(pack(Color::srgba_u8(0x10, 0x20, 0x30, 0x80)), 0x8030_2010);
    }
}
