//! Opening a WebSocket: every way it can end, by its own name.

use depthd::engine::time::Mono;
use depthd::shell::clock::Clock;
use depthd::shell::dial::{DialError, Dialer, target};
use depthd::shell::link::{OpenError, tls_config};
use depthd::shell::wake::Wake;
use depthd::venue::{Dial, catalog};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// Far more than loopback needs, and what the cases that wait out their deadline cost.
const WITHIN: Duration = Duration::from_millis(500);

struct Case {
    scheme: &'static str,
    header: (&'static str, &'static str),
    within: Duration,
    stopped: bool,
}

const PLAIN: Case =
    Case { scheme: "ws", header: ("X-Plain", "1"), within: Duration::from_secs(20), stopped: false };

fn dial(addresses: &[SocketAddr], case: &Case) -> Option<DialError> {
    let clock = Clock::start();
    let wake = Arc::new(Wake::new().expect("a descriptor"));
    if case.stopped {
        wake.stop();
    }
    let port = addresses.first().map_or(1, SocketAddr::port);
    let url = format!("{}://localhost:{port}/", case.scheme);
    let (name, value) = case.header;
    let dial = Dial { url: url.clone(), headers: vec![(name, value.to_owned())] };
    let venue = catalog::by_name("coinapi").expect("a venue");
    let (target, tls) = (target(&url).expect("an address"), tls_config());
    let dialer = Dialer {
        venue: venue.as_ref(),
        dial: &dial,
        target: &target,
        tls: &tls,
        wake: &wake,
        clock: &clock,
        message_bytes_max: 1 << 20,
    };
    let deadline: Mono = clock.mono().after(case.within);
    dialer.open(addresses, deadline, |_| ()).err()
}

/// Dials a server that answers the first bytes of one client with `answer`, or never for `None`.
fn meet(answer: Option<&'static [u8]>, case: &Case) -> Option<DialError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("bound");
    std::thread::scope(|scope| {
        let server = scope.spawn(move || {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut buffer = [0; 4096];
            if let (Ok(1..), Some(answer)) = (stream.read(&mut buffer), answer) {
                let _ = stream.write_all(answer);
            }
            while let Ok(1..) = stream.read(&mut buffer) {}
        });
        let error = dial(&[address], case);
        // A client that never came is one that was stopped before.
        drop(std::net::TcpStream::connect(address));
        server.join().expect("no panic");
        error
    })
}

#[test]
fn each_way_not_to_be_connected_has_its_name() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a port");
    let error = dial(&[nobody], &PLAIN);
    assert!(matches!(error, Some(DialError::Open(OpenError::Connect(_)))), "{error:?}");
    let error = dial(&[], &PLAIN);
    assert!(matches!(error, Some(DialError::Open(OpenError::Connect(_)))), "no address: {error:?}");

    let short = Case { within: WITHIN, ..PLAIN };
    for scheme in ["ws", "wss"] {
        let error = meet(None, &Case { scheme, ..short });
        assert!(matches!(error, Some(DialError::Open(OpenError::TimedOut))), "{scheme}: {error:?}");
        let error = meet(None, &Case { scheme, stopped: true, ..PLAIN });
        assert!(matches!(error, Some(DialError::Open(OpenError::Stopped))), "{scheme}: {error:?}");
    }

    let error = meet(Some(b"SSH-2.0-OpenSSH_9.6\r\n"), &Case { scheme: "wss", ..PLAIN });
    assert!(matches!(error, Some(DialError::Open(OpenError::Tls(_)))), "{error:?}");
    let error = meet(Some(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), &PLAIN);
    assert!(matches!(error, Some(DialError::Protocol(_))), "{error:?}");
    let refusal = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
    let error = meet(Some(refusal), &PLAIN);
    let Some(DialError::Refused { status: 503, refusal }) = error else { panic!("{error:?}") };
    assert_eq!((refusal.wait, refusal.fatal), (Some(Duration::from_secs(7)), false));
    let error = meet(Some(b""), &Case { header: ("X-Key", "se\ncret"), ..PLAIN });
    let Some(DialError::BadRequest(why)) = error else { panic!("{error:?}") };
    assert!(why.contains("X-Key") && !why.contains("cret"), "{why}");
}
