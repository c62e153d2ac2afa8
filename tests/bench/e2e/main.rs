//! The daemon beside the least that anybody has to do, over loopback, in one run: `cargo bench --bench e2e`.
//!
//! Parts by name, all without one: `cargo bench --bench e2e -- table latency`. Figures of one run belong together;
//! between runs the machine differs, so compare ratios. Every part ends by holding each book against what was sent.

mod allocations;
mod daemon;
mod floor;
mod frames;
mod latency;
mod meter;
#[path = "../parts/paths.rs"]
mod paths;
mod scaling;
mod size;
mod table;
mod venue;

#[global_allocator]
static HEAP: meter::Counting = meter::Counting;

const PARTS: [(&str, fn()); 7] = [
    ("table", table::run),
    ("allocations", allocations::run),
    ("latency", latency::run),
    ("readers", latency::readers),
    ("scaling", scaling::symbols),
    ("hours", scaling::hours),
    ("size", size::run),
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let Some(unknown) = asked.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        let known: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
        eprintln!("no part {unknown}; there are {}", known.join(", "));
        std::process::exit(2);
    }
    for (name, part) in PARTS {
        if asked.is_empty() || asked.iter().any(|a| a == name) {
            println!("\n== {name}");
            part();
        }
    }
}
