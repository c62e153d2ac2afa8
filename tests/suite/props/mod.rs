//! Properties: what must hold for every input, against naive twins.

mod book;
//! Properties: laws that hold for any input, each against a naive statement of itself.
mod budgets;
mod lifecycle;
mod planner;
mod sync;
mod venue;
