//! The time of each part of a message's way: `cargo bench --bench parts`.

mod paths;
mod recorded;

use criterion::{Criterion, criterion_group, criterion_main};

fn parts(c: &mut Criterion) {
    for mut path in paths::all() {
        c.bench_function(path.name, |bencher| bencher.iter(|| (path.once)()));
    }
}

criterion_group!(benches, parts, recorded::bench);
criterion_main!(benches);
