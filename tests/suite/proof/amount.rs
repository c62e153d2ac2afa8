//! How much proof: a little with every `cargo test`, more at a landing, most before a release.

use std::fmt::Display;

/// The environment variable that asks for more: `landing` or `release`.
const VARIABLE: &str = "DEPTHD_PROOF";

/// One of three amounts, by what [`VARIABLE`] asks for.
///
/// # Panics
/// The variable holds another word: a figure must not be taken for a larger one by a slip of the pen.
pub fn amount<T>(quick: T, landing: T, release: T) -> T {
    match std::env::var(VARIABLE).as_deref() {
        Err(_) | Ok("") => quick,
        Ok("landing") => landing,
        Ok("release") => release,
        Ok(other) => panic!("{VARIABLE}={other}: neither landing nor release"),
    }
}

/// Prints a measured figure in one line that can be found again.
pub fn figure(id: &str, measured: impl Display) {
    println!("FIGURE {id}: {measured}");
}
