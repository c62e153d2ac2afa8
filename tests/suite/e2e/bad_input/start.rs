//! What keeps the daemon from starting: exit status, line and place.

use super::super::teardown::binance;
use super::HIT;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

/// `depthd COMMAND --config FILE`, to its end.
pub fn depthd(command: &str, config: &str, env: &[(&str, &str)]) -> (Output, PathBuf) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Relaxed);
    let path = std::env::temp_dir().join(format!("depthd-bad-{}-{n}.toml", std::process::id()));
    std::fs::write(&path, config).expect("written");
    let mut run = Command::new(env!("CARGO_BIN_EXE_depthd"));
    run.args([command, "--config"]).arg(&path);
    run.env_remove("COINAPI_KEY").env_remove("CREDENTIALS_DIRECTORY").env_remove("JOURNAL_STREAM");
    run.envs(env.iter().copied());
    let out = run.output().expect("it runs");
    let _ = std::fs::remove_file(&path);
    (out, path)
}

#[test]
fn what_cannot_start_says_why() {
    let good = binance("x", "ws://127.0.0.1:1", "http://127.0.0.1:1", "");
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let keyed = |file: &str| {
        format!(
            "[[feed]]\nname = \"c\"\nvenue = \"coinapi\"\nsymbols = [\"{HIT}\"]\napi_key_file = \"{file}\"\n"
        )
    };
    let folder = std::env::temp_dir().display().to_string();
    let cases: Vec<(&str, String, i32, Vec<&str>)> = vec![
        (
            "an unknown key",
            format!("{good}\n[pipeline]\nqueue_mesages = 5\n"),
            2,
            vec!["pipeline.queue_mesages", "unknown key; did you mean `queue_messages`?"],
        ),
        ("an unknown section", format!("{good}\n[pipelines]\nbatch = 5\n"), 2, vec!["pipelines", "unknown"]),
        (
            "a duplicate feed",
            format!("{good}{good}"),
            2,
            vec!["feed[2].name", "\"x\" is the name of an earlier feed"],
        ),
        ("an unreadable key file", keyed(&folder), 2, vec![&folder, "key file"]),
        ("a missing key file", keyed("/nonexistent/key"), 2, vec!["/nonexistent/key", "No such file"]),
        ("an address in use", format!("[http]\nlisten = \"{address}\"\n{good}"), 1, vec![&address, "in use"]),
    ];
    for (what, config, code, parts) in &cases {
        let started = Instant::now();
        let (out, path) = depthd("run", config, &[]);
        let errors = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(*code), "{what}: {errors}");
        let line = errors.lines().find(|l| parts.iter().all(|part| l.contains(part)));
        assert!(line.is_some(), "{what}: no line with {parts:?}: {errors}");
        if *code == 2 {
            let line = line.unwrap_or_default();
            let place = format!("{}:", path.display());
            assert!(line.starts_with("error: ") && line.contains(&place), "{what} says where: {line}");
            let (check, _) = depthd("check", config, &[]);
            assert_eq!(check.status.code(), Some(2), "{what}: check agrees");
        }
        eprintln!(
            "{what}: exit {code} in {} ms: {}",
            started.elapsed().as_millis(),
            line.unwrap_or_default()
        );
    }
}
