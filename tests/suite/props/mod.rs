//! Properties: laws that hold for any input, each against a naive statement of itself.

mod book;
mod budgets;
pub mod lifecycle;
mod planner;
mod sync;
mod venue;
