//! Place of a hint beside the pointer.

use super::Rect;
use crate::bounded::bounded;

/// Returns the place of a card of a size, in the lengths of `screen`: at `gap` below the pointer, or above it
/// where there is no room below, or beside it where there is room neither below nor above. The card stays
/// within the screen where it fits, and never covers the pointer.
pub fn place_hint((w, h): (f32, f32), (x, y): (f32, f32), screen: Rect, gap: f32) -> Rect {
    let within_x = |left: f32| bounded(left, screen.x, (screen.right() - w).max(screen.x));
    let within_y = |top: f32| bounded(top, screen.y, (screen.bottom() - h).max(screen.y));
    let (below, above) = (y + gap, y - gap - h);
    if below + h <= screen.bottom() {
        return Rect::new(within_x(x), below, w, h);
    }
    if above >= screen.y {
        return Rect::new(within_x(x), above, w, h);
    }
    let (right, left) = (x + gap, x - gap - w);
    let has_room_right = right + w <= screen.right();
    Rect::new(if has_room_right { right } else { left }, within_y(y - h / 2.0), w, h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_lies_inside_the_screen_beside_the_pointer_wherever_that_is() {
        let screen = Rect::new(-40.0, 10.0, 1000.0, 600.0);
        for size in [(300.0, 90.0), (480.0, 280.0), (400.0, 560.0)] {
            for x in 0..=50 {
                for y in 0..=50 {
                    let pointer = (screen.x + x as f32 * 20.0, screen.y + y as f32 * 12.0);
                    let card = place_hint(size, pointer, screen, 18.0);
                    let case = format!("{size:?} at {pointer:?}: {card:?}");
                    assert!(!card.holds(pointer.0, pointer.1), "{case}");
                    assert!(card.x >= screen.x && card.right() <= screen.right(), "{case}");
                    assert!(card.y >= screen.y && card.bottom() <= screen.bottom(), "{case}");
                }
            }
        }
    }

    #[test]
    fn card_stands_below_the_pointer_where_there_is_room() {
        let screen = Rect::new(0.0, 0.0, 1920.0, 1080.0);
        let card = place_hint((300.0, 100.0), (500.0, 400.0), screen, 20.0);
        assert_eq!(card, Rect::new(500.0, 420.0, 300.0, 100.0));
        let at_the_foot = place_hint((300.0, 100.0), (1900.0, 1000.0), screen, 20.0);
        assert_eq!(at_the_foot, Rect::new(1620.0, 880.0, 300.0, 100.0));
    }
}
