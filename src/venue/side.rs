//! Reads one side of a book that is always listed, whatever form its levels have.

use crate::engine::event::{DecodeError, Level};
use crate::venue::field::LEVELS_PER_SIDE_MAX;
use crate::venue::json::Json;

/// Reads a list of levels into `into`. It must be a list: anything else would pass for an empty side. `plain` reads a level in
/// the form they mostly have and gives up at any other, which `level` reads.
#[inline]
pub fn read<'t>(
    json: &mut Json<'t>,
    name: &'static str,
    into: &mut Vec<Level>,
    plain: impl Fn(&mut Json<'t>) -> Option<Level>,
    level: impl Fn(&mut Json<'t>) -> Result<Level, DecodeError>,
) -> Result<(), DecodeError> {
    if json.peek() != Some(b'[') {
        json.skip()?;
        return Err(DecodeError::BadField(name));
    }
    json.array(|json| {
        if into.len() >= LEVELS_PER_SIDE_MAX {
            return Err(DecodeError::TooDeep);
        }
        let mut ahead = json.clone();
        let level = match plain(&mut ahead) {
            Some(level) => {
                *json = ahead;
                level
            }
            None => level(json)?,
        };
        if into.len() == into.capacity() {
            // Counted, once a side: growing by doubles would end at up to twice what is needed.
            into.reserve_exact(1 + json.items_left(LEVELS_PER_SIDE_MAX - into.len() - 1));
        }
        into.push(level);
        Ok(())
    })
}
