//! Figure F5: what one input may cost, of the corpus and of large hostile ones. One test, because it counts the memory
//! of the whole process.

use depthd::config::memory::REST_BODY_BYTES_MAX;
use depthd::http::limits::TARGET_BYTES_MAX;
use depthd_fuzz::{TARGETS, Target, hostile, http_head};
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::path::Path;
use std::time::Duration;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The figure holds for what is shipped; without optimization the same work takes up to ten times as long.
/// It is linear work, and holds up to [`CPU_PER_BYTES`]; a longer message may take so much for each of them.
const CPU_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 50 } else { 5 });
const CPU_PER_BYTES: usize = 512 * 1024;
const MEMORY_FLOOR: usize = 64 * 1024;
const MEMORY_PER_BYTE: usize = 4;
/// A configuration is no message of a peer: its owner has it read, once. The parser keeps tables and values of
/// some eighty bytes each, and the file is cut at [`longest`].
const CONFIG_CPU_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 200 });
const CONFIG_MEMORY_FLOOR: usize = 4 * 1024 * 1024;
const CONFIG_MEMORY_PER_BYTE: usize = 96;

/// What the most expensive input so far took.
struct Most {
    cpu_max: Duration,
    memory_floor: usize,
    memory_per_byte: usize,
    cpu: Duration,
    cpu_of: String,
    /// In thousandths of what is allowed.
    memory: usize,
    memory_of: String,
    inputs: usize,
    over: Vec<String>,
}

impl Most {
    fn of(target: &str) -> Most {
        let (cpu_max, memory_floor, memory_per_byte) = match target {
            "config" => (CONFIG_CPU_MAX, CONFIG_MEMORY_FLOOR, CONFIG_MEMORY_PER_BYTE),
            _ => (CPU_MAX, MEMORY_FLOOR, MEMORY_PER_BYTE),
        };
        let (cpu_of, memory_of, over) = (String::new(), String::new(), Vec::new());
        let cpu = Duration::ZERO;
        Most { cpu_max, memory_floor, memory_per_byte, cpu, cpu_of, memory: 0, memory_of, inputs: 0, over }
    }
}

fn cpu_now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The processor time and the most memory of one run.
fn measured(work: fn(&[u8]), data: &[u8]) -> (Duration, usize) {
    MEMORY.reset_peak_usage();
    let (before, began) = (MEMORY.current_usage(), cpu_now());
    work(data);
    (cpu_now() - began, MEMORY.peak_usage() - before)
}

fn weigh(most: &mut Most, name: &str, work: fn(&[u8]), data: &[u8]) {
    let (mut cpu, memory) = measured(work, data);
    let cpu_max = most.cpu_max.mul_f64((data.len() as f64 / CPU_PER_BYTES as f64).max(1.0));
    // The least of several: what a busy machine adds is not the input's.
    for _ in 0..4 {
        if cpu <= cpu_max / 2 {
            break;
        }
        cpu = cpu.min(measured(work, data).0);
    }
    let allowed = most.memory_floor + most.memory_per_byte * data.len();
    if cpu > cpu_max || memory > allowed {
        most.over.push(format!("{name}: {cpu:?}, {memory} of {allowed} bytes"));
    }
    if cpu > most.cpu {
        (most.cpu, most.cpu_of) = (cpu, name.to_owned());
    }
    if memory * 1_000 / allowed > most.memory {
        (most.memory, most.memory_of) = (memory * 1_000 / allowed, name.to_owned());
    }
    most.inputs += 1;
}

fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["corpus", "regressions"].map(|folder| top.join(folder).join(target.name));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| {
            (
                path.file_name().expect("a name").to_string_lossy().into_owned(),
                fs::read(&path).expect("readable"),
            )
        })
        .collect()
}

/// What never gets so far as to be read.
fn longest(target: &str) -> usize {
    match target {
        // A part of a request's target.
        "http_query" => TARGET_BYTES_MAX,
        "coinapi_rest" | "binance_rest" => REST_BODY_BYTES_MAX as usize,
        "config" => 512 * 1024,
        _ => usize::MAX,
    }
}

#[test]
fn f5_no_input_costs_more_than_it_may() {
    let mut over = Vec::new();
    for target in &TARGETS {
        let Some(work) = target.work else { continue };
        let mut most = Most::of(target.name);
        // What is made once, at first use, is nobody's work.
        work(b"");
        for (name, data) in
            hostile::shapes().into_iter().chain(hostile::of_target(target.name)).chain(corpus(target))
        {
            let name = format!("{}: {name}", target.name);
            let data = &data[..data.len().min(longest(target.name))];
            weigh(&mut most, &name, work, data);
            if target.name == "http_head" {
                weigh(&mut most, &format!("{name}, byte by byte"), http_head::work_slowly, data);
            }
        }
        let (micros, share) = (most.cpu.as_micros(), most.memory / 10);
        println!(
            "FIGURE F5: {}: {} inputs, at most {micros} us ({}) and {share} % of the memory ({})",
            target.name, most.inputs, most.cpu_of, most.memory_of
        );
        over.append(&mut most.over);
    }
    assert!(over.is_empty(), "over what an input may cost:\n{}", over.join("\n"));
}
