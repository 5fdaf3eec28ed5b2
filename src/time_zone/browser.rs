//! The browser's zone, and zones that it knows by name.

use std::cell::RefCell;

use jiff::Timestamp;
use js_sys::{Array, Date, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::display_zone::{DisplayZone, offset};
use super::offsets::zone_of;

/// Seconds before and after now for which offsets are asked.
const BEFORE_SECS: i64 = 3 * 366 * 86_400;
const AHEAD_SECS: i64 = 10 * 366 * 86_400;

thread_local! {
    /// The browser's zone as it was found last.
    static FOUND: RefCell<Option<DisplayZone>> = const { RefCell::new(None) };
}

/// Returns a zone by its name in the browser's database.
pub(super) fn named(name: &str) -> Option<DisplayZone> {
    if name.eq_ignore_ascii_case("UTC") || name == "Z" {
        return Some(DisplayZone { zone: jiff::tz::TimeZone::UTC, name: "UTC".into() });
    }
    // Offsets and rules are parsed by the caller.
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let (format, own_name) = formatter(name)?;
    // Browsers write some zones by an older name.
    let name = if own_name.eq_ignore_ascii_case(name) { &own_name } else { name };
    zone_around_now(name, |at| {
        let date = Date::new(&JsValue::from_f64(at as f64 * 1000.0));
        let text = format.call1(&JsValue::UNDEFINED, &date).ok()?.as_string()?;
        // "11/1/2026, GMT-04:00"
        let (_, told) = text.rsplit_once("GMT")?;
        match told.trim() {
            "" => Some(0),
            told => offset(&told.replace('\u{2212}', "-")).map(|offset| offset.seconds()),
        }
    })
}

/// Returns the browser's zone. It is built again when the browser's offset has become another.
pub(super) fn system_zone() -> DisplayZone {
    let minutes_behind = |date: &Date| -> i32 { (60.0 * date.get_timezone_offset()) as i32 };
    let now = Date::new_0();
    let is_current = |found: &DisplayZone| {
        let now_ms = now.get_time() as i64;
        Timestamp::from_millisecond(now_ms)
            .is_ok_and(|at| found.zone.to_offset(at).seconds() == -minutes_behind(&now))
    };
    FOUND.with_borrow_mut(|found| {
        if let Some(zone) = found.as_ref().filter(|zone| is_current(zone)) {
            return zone.clone();
        }
        let name = browser_name().unwrap_or_else(|| "local time".to_owned());
        let zone = zone_around_now(&name, |at| {
            Some(-minutes_behind(&Date::new(&JsValue::from_f64(at as f64 * 1000.0))))
        });
        let zone = zone.unwrap_or_else(|| DisplayZone {
            zone: jiff::tz::TimeZone::UTC,
            name: "UTC (the browser's time zone was not found)".into(),
        });
        found.insert(zone).clone()
    })
}

fn zone_around_now(name: &str, offset_at: impl Fn(i64) -> Option<i32>) -> Option<DisplayZone> {
    let now = (Date::now() / 1000.0) as i64;
    let zone = zone_of(name, now - BEFORE_SECS, now + AHEAD_SECS, offset_at)?;
    Some(DisplayZone { zone, name: name.into() })
}

/// Returns the name of the browser's zone.
fn browser_name() -> Option<String> {
    name_of(&new_format(&Object::new())?)
}

/// Returns a function that formats a date with the offset of a zone, and the zone's name as the browser
/// spells it; `None` where the browser does not know the zone.
fn formatter(name: &str) -> Option<(Function, String)> {
    let options = Object::new();
    Reflect::set(&options, &"timeZone".into(), &name.into()).ok()?;
    Reflect::set(&options, &"timeZoneName".into(), &"longOffset".into()).ok()?;
    let format = new_format(&options)?;
    let function = Reflect::get(&format, &"format".into()).ok()?.dyn_into().ok()?;
    Some((function, name_of(&format)?))
}

/// Calls `new Intl.DateTimeFormat("en-US", options)`, which fails for an unknown zone.
fn new_format(options: &Object) -> Option<JsValue> {
    let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
    let constructor: Function =
        Reflect::get(&intl, &"DateTimeFormat".into()).ok()?.dyn_into().ok()?;
    Reflect::construct(&constructor, &Array::of2(&"en-US".into(), options)).ok()
}

fn name_of(format: &JsValue) -> Option<String> {
    let function: Function =
        Reflect::get(format, &"resolvedOptions".into()).ok()?.dyn_into().ok()?;
    let options = function.call0(format).ok()?;
    Reflect::get(&options, &"timeZone".into()).ok()?.as_string()
}
