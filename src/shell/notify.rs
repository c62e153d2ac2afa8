//! What systemd is told: ready, status, alive, stopping. The standard library has all it takes.
//!
//! Never blocks and never fails: without systemd, or with a manager that does not read, nothing happens.
//! Source: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// A status line is read by people in `systemctl status`; what is longer is cut by their terminal.
const STATUS_BYTES_MAX: usize = 300;

/// The way to the service manager, if there is one.
#[derive(Debug)]
pub struct Notify {
    manager: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// From `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; `pid` is ours.
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>, pid: u32) -> Notify {
        let manager = env("NOTIFY_SOCKET").and_then(|name| {
            let address = match name.strip_prefix('@') {
                Some(hidden) => SocketAddr::from_abstract_name(hidden).ok()?,
                None if name.starts_with('/') => SocketAddr::from_pathname(&name).ok()?,
                None => return None,
            };
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, address))
        });
        // The variables are inherited by children; the process they mean is named beside them.
        let for_us = env("WATCHDOG_PID").is_none_or(|text| text.parse() == Ok(pid));
        let micros = env("WATCHDOG_USEC").filter(|_| for_us).and_then(|text| text.parse().ok());
        let watchdog = micros.filter(|micros| *micros > 0).map(Duration::from_micros);
        Notify { manager, watchdog }
    }

    /// After this time without [`Notify::watchdog`] the manager kills us. Ping at half of it.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Started, or reloaded.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    pub fn status(&self, status: &str) {
        self.send(&format!("STATUS={}", one_line(status)));
    }

    /// Still alive. Sent only when every thread has shown progress.
    pub fn watchdog(&self) {
        self.send("WATCHDOG=1");
    }

    pub fn stopping(&self, status: &str) {
        self.send(&format!("STOPPING=1\nSTATUS={}", one_line(status)));
    }

    /// Reading the configuration again; [`Notify::ready`] ends it. `Type=notify-reload` wants the time on
    /// `CLOCK_MONOTONIC`, in the same datagram or not at all.
    pub fn reloading(&self, monotonic_usec: Option<u64>) {
        match monotonic_usec {
            Some(usec) => self.send(&format!("RELOADING=1\nMONOTONIC_USEC={usec}")),
            None => self.send("RELOADING=1"),
        }
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.manager {
            // A manager that does not read is told again with the next change; nothing here is worth waiting for.
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }
}

/// A line break would begin another assignment.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if line.len() + c.len_utf8() > STATUS_BYTES_MAX {
            break;
        }
        line.push(c);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(manager: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        manager.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let n = manager.recv(&mut buffer).expect("a datagram");
        String::from_utf8_lossy(&buffer[..n]).into_owned()
    }

    #[test]
    fn a_hidden_name_and_a_path_both_work() {
        let name = format!("depthd-notify-{}", std::process::id());
        let hidden = SocketAddr::from_abstract_name(&name).expect("a name");
        let path = std::env::temp_dir().join(&name);
        let _ = std::fs::remove_file(&path);
        let managers = [
            (UnixDatagram::bind_addr(&hidden).expect("bound"), format!("@{name}")),
            (UnixDatagram::bind(&path).expect("bound"), path.display().to_string()),
        ];
        for (manager, socket) in managers {
            let notify = Notify::from_env(&|key| (key == "NOTIFY_SOCKET").then(|| socket.clone()), 1);
            notify.ready("2 books\nWATCHDOG=trigger");
            assert_eq!(told(&manager), "READY=1\nSTATUS=2 books WATCHDOG=trigger");
            notify.watchdog();
            assert_eq!(told(&manager), "WATCHDOG=1");
            notify.reloading(Some(7));
            assert_eq!(told(&manager), "RELOADING=1\nMONOTONIC_USEC=7");
            notify.stopping("bye");
            assert_eq!(told(&manager), "STOPPING=1\nSTATUS=bye");
        }
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn without_a_manager_nothing_happens() {
        for socket in [None, Some("/nonexistent/socket"), Some("relative"), Some("@"), Some("")] {
            let notify =
                Notify::from_env(&|key| socket.filter(|_| key == "NOTIFY_SOCKET").map(str::to_owned), 1);
            notify.ready(&"x".repeat(100_000));
            assert_eq!(notify.watchdog_interval(), None);
        }
    }

    #[test]
    fn a_manager_that_does_not_read_is_not_waited_for() {
        let name = format!("depthd-notify-deaf-{}", std::process::id());
        let _deaf =
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name")).expect("bound");
        let notify = Notify::from_env(&|key| (key == "NOTIFY_SOCKET").then(|| format!("@{name}")), 1);
        for _ in 0..10_000 {
            notify.watchdog();
        }
    }

    #[test]
    fn the_watchdog_may_be_meant_for_another() {
        let with = |pid: &str, usec: &str| {
            let (pid, usec) = (pid.to_owned(), usec.to_owned());
            let env = move |key: &str| match key {
                "WATCHDOG_PID" => Some(pid.clone()),
                "WATCHDOG_USEC" => Some(usec.clone()),
                _ => None,
            };
            Notify::from_env(&env, 42).watchdog_interval()
        };
        assert_eq!(with("42", "20000000"), Some(Duration::from_secs(20)));
        assert_eq!(with("41", "20000000"), None);
        assert_eq!(with("42", "0"), None);
        assert_eq!(with("42", "soon"), None);
    }
}
