//! The log: simplelog in front, one bounded channel, one thread that writes.
//!
//! A caller never waits: a record is formatted and escaped on its own thread, offered to the channel, and dropped and
//! counted when the channel is full, as when stderr is a pipe nobody reads. What a record says is formatted before any
//! lock is taken, so that a `Display` that panics hurts its caller alone. Time comes from the caller of [`start`].

mod line;

pub use line::{Format, LINE_BYTES_MAX};

use crate::config::LogFormat;
use crate::engine::time::Wall;
use crate::shell::thread::{self, Handle};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use log::{Level, LevelFilter, Log, Metadata, Record};
use simplelog::{ConfigBuilder, LevelPadding, WriteLogger};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A burst of one line per book of a middling configuration; four times as many would only be read later.
const LINES_MAX: usize = 256;
/// How long a stop waits for the last lines: stderr may be a pipe nobody reads, and a stop has a deadline.
const LAST_LINES_WAIT: Duration = Duration::from_millis(200);

/// What a caller hands to the thread.
enum Item {
    Line(String),
    Stop,
}

/// The running log. Dropping it without [`Running::stop`] waits for the thread, but no longer than a stop does.
pub struct Running {
    sender: Sender<Item>,
    done: Receiver<()>,
    thread: Option<Handle<()>>,
    dropped: Arc<AtomicU64>,
}

/// Installs the one logger of the process and starts its thread.
///
/// # Errors
/// The thread cannot be started, or there is a logger already.
pub fn start(
    level: LevelFilter,
    format: Format,
    wall: fn() -> Wall,
    sink: impl Write + Send + 'static,
) -> io::Result<Running> {
    let (running, logger) = prepare(format, wall, sink)?;
    log::set_boxed_logger(Box::new(logger)).map_err(io::Error::other)?;
    log::set_max_level(level);
    Ok(running)
}

/// Changes the level of the running log.
pub fn set_level(level: LevelFilter) {
    log::set_max_level(level);
}

/// What `format = "auto"` means here: the journal's format when stderr is the journal.
pub fn resolve(format: LogFormat, env: &dyn Fn(&str) -> Option<String>) -> Format {
    match format {
        LogFormat::Journald => Format::Journald,
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
        LogFormat::Auto if env("JOURNAL_STREAM").is_some_and(|stream| is_stderr(&stream)) => Format::Journald,
        LogFormat::Auto => Format::Text,
    }
}

impl Running {
    /// The counter of lost lines, for whoever outlives this.
    pub fn counter(&self) -> Arc<AtomicU64> {
        self.dropped.clone()
    }

    /// Lines lost because nobody read them fast enough.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes what is left and joins the thread; gives up on a sink that takes nothing.
    pub fn stop(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let asked = self.sender.send_timeout(Item::Stop, LAST_LINES_WAIT).is_ok();
        if asked
            && self.done.recv_timeout(LAST_LINES_WAIT) != Err(crossbeam_channel::RecvTimeoutError::Timeout)
        {
            thread.join();
        } else {
            thread.abandon();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.finish();
    }
}

fn prepare(
    format: Format,
    wall: fn() -> Wall,
    sink: impl Write + Send + 'static,
) -> io::Result<(Running, Escaping)> {
    let (sender, items) = bounded(LINES_MAX);
    let (finished, done) = bounded(1);
    let dropped = Arc::new(AtomicU64::new(0));
    let adapter =
        Adapter { format, wall, line: Vec::new(), sender: sender.clone(), dropped: Arc::clone(&dropped) };
    let lost = Arc::clone(&dropped);
    let body = move || {
        write_all(
            items,
            sink,
            |lines| format.line(Level::Warn, wall(), &format!("{lines} log lines lost")),
            &lost,
        );
        let _ = finished.send(());
    };
    let thread = thread::spawn("log", 128 * 1024, body)?;
    Ok((Running { sender, done, thread: Some(thread), dropped }, Escaping::new(adapter)))
}

/// The thread: writes lines until it is told to stop, and says how many were lost once it is heard again.
fn write_all(
    items: Receiver<Item>,
    mut sink: impl Write,
    lost_line: impl Fn(u64) -> String,
    lost: &AtomicU64,
) {
    let mut said = 0;
    let mut more = true;
    while more {
        // A sink that refuses is no reason to stop: a full disk may be emptied, a journal restarted.
        match items.recv() {
            Ok(Item::Line(line)) => drop(sink.write_all(line.as_bytes())),
            Ok(Item::Stop) | Err(_) => more = false,
        }
        let lost = lost.load(Ordering::Relaxed);
        if lost > said && (items.is_empty() || !more) {
            let _ = sink.write_all(lost_line(lost - said).as_bytes());
            said = lost;
        }
    }
    let _ = sink.flush();
}

/// Puts a record into one line without control characters, whoever wrote parts of it, then hands it to simplelog.
struct Escaping {
    inner: Box<WriteLogger<Adapter>>,
}

impl Escaping {
    fn new(adapter: Adapter) -> Escaping {
        let off = LevelFilter::Off;
        let config = ConfigBuilder::new()
            .set_time_level(off)
            .set_thread_level(off)
            .set_target_level(off)
            .set_location_level(off)
            .set_level_padding(LevelPadding::Off)
            .build();
        Escaping { inner: WriteLogger::new(LevelFilter::Trace, config, adapter) }
    }
}

impl Log for Escaping {
    /// Libraries may warn; their chatter may hold frames and headers, and keys with them.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn || metadata.target().starts_with("depthd")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = line::escaped(record.args());
        let metadata = record.metadata().clone();
        self.inner.log(&Record::builder().metadata(metadata).args(format_args!("{text}")).build());
    }

    fn flush(&self) {}
}

/// Collects the pieces simplelog writes up to the line's end, and offers the line to the thread.
struct Adapter {
    format: Format,
    wall: fn() -> Wall,
    line: Vec<u8>,
    sender: Sender<Item>,
    dropped: Arc<AtomicU64>,
}

impl Write for Adapter {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(piece);
        if self.line.ends_with(b"\n") {
            let text = String::from_utf8_lossy(&self.line);
            let (level, message) = line::split(text.trim_end_matches('\n'));
            let line = self.format.line(level, (self.wall)(), message);
            if let Err(TrySendError::Full(_)) = self.sender.try_send(Item::Line(line)) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            self.line.clear();
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// True when our stderr is the stream `JOURNAL_STREAM` names as `device:inode`: the variable is inherited by programs
/// whose stderr goes elsewhere.
fn is_stderr(stream: &str) -> bool {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata("/proc/self/fd/2") {
        Ok(file) => stream == format!("{}:{}", file.dev(), file.ino()),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A sink the test can read, and stall by holding its lock.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic while held").extend_from_slice(piece);
            Ok(piece.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic while held").clone()).expect("UTF-8")
        }
    }

    fn say(logger: &Escaping, level: Level, target: &str, text: &str) {
        logger.log(&Record::builder().level(level).target(target).args(format_args!("{text}")).build());
    }

    #[test]
    fn one_record_is_one_line_whatever_it_holds() {
        let sink = Shared::default();
        let (running, logger) = prepare(Format::Journald, Wall::default, sink.clone()).expect("started");
        say(&logger, Level::Error, "depthd::x", "lost\n<2>[INFO] forged\u{1b}[31m\r\u{85}\u{2028}end");
        say(&logger, Level::Info, "depthd", "plain \"quoted\" caf\u{e9}");
        say(&logger, Level::Debug, "rustls", "a library's chatter");
        running.stop();
        let expected =
            "<3>lost\\n<2>[INFO] forged\\u{1b}[31m\\r\\u{85}\\u{2028}end\n<6>plain \"quoted\" caf\u{e9}\n";
        assert_eq!(sink.text(), expected);
    }

    #[test]
    fn a_stalled_sink_costs_lines_and_no_time() {
        let sink = Shared::default();
        let (running, logger) = prepare(Format::Text, Wall::default, sink.clone()).expect("started");
        let stall = sink.0.lock().expect("free");
        for number in 0..1000 {
            say(&logger, Level::Info, "depthd", &number.to_string());
        }
        let dropped = running.dropped();
        // The thread may hold one line in its hands beside the 256 in the channel.
        assert!((1000 - LINES_MAX as u64 - 1..=1000 - LINES_MAX as u64).contains(&dropped), "{dropped}");
        drop(stall);
        running.stop();
        let text = sink.text();
        assert!(text.ends_with(&format!("[WARN] {dropped} log lines lost\n")), "{text}");
        assert_eq!(text.lines().count() as u64, 1000 - dropped + 1);
    }

    #[test]
    fn a_sink_that_takes_nothing_does_not_hold_up_the_stop() {
        let sink = Shared::default();
        let (running, logger) = prepare(Format::Text, Wall::default, sink.clone()).expect("started");
        let stall = sink.0.lock().expect("free");
        say(&logger, Level::Info, "depthd", "never written while stalled");
        running.stop();
        drop(stall);
    }

    #[test]
    fn a_display_that_panics_leaves_the_log_usable() {
        struct Bad;
        impl std::fmt::Display for Bad {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("on purpose")
            }
        }
        let sink = Shared::default();
        let (running, logger) = prepare(Format::Text, Wall::default, sink.clone()).expect("started");
        let bad = || {
            let (bad, level) = (Bad, Level::Info);
            logger.log(&Record::builder().level(level).target("depthd").args(format_args!("{bad}")).build());
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(bad)).is_err());
        say(&logger, Level::Info, "depthd", "still here");
        running.stop();
        assert!(sink.text().ends_with("[INFO] still here\n"));
    }

    #[test]
    fn auto_is_the_journal_only_when_stderr_is() {
        let with = |value: Option<String>| resolve(LogFormat::Auto, &move |_| value.clone());
        assert_eq!(with(None), Format::Text);
        assert_eq!(with(Some("1:1".to_owned())), Format::Text);
        assert_eq!(resolve(LogFormat::Json, &|_| None), Format::Json);
    }
}
