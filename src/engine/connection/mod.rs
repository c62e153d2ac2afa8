//! Connections: one life of one ([`session`]), why it ended ([`end`]), and what happens from one life to the next
//! ([`lifecycle`], in [`step`]s).

pub mod count;
pub mod end;
pub mod lifecycle;
pub mod session;
pub mod step;
