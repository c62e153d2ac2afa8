//! Reads a recording: lines of a receive time and a frame, plain or gzip, with or without an end.

use flate2::read::MultiGzDecoder;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Most text held. A recording of an hour of one busy symbol is a tenth of it.
const BYTES_MAX: usize = 1 << 30;

/// One frame; its text is a range of [`Recording::text`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// Nanoseconds since the recording's first frame.
    pub at_nanos: u64,
    start: usize,
    end: usize,
    pub is_snapshot: bool,
}

#[derive(Debug, Default)]
pub struct Recording {
    text: String,
    pub lines: Vec<Line>,
    pub symbols: Vec<String>,
    /// Lines that were no frames.
    pub skipped: u64,
    pub torn: bool,
}

impl Recording {
    pub fn frame(&self, line: Line) -> &str {
        &self.text[line.start..line.end]
    }

    /// Frames of the stream, snapshots not counted.
    pub fn frames(&self) -> u64 {
        self.lines.iter().filter(|line| !line.is_snapshot).count() as u64
    }
}

/// The stream a combined frame names; `None` for any other frame.
pub fn stream_of(frame: &str) -> Option<&str> {
    let rest = frame.strip_prefix("{\"stream\":\"")?;
    rest.split_once('"').map(|(name, _)| name)
}

pub fn read(path: &Path) -> io::Result<Recording> {
    let mut file = BufReader::new(File::open(path)?);
    let is_gzip = file.fill_buf()?.starts_with(&[0x1F, 0x8B]);
    let recording = if is_gzip { parse(BufReader::new(MultiGzDecoder::new(file))) } else { parse(file) }?;
    if recording.lines.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} holds no frame", path.display())));
    }
    Ok(recording)
}

pub(super) fn parse(mut input: impl BufRead) -> io::Result<Recording> {
    let mut recording = Recording::default();
    let mut first = None;
    let mut symbols = BTreeSet::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        // A torn gzip file fails in the middle: what came before is good.
        match input.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => {
                recording.torn = true;
                break;
            }
        }
        if recording.text.len() + line.len() > BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a recording of more than a gigabyte"));
        }
        let Some((nanos, frame)) = split(&line) else {
            recording.skipped += 1;
            continue;
        };
        if !line.ends_with(b"\n") && serde_json::from_str::<serde::de::IgnoredAny>(frame).is_err() {
            recording.torn = true;
            break;
        }
        let first = *first.get_or_insert(nanos);
        let start = recording.text.len();
        recording.text.push_str(frame);
        let symbol = stream_of(frame).and_then(|name| name.split_once('@')).map(|(symbol, _)| symbol);
        if let Some(symbol) = symbol.filter(|s| !symbols.contains(*s)) {
            symbols.insert(symbol.to_owned());
        }
        recording.lines.push(Line {
            at_nanos: nanos.saturating_sub(first),
            start,
            end: recording.text.len(),
            is_snapshot: frame.starts_with("{\"lastUpdateId\""),
        });
    }
    recording.symbols = symbols.iter().map(|s| s.to_uppercase()).collect();
    Ok(recording)
}

fn split(line: &[u8]) -> Option<(u64, &str)> {
    let text = std::str::from_utf8(line).ok()?.trim_end();
    let (nanos, frame) = text.split_once(' ')?;
    let frame = frame.trim_start();
    frame.starts_with('{').then_some((nanos.parse().ok()?, frame))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    const TEXT: &str = "100 {\"stream\":\"ab@trade\",\"data\":{}}\nnoise\n150 {\"lastUpdateId\":1}\n\
                        200 {\"stream\":\"cd@depth\",\"data\":{}}\n";

    #[test]
    fn lines_are_read_plain_and_torn() {
        let whole = parse(TEXT.as_bytes()).expect("read");
        assert_eq!((whole.lines.len(), whole.frames(), whole.skipped, whole.torn), (3, 2, 1, false));
        assert_eq!(whole.symbols, ["AB", "CD"]);
        assert_eq!((whole.lines[2].at_nanos, whole.frame(whole.lines[1])), (100, "{\"lastUpdateId\":1}"));
        let cut = parse(&TEXT.as_bytes()[..TEXT.len() - 5]).expect("read");
        assert_eq!((cut.lines.len(), cut.torn), (2, true));

        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        (0..1_000).for_each(|_| gzip.write_all(TEXT.as_bytes()).expect("memory"));
        let bytes = gzip.finish().expect("memory");
        let torn = parse(BufReader::new(MultiGzDecoder::new(&bytes[..bytes.len() - 12]))).expect("read");
        assert!(torn.torn && torn.lines.len() > 2_000, "{}", torn.lines.len());
    }
}
