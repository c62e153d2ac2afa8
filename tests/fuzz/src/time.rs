//! Times: text to [`Wall`] and back, against a count of years and months.

use crate::slow;
use depthd::engine::time::Wall;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = Wall::parse(text);
    assert_eq!(read, slow::time(text), "{text}");
    let Some(wall) = read else { return };
    let shown = wall.to_string();
    assert_eq!(Wall::parse(&shown), Some(wall), "{text} is shown as {shown}");
    assert_eq!(shown.len(), "2026-01-01T00:00:00.000000000Z".len());
    let millis = wall.nanos().div_euclid(1_000_000);
    assert!(Wall::from_millis(millis).is_none_or(|at| at <= wall));
}

pub fn work(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Wall::parse(text).map(|wall| wall.to_string());
    }
}
