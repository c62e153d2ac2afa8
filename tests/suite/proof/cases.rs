//! The hostile peers of X2, as a table: frames that must not be, upgrades that are none, bytes that are no TLS.

use super::script::{ACCEPT, Act, After, SYMBOLS, Script, When, book};
use crate::e2e::rogue::{answer, frame, text};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    Closed,
    /// Closed, and not tried again for a minute: the venue refuses for good.
    ClosedForGood,
    /// The stream goes on: what came is allowed, or harmless.
    CarriedOn,
}

pub struct Case {
    pub name: &'static str,
    pub scheme: &'static str,
    pub script: Script,
    pub ends: Ends,
    /// How long the script itself takes.
    pub takes: Duration,
}

const NO_TIME: Duration = Duration::ZERO;
/// How long a flood lasts: longer than the deadline.
const FLOOD: Duration = Duration::from_millis(2_500);
/// Two of CoinAPI's heartbeats, which is more than the idle timeout of the daemon under test: so much longer than
/// any silence may last the one that pongs cover up.
const NO_HEARTBEAT: Duration = Duration::from_secs(1);

pub fn cases() -> Vec<Case> {
    [headers(), controls(), closes(), texts(), lengths(), floods(), ends(), upgrades(), heads(), tls()]
        .into_iter()
        .flatten()
        .collect()
}

fn case(name: &'static str, when: When, acts: Vec<Act>, after: After, ends: Ends) -> Case {
    Case { name, scheme: "ws", script: Script { when, acts, after }, ends, takes: NO_TIME }
}

/// On a live connection, which then goes on as if nothing had been.
fn live(name: &'static str, bytes: Vec<u8>, ends: Ends) -> Case {
    case(name, When::Live, vec![Act::Say(bytes)], After::GoOn, ends)
}

fn closed(name: &'static str, bytes: Vec<u8>) -> Case {
    live(name, bytes, Ends::Closed)
}

fn carried(name: &'static str, bytes: Vec<u8>) -> Case {
    live(name, bytes, Ends::CarriedOn)
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A good change, which a daemon that takes it from a bad peer would show as sequence 2.
fn good() -> Vec<u8> {
    book(SYMBOLS[0], 2, false, 3)
}

/// Its text alone.
fn payload() -> Vec<u8> {
    good()[4..].to_vec()
}

/// Something no venue of ours means anything by.
fn unknown() -> &'static [u8] {
    b"{\"type\":\"mystery\",\"word\":\"\xc3\xa9t\xc3\xa9\"}"
}

fn headers() -> Vec<Case> {
    let masked = |first: u8| join(&[&[first, 0x80 | 4, 1, 2, 3, 4], b"abcd"]);
    vec![
        closed("the first reserved bit", frame(0xC1, &payload())),
        closed("the second reserved bit", frame(0xA1, &payload())),
        closed("the third reserved bit", frame(0x91, &payload())),
        closed("every reserved bit", frame(0xF1, &payload())),
        closed("a reserved bit on a ping", frame(0xC9, b"")),
        closed("a reserved bit on a continuation", join(&[&frame(0x01, b"{"), &frame(0xC0, b"}")])),
        closed("data opcode 3", frame(0x83, &payload())),
        closed("data opcode 7", frame(0x87, b"")),
        closed("control opcode 11", frame(0x8B, b"")),
        closed("control opcode 15", frame(0x8F, b"x")),
        closed("a masked text", masked(0x81)),
        closed("a masked ping", masked(0x89)),
        closed("a masked close", masked(0x88)),
        closed("compressed text nobody asked for", frame(0xC1, &[0xAA, 0x56, 0x2A, 0x4B, 0xCD, 0x51])),
    ]
}

fn controls() -> Vec<Case> {
    let long = vec![b'p'; 126];
    vec![
        closed("a ping in fragments", join(&[&frame(0x09, b"a"), &frame(0x80, b"b")])),
        closed("a pong in fragments", frame(0x0A, b"a")),
        closed("a close in fragments", frame(0x08, &[0x03, 0xE8])),
        closed("a ping of 126 bytes", frame(0x89, &long)),
        closed("a pong of 126 bytes", frame(0x8A, &long)),
        closed("a ping that claims 64 KiB", join(&[&[0x89, 127], &65_536u64.to_be_bytes()])),
        carried("a pong nobody asked for", frame(0x8A, b"hello")),
        carried("a ping of 125 bytes", frame(0x89, &long[..125])),
        closed("a continuation of nothing", frame(0x80, &payload())),
        closed("an unfinished continuation of nothing", frame(0x00, b"{")),
        closed("a text inside a text", join(&[&frame(0x01, b"{"), &frame(0x81, b"{}")])),
        closed("a binary inside a text", join(&[&frame(0x01, b"{"), &frame(0x82, b"{}")])),
        closed("a start inside a start", join(&[&frame(0x01, b"{"), &frame(0x01, b"{")])),
        carried(
            "pings between fragments",
            join(&[
                &frame(0x01, b"{\"type\":"),
                &frame(0x89, b"p"),
                &frame(0x00, b"\"x\""),
                &frame(0x8A, b""),
                &frame(0x80, b"}"),
            ]),
        ),
    ]
}

fn closes() -> Vec<Case> {
    let code = |code: u16, reason: &[u8]| frame(0x88, &join(&[&code.to_be_bytes(), reason]));
    vec![
        closed("a close without a code", frame(0x88, b"")),
        closed("a close with half a code", frame(0x88, &[3])),
        closed("close 1000 with a reason", code(1_000, b"bye")),
        closed("close 1012", code(1_012, b"")),
        closed("close 4999", code(4_999, b"")),
        closed("close 0", code(0, b"")),
        closed("close 999", code(999, b"")),
        closed("close 1004", code(1_004, b"")),
        closed("close 1005", code(1_005, b"")),
        closed("close 1006", code(1_006, b"")),
        closed("close 1015", code(1_015, b"")),
        closed("close 1100", code(1_100, b"")),
        closed("close 2999", code(2_999, b"")),
        closed("close 5000", code(5_000, b"")),
        closed("close 65535", code(65_535, b"")),
        closed("a close with bad UTF-8", code(1_000, b"\xff\xfe")),
        closed("a close of 126 bytes", frame(0x88, &[3; 126])),
        closed("data after a close", join(&[&code(1_000, b""), &good()])),
    ]
}

/// What is no text costs the connection by the protocol; what is no message, because any book may have lost it.
fn texts() -> Vec<Case> {
    let split = unknown().iter().position(|b| *b == 0xC3).map_or(0, |at| at + 1);
    let (left, right) = unknown().split_at(split);
    vec![
        closed("text that is no UTF-8", frame(0x81, b"{\"a\":\"\xff\xfe\"}")),
        closed("an overlong slash", frame(0x81, b"\xc0\xaf")),
        closed("a surrogate", frame(0x81, b"\xed\xa0\x80")),
        closed("a code point too high", frame(0x81, b"\xf4\x90\x80\x80")),
        closed("a character cut at the end", frame(0x81, b"{}\xe2\x82")),
        closed(
            "a character cut at the end of the last fragment",
            join(&[&frame(0x01, b"{\xe2"), &frame(0x80, b"\x82")]),
        ),
        closed("bad UTF-8 in the second fragment", join(&[&frame(0x01, b"{"), &frame(0x80, b"\xff")])),
        closed("binary in a text frame", frame(0x81, &[0x00, 0x9F, 0x92, 0x96, 0xFF])),
        carried("a character over two fragments", join(&[&frame(0x01, left), &frame(0x80, right)])),
        closed("a good message in a binary frame", frame(0x82, &payload())),
        closed("an empty binary frame", frame(0x82, b"")),
        closed("an empty text", text("")),
        closed(
            "an empty text in fragments",
            join(&[&frame(0x01, b""), &frame(0x00, b""), &frame(0x80, b"")]),
        ),
        closed("a text of NULs", frame(0x81, &[0; 64])),
        closed("thirty thousand brackets", frame(0x81, &[b'['; 30_000])),
        closed("sixty thousand spaces", frame(0x81, &[b' '; 60_000])),
    ]
}

fn lengths() -> Vec<Case> {
    let claims = |n: u64, body: &[u8]| join(&[&[0x81, 127], &n.to_be_bytes(), body]);
    let silent = |name, bytes| case(name, When::Live, vec![Act::Say(bytes)], After::Silence, Ends::Closed);
    let mut many = frame(0x01, &[b' '; 16_000]);
    (0..8).for_each(|_| many.extend(frame(0x00, &[b' '; 16_000])));
    vec![
        closed("a gigabyte claimed", claims(1 << 30, b"{")),
        closed("the sign bit in a length", claims(1 << 63, b"{")),
        closed("the largest length", claims(u64::MAX, b"{")),
        closed("one byte over the bound", claims(64 * 1024 + 1, b"{")),
        closed("fragments over the bound", many),
        silent("64 KiB claimed and none sent", claims(64 * 1024, b"")),
        silent("a 16-bit length and nothing", join(&[&[0x81, 126], &u16::MAX.to_be_bytes()])),
        silent("half a 16-bit length", vec![0x81, 126, 0]),
        silent("half a 64-bit length", vec![0x81, 127, 0, 0, 0]),
        silent("the first byte of a frame", vec![0x81]),
        silent("a short frame cut short", join(&[&[0x81, 100], b"{\"type\":"])),
        silent("a first fragment and no second", frame(0x01, b"{\"type\":")),
        carried("a 16-bit length where 7 bits do", join(&[&[0x81, 126, 0, 18], b"{\"type\":\"mystery\"}"])),
        carried(
            "a 64-bit length where 7 bits do",
            join(&[&[0x81, 127, 0, 0, 0, 0, 0, 0, 0, 18], b"{\"type\":\"mystery\"}"]),
        ),
    ]
}

fn floods() -> Vec<Case> {
    let flood = |name, bytes: Vec<u8>, length, ends| {
        let mut case = case(name, When::Live, vec![Act::Flood(bytes, length)], After::GoOn, ends);
        case.takes = FLOOD;
        case
    };
    // Ended by the daemon's own deadlines while the flood goes on, and not by what comes after it.
    let fragments = |name, bytes: Vec<u8>, takes| {
        let acts = vec![Act::Say(frame(0x01, b"{")), Act::Flood(bytes, 2 * FLOOD)];
        Case { takes, ..case(name, When::Live, acts, After::Silence, Ends::Closed) }
    };
    let mut sliced = case(
        "a good message byte by byte",
        When::Live,
        vec![Act::Trickle(text("{\"type\":\"mystery\"}"), Duration::from_millis(10))],
        After::GoOn,
        Ends::CarriedOn,
    );
    sliced.takes = Duration::from_millis(500);
    vec![
        flood("pings and no heartbeat", frame(0x89, b"ping"), FLOOD, Ends::Closed),
        flood("a flood of pongs", frame(0x8A, b""), FLOOD, Ends::Closed),
        flood("a flood of empty texts", frame(0x81, b""), FLOOD / 2, Ends::Closed),
        flood("a flood of empty binaries", frame(0x82, b""), FLOOD / 2, Ends::Closed),
        fragments("fragments of one byte without end", frame(0x00, b" "), NO_TIME),
        fragments("empty fragments without end", frame(0x00, b""), NO_TIME),
        fragments("pings without end inside a message", frame(0x89, b""), NO_HEARTBEAT),
        carried("a thousand pings", frame(0x89, b"ping").repeat(1_000)),
        sliced,
    ]
}

fn ends() -> Vec<Case> {
    let after =
        |name, bytes: Vec<u8>, after| case(name, When::Live, vec![Act::Say(bytes)], after, Ends::Closed);
    let half = || good()[..40].to_vec();
    vec![
        after("the end without a close", Vec::new(), After::Fin),
        after("a reset", Vec::new(), After::Reset),
        after("the end in the middle of a frame", half(), After::Fin),
        after("a reset in the middle of a frame", half(), After::Reset),
        after("silence", Vec::new(), After::Silence),
        after("silence in the middle of a frame", half(), After::Silence),
        Case { takes: NO_HEARTBEAT, ..after("pongs and no heartbeat", Vec::new(), After::Pongs) },
        case("silence after the upgrade", When::Upgraded, vec![], After::Silence, Ends::Closed),
        case("the end after the upgrade", When::Upgraded, vec![], After::Fin, Ends::Closed),
    ]
}

fn instead(name: &'static str, bytes: Vec<u8>, ends: Ends) -> Case {
    case(name, When::Instead, vec![Act::Say(bytes)], After::Fin, ends)
}

fn upgrades() -> Vec<Case> {
    let said = |name, status: &str, ends| instead(name, answer(status, b"no"), ends);
    let with = |name, status: &str, header: &str, ends| {
        let whole =
            format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        instead(name, whole.into_bytes(), ends)
    };
    let (closed, for_good) = (Ends::Closed, Ends::ClosedForGood);
    vec![
        said("200 with a body", "200 OK", closed),
        said("204", "204 No Content", closed),
        said("400", "400 Bad Request", closed),
        said("401", "401 Unauthorized", for_good),
        said("403", "403 Forbidden", for_good),
        said("404", "404 Not Found", closed),
        said("429 without a wait", "429 Too Many Requests", closed),
        with("429 with a wait", "429 Too Many Requests", "Retry-After: 1", closed),
        with(
            "429 with a wait in milliseconds",
            "429 Too Many Requests",
            "X-WsRequestsPerIpLimit-RetryAfterMs: 300",
            closed,
        ),
        with("429 with nonsense for a wait", "429 Too Many Requests", "Retry-After: -soon", closed),
        said("500", "500 Internal Server Error", closed),
        said("503 without a wait", "503 Service Unavailable", closed),
        with("503 with a wait", "503 Service Unavailable", "Retry-After: 1", closed),
        with("301 to elsewhere", "301 Moved Permanently", "Location: ws://127.0.0.1:1/", closed),
        with("302 to a file", "302 Found", "Location: file:///etc/hostname", closed),
        with("308 to itself", "308 Permanent Redirect", "Location: /", closed),
        said("100 and no more", "100 Continue", closed),
        said("status 999", "999 Nonsense", closed),
    ]
}

fn heads() -> Vec<Case> {
    const START: &str = "HTTP/1.1 101 Switching Protocols\r\n";
    const RIGHT: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let accept = format!("Sec-WebSocket-Accept: {}\r\n", String::from_utf8_lossy(ACCEPT));
    let head = |name, lines: String| instead(name, format!("{lines}\r\n").into_bytes(), Ends::Closed);
    let held =
        |name, bytes: Vec<u8>| case(name, When::Instead, vec![Act::Say(bytes)], After::Silence, Ends::Closed);
    let whole = format!("{START}{RIGHT}{accept}\r\n");
    let mut trickle = case(
        "a good head, too slowly",
        When::Instead,
        vec![Act::Trickle(whole.clone().into_bytes(), Duration::from_millis(25))],
        After::Silence,
        Ends::Closed,
    );
    trickle.takes = Duration::from_secs(1);
    let many: String = (0..2_000).map(|n| format!("X-{n}: x\r\n")).collect();
    vec![
        head(
            "101 with the wrong accept key",
            format!("{START}{RIGHT}Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"),
        ),
        head("101 without an accept key", format!("{START}{RIGHT}")),
        head("101 without headers", START.to_owned()),
        head("101 without Upgrade", format!("{START}Connection: Upgrade\r\n{accept}")),
        head("101 without Connection", format!("{START}Upgrade: websocket\r\n{accept}")),
        head("101 to another protocol", format!("{START}Connection: Upgrade\r\nUpgrade: h2c\r\n{accept}")),
        head(
            "a subprotocol nobody asked for",
            format!("{START}{RIGHT}{accept}Sec-WebSocket-Protocol: mqtt\r\n"),
        ),
        head("101 of HTTP/1.0", format!("HTTP/1.0 101 Switching Protocols\r\n{RIGHT}{accept}")),
        head("two thousand headers", format!("{START}{RIGHT}{accept}{many}")),
        head("a header of a megabyte", format!("{START}{RIGHT}X: {}\r\n", "x".repeat(1 << 20))),
        held("a head without an end", format!("{START}{RIGHT}{accept}").into_bytes()),
        held("no answer", Vec::new()),
        held("garbage behind a good head", join(&[whole.as_bytes(), &[0xFF; 64]])),
        instead("two heads", join(&[whole.as_bytes(), whole.as_bytes()]), Ends::Closed),
        instead("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), Ends::Closed),
        instead("a TLS alert", vec![0x15, 3, 1, 0, 2, 2, 40], Ends::Closed),
        instead("a line of SSH", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), Ends::Closed),
        instead("NULs", vec![0; 512], Ends::Closed),
        instead("the end", Vec::new(), Ends::Closed),
        case("a reset at once", When::Instead, vec![], After::Reset, Ends::Closed),
        trickle,
    ]
}

fn tls() -> Vec<Case> {
    let over = |name, bytes: Vec<u8>, after| {
        let mut case = case(name, When::Instead, vec![Act::Say(bytes)], after, Ends::ClosedForGood);
        case.scheme = "wss";
        case
    };
    vec![
        over("HTTP where TLS is due", answer("400 Bad Request", b"plain HTTP"), After::Silence),
        over("a fatal alert", vec![0x15, 3, 3, 0, 2, 2, 40], After::Silence),
        over("a record longer than any", join(&[&[0x16, 3, 3, 0xFF, 0xFF], &[0; 100]]), After::Silence),
        over(
            "a handshake of garbage",
            join(&[&[0x16, 3, 3, 0, 8], &[2, 0, 0, 4, 1, 2, 3, 4]]),
            After::Silence,
        ),
        over("TLS silence", Vec::new(), After::Silence),
        over("TLS end", Vec::new(), After::Fin),
    ]
}
