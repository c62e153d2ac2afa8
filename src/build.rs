//! Tells the program which commit and target it was built from, for `--version` and the metrics, and the tests which model
//! checker they are for.
//!
//! A tarball has no history and a packager may have no git: the commit is then `DEPTHD_COMMIT`, or unknown.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-env-changed=DEPTHD_COMMIT");
    let given = env::var("DEPTHD_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(commit).unwrap_or_else(|| "unknown".to_owned());
    let target = env::var("TARGET").unwrap_or_else(|_| "unknown".to_owned());
    println!("cargo::rustc-env=DEPTHD_COMMIT={commit}");
    println!("cargo::rustc-env=DEPTHD_TARGET={target}");
    println!("cargo::rerun-if-env-changed=DEPTHD_MODEL");
    // Not by RUSTFLAGS, which would build every package anew: see `shell::model`.
    match env::var("DEPTHD_MODEL").as_deref() {
        Err(_) | Ok("") => {}
        Ok(model @ ("loom" | "shuttle")) => println!("cargo::rustc-cfg={model}"),
        Ok(other) => panic!("DEPTHD_MODEL={other}: neither loom nor shuttle"),
    }
}

/// The commit of this very folder; a tarball unpacked inside another repository has none.
fn commit() -> Option<String> {
    let here = env::var("CARGO_MANIFEST_DIR").ok()?;
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&here).canonicalize().ok()? {
        return None;
    }
    // Both change with a commit or a checkout, and live elsewhere in a linked worktree.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
