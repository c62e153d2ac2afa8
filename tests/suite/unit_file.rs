//! The systemd unit: what it must say, that it starts what exists, and how exposed it leaves the daemon.

use crate::config::{example, read};
use clap::Parser;
use depthd::cli::args::{Cli, Command};
use depthd::config::{memory, units};
use std::path::{Path, PathBuf};

/// Tenths; S1 of RELIABILITY.md.
const EXPOSURE_MAX: &str = "15";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/depthd.service")
}

/// The value of every line that sets `key`, in order.
fn values(key: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path()).expect("the unit is there");
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
}

#[test]
fn it_says_what_it_must() {
    for (key, value) in [
        ("Type", "notify"),
        ("ExecReload", "kill -HUP $MAINPID"),
        ("RestartPreventExitStatus", "2"),
        ("WatchdogSec", "20"),
        ("DynamicUser", "yes"),
        ("RuntimeDirectoryMode", "0700"),
        ("StateDirectoryMode", "0700"),
        // Without a path it starts although the credential is not there; with one it would not.
        ("LoadCredential", "coinapi-key"),
        ("LimitCORE", "0"),
        ("MemorySwapMax", "0"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ] {
        assert_eq!(values(key), [value], "{key}");
    }
    let lookup = values("Environment");
    assert!(lookup.iter().any(|line| line.contains("RES_OPTIONS=timeout:1 attempts:2")), "{lookup:?}");
}

#[test]
fn it_starts_a_command_that_exists() {
    let start = values("ExecStart");
    let words: Vec<&str> = start[0].split(' ').collect();
    let cli = Cli::try_parse_from(&words).expect("good arguments");
    let Command::Run(run) = cli.command else { panic!("not `run`: {start:?}") };
    assert_eq!(run.config.config.as_deref(), Some(Path::new(depthd::config::DEFAULT_PATH)));
}

#[test]
fn its_memory_holds_the_example_with_every_feed() {
    let max = values("MemoryMax")[0].replace('M', "MiB");
    let limit = units::size(&max).expect("a size");
    let (_, text) = example();
    let config = read(&text.replace("enabled = false", "enabled = true")).expect("a good example");
    let table = memory::worst_case(&config);
    assert!(table.total_bytes() <= limit, "{max} is less than\n{table}");
}

#[test]
fn its_exposure_is_low() {
    let mut analyze = std::process::Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE_MAX]).arg(path());
    match analyze.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        }
        Err(why) => println!("SKIP: systemd-analyze does not run here: {why}"),
    }
}
