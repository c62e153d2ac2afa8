//! Every committed input through its target: the corpus, and whatever once failed. Figure F2's first half, and F1.

use depthd_fuzz::{TARGETS, Target, regressions};
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The inputs of a target in this folder, with their paths.
fn inputs(folder: &str, target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(top().join(folder).join(target)).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).expect("readable"))).collect()
}

/// Runs a target on a folder of inputs; gives how many there were, and adds those that fail to `failed`.
fn replay(target: &Target, folder: &str, failed: &mut Vec<String>) -> usize {
    let inputs = inputs(folder, target.name);
    for (path, data) in &inputs {
        if catch_unwind(|| (target.run)(data)).is_err() {
            failed.push(relative(path, &top()));
        }
    }
    inputs.len()
}

#[test]
fn f2_the_corpus_and_every_regression_pass() {
    let (mut inputs, mut regressions, mut failed) = (0, 0, Vec::new());
    for target in &TARGETS {
        let corpus = replay(target, "corpus", &mut failed);
        assert!(corpus > 0, "{} has no corpus", target.name);
        inputs += corpus;
        regressions += replay(target, "regressions", &mut failed);
    }
    assert!(failed.is_empty(), "inputs that fail: {failed:#?}");
    println!("FIGURE F2: {inputs} corpus inputs and {regressions} regressions replayed, 0 failures");
}

#[test]
fn f1_every_target_is_there_and_nothing_else() {
    let manifest = fs::read_to_string(top().join("Cargo.toml")).expect("readable");
    for target in &TARGETS {
        assert!(manifest.contains(&format!("name = \"{}\"\n", target.name)), "{} has no binary", target.name);
        assert!(top().join("targets").join(format!("{}.rs", target.name)).exists());
    }
    let binaries = manifest.matches("[[bin]]").count();
    assert_eq!(binaries, TARGETS.len(), "a binary that is no target");
    for folder in ["corpus", "regressions"] {
        for entry in fs::read_dir(top().join(folder)).into_iter().flatten() {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            assert!(depthd_fuzz::by_name(&name).is_some(), "{folder}/{name} belongs to no target");
        }
    }
    println!("FIGURE F1: {} targets", TARGETS.len());
}

/// A regression without its story is a riddle.
#[test]
fn every_regression_has_its_story() {
    let told: Vec<String> = regressions::STORIES.iter().map(|(input, _)| (*input).to_owned()).collect();
    let there: Vec<String> = TARGETS
        .iter()
        .flat_map(|target| inputs("regressions", target.name))
        .map(|(path, _)| relative(&path, &top().join("regressions")))
        .collect();
    for input in &there {
        assert!(told.contains(input), "{input} has no story");
    }
    for input in &told {
        assert!(there.contains(input), "a story of {input}, which is not there");
    }
}

fn relative(path: &Path, top: &Path) -> String {
    path.strip_prefix(top).expect("below the top").to_string_lossy().into_owned()
}

#[test]
fn the_corpus_stays_small() {
    let mut all = 0;
    for target in &TARGETS {
        let inputs = inputs("corpus", target.name);
        let bytes: usize = inputs.iter().map(|(_, data)| data.len()).sum();
        assert!(
            inputs.len() <= 120 && bytes <= 200 * 1024,
            "{}: {} inputs, {bytes} bytes",
            target.name,
            inputs.len()
        );
        all += bytes;
    }
    assert!(all < 2 * 1024 * 1024, "{all} bytes");
}
