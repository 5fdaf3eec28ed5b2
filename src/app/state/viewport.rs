//! The area of the window or picture that the views occupy.

use bevy::prelude::*;

use super::dock::PanelSide;
use crate::app::systems::AppSystems;
use crate::bounded::bounded;
use crate::layout::CanvasSize;

/// Widths along the edges of the drawing surface, in device pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Edges {
    /// Width along the left edge.
    pub left: f32,
    /// Width along the right edge.
    pub right: f32,
    /// Height along the bottom edge.
    pub bottom: f32,
}

impl Edges {
    fn of(side: PanelSide, size: f32) -> Self {
        match side {
            PanelSide::Left => Self { left: size, ..Self::default() },
            PanelSide::Right => Self { right: size, ..Self::default() },
            PanelSide::Bottom => Self { bottom: size, ..Self::default() },
        }
    }
}

/// Size of the drawing surface, and what the panel takes from it.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Device pixels.
    pub size_px: Vec2,
    /// Device pixels per logical pixel.
    pub scale_factor: f32,
    /// Edges that the panel takes from the views.
    pub taken: Edges,
    /// Edges of the views that the panel covers.
    pub covered: Edges,
}

impl Default for Viewport {
    fn default() -> Self {
        Self {
            size_px: Vec2::new(1920.0, 1080.0),
            scale_factor: 1.0,
            taken: Edges::default(),
            covered: Edges::default(),
        }
    }
}

impl Viewport {
    /// Returns the size of the views' area in device pixels.
    pub fn views_px(&self) -> Vec2 {
        let Edges { left, right, bottom } = self.taken;
        (self.size_px - Vec2::new(left + right, bottom)).max(Vec2::ONE)
    }

    /// Returns the upper left corner of the views' area, in device pixels of the drawing surface.
    pub fn views_origin_px(&self) -> Vec2 {
        Vec2::new(self.taken.left, 0.0)
    }

    /// Returns the size of the views' area in design pixels.
    pub fn canvas_size(&self) -> CanvasSize {
        let views_px = self.views_px();
        CanvasSize::of_pixels(views_px.x, views_px.y)
    }
}

/// Area of the panel in the window.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct PanelArea {
    /// Side of the window at which the panel stands.
    pub side: PanelSide,
    /// Logical pixels from that edge; 0 while the panel is hidden.
    pub size_px: f32,
    /// True when the panel covers a part of the views, instead of taking room from them.
    pub overlays: bool,
}

impl PanelArea {
    /// True when the panel lies under a point of a window of this size, both in logical pixels.
    pub fn holds(&self, at: Vec2, window: Vec2) -> bool {
        self.size_px > 0.0
            && match self.side {
                PanelSide::Left => at.x < self.size_px,
                PanelSide::Right => at.x >= window.x - self.size_px,
                PanelSide::Bottom => at.y >= window.y - self.size_px,
            }
    }
}

/// True when the user asked the system for reduced motion.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReducedMotion(pub bool);

/// Zoom and position of the views.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// Magnification; 1 fits the whole view into its area.
    pub factor: f32,
    /// Position of the view's upper left corner, in device pixels of the area.
    pub origin_px: Vec2,
}

impl Default for Zoom {
    fn default() -> Self {
        Self { factor: 1.0, origin_px: Vec2::ZERO }
    }
}

impl Zoom {
    /// Largest magnification, at which a module fills a third of the screen.
    const CLOSEST: f32 = 4.0;

    /// Multiplies the magnification by `by`, keeping the point at `pointer_px` in place.
    #[must_use]
    pub fn about(self, pointer_px: Vec2, by: f32, area_px: Vec2) -> Self {
        let factor = bounded(self.factor * by, 1.0, Self::CLOSEST);
        let origin_px = pointer_px - (pointer_px - self.origin_px) * (factor / self.factor);
        Self { factor, origin_px }.within(area_px)
    }

    /// Moves the view by `by_px` device pixels.
    #[must_use]
    pub fn moved(self, by_px: Vec2, area_px: Vec2) -> Self {
        Self { origin_px: self.origin_px + by_px, ..self }.within(area_px)
    }

    /// Clamps the position so that the view covers its area.
    fn within(self, area_px: Vec2) -> Self {
        let least = area_px * (1.0 - self.factor);
        Self { origin_px: self.origin_px.max(least).min(Vec2::ZERO), ..self }
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<Viewport>()
        .init_resource::<Zoom>()
        .init_resource::<ReducedMotion>()
        .add_systems(Update, make_room_for_panel.in_set(AppSystems::Sync));
}

fn make_room_for_panel(mut viewport: ResMut<Viewport>, panel: Option<Res<PanelArea>>) {
    let panel = panel.map_or_else(PanelArea::default, |panel| *panel);
    let edges = Edges::of(panel.side, (panel.size_px * viewport.scale_factor).round());
    let (taken, covered) = match panel.overlays {
        true => (Edges::default(), edges),
        false => (edges, Edges::default()),
    };
    let fitted = Viewport { taken, covered, ..*viewport };
    viewport.set_if_neq(fitted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_leave_the_panel_its_place_or_lie_under_it() {
        for (side, size, origin_x) in [
            (PanelSide::Left, (2728.0, 2160.0), 1112.0),
            (PanelSide::Right, (2728.0, 2160.0), 0.0),
            (PanelSide::Bottom, (3840.0, 1048.0), 0.0),
        ] {
            for overlays in [false, true] {
                let mut app = App::new();
                let size_px = Vec2::new(3840.0, 2160.0);
                app.insert_resource(Viewport { size_px, scale_factor: 2.0, ..default() })
                    .insert_resource(PanelArea { side, size_px: 556.0, overlays })
                    .add_systems(Update, make_room_for_panel);
                app.update();
                let viewport = *app.world().resource::<Viewport>();
                let expected = if overlays { size_px } else { size.into() };
                assert_eq!(viewport.views_px(), expected, "{side:?}");
                let origin_x = if overlays { 0.0 } else { origin_x };
                assert_eq!(viewport.views_origin_px(), Vec2::new(origin_x, 0.0), "{side:?}");
                let (taken, covered) = (viewport.taken, viewport.covered);
                let expected = Edges::of(side, 1112.0);
                assert_eq!(if overlays { covered } else { taken }, expected, "{side:?}");
                assert_eq!(if overlays { taken } else { covered }, Edges::default(), "{side:?}");
            }
        }
    }

    #[test]
    fn panel_holds_the_points_at_its_side() {
        let window = Vec2::new(1920.0, 1080.0);
        let (left, middle) = (Vec2::new(10.0, 10.0), Vec2::new(960.0, 540.0));
        let (right, bottom) = (Vec2::new(1910.0, 10.0), Vec2::new(960.0, 1070.0));
        for (side, inside) in
            [(PanelSide::Left, left), (PanelSide::Right, right), (PanelSide::Bottom, bottom)]
        {
            let area = PanelArea { side, size_px: 300.0, overlays: false };
            for point in [left, middle, right, bottom] {
                assert_eq!(area.holds(point, window), point == inside, "{side:?} {point}");
            }
            assert!(!PanelArea { size_px: 0.0, ..area }.holds(inside, window), "hidden");
        }
    }

    #[test]
    fn zoom_keeps_the_point_under_the_pointer_and_covers_the_area() {
        let area = Vec2::new(1920.0, 1080.0);
        let pointer = Vec2::new(960.0, 540.0);
        let closer = Zoom::default().about(pointer, 2.0, area);
        assert_eq!(closer, Zoom { factor: 2.0, origin_px: Vec2::new(-960.0, -540.0) });
        let far = closer.moved(Vec2::splat(1e6), area);
        assert_eq!(far.origin_px, Vec2::ZERO);
        assert_eq!(closer.about(pointer, 0.01, area), Zoom::default());
    }
}
