//! Properties: what must hold for every input, against naive twins.

mod book;
mod sync;
mod venue;
