//! Connections: one life of one ([`session`]), why it ended ([`end`]), what happens from one life to the next
//! ([`lifecycle`], in [`step`]s), and how two lives overlap so that the books stay ([`succession`]).

pub mod count;
pub mod end;
pub mod lifecycle;
pub mod session;
pub mod step;
pub mod succession;
