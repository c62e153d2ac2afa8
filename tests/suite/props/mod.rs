//! Properties: laws that hold for any input, each against a naive statement of itself.

mod book;
mod breaker;
mod budgets;
mod decimal;
mod frames;
pub mod lifecycle;
mod measures;
mod overlap;
mod planner;
mod sequence;
mod succession;
mod sync;
mod twice;
mod venue;
