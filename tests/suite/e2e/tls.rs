//! TLS as an impostor meets it: a certificate that nobody vouches for, the right name on it or not, and no TLS at all.
//! Nothing of ours is said to any of them, least of all the key.

use super::daemon::{Daemon, feed};
use depthd::sim::{Face, Sim, SimConfig};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::JoinHandle;

/// A server with a certificate of its own making, which counts what is said to it inside of TLS.
struct Impostor {
    addr: SocketAddr,
    said_bytes: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Impostor {
    /// `None`: it speaks no TLS.
    fn start(name: Option<&str>) -> Impostor {
        let config = name.map(|name| {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
            let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let config = builder.expect("versions").with_no_client_auth();
            Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key.into()).expect("a pair"))
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let addr = listener.local_addr().expect("bound");
        let (said_bytes, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (said, stopped) = (said_bytes.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(SeqCst) {
                    break;
                }
                said.fetch_add(hear(stream, config.clone()), SeqCst);
            }
        });
        Impostor { addr, said_bytes, stop, thread: Some(thread) }
    }
}

/// Bytes a client said in confidence before it left.
fn hear(mut stream: TcpStream, config: Option<Arc<ServerConfig>>) -> usize {
    stream.set_read_timeout(Some(super::daemon::PATIENCE)).expect("a timeout");
    let Some(config) = config else {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        return 0;
    };
    let mut tls = ServerConnection::new(config).expect("a connection");
    let mut said = 0;
    let mut buffer = [0; 4096];
    let mut stream = rustls::Stream::new(&mut tls, &mut stream);
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        said += n;
    }
    said
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        drop(TcpStream::connect(self.addr));
        let ended = self.thread.take().expect("joined once").join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

#[test]
fn an_impostor_gets_no_word_and_no_key() {
    for (name, why) in [
        (Some("localhost"), "UnknownIssuer"),
        (Some("venue.example"), "invalid peer certificate"),
        (None, "tls_failed: "),
    ] {
        let impostor = Impostor::start(name);
        let mut daemon = Daemon::start(&format!(
            "[[feed]]\nname = \"x\"\nvenue = \"coinapi\"\nurl = \"wss://localhost:{0}/\"\n\
             rest_url = \"https://localhost:{0}\"\nsymbols = [\"BITSTAMP_SPOT_BTC_USD\"]\n\
             backoff = {{ first = \"20ms\", max = \"100ms\" }}\n",
            impostor.addr.port()
        ));
        let line = daemon.wait_line("connection 0 ended (tls_failed: ");
        assert!(line.contains(why), "{name:?}: {line}");
        daemon.wait_until("another try", |d| {
            d.json("/stats")["feeds"][0]["connections"][0]["lives"].as_u64() >= Some(2)
        });
        assert!(daemon.stop().0.success());
        assert_eq!(impostor.said_bytes.load(SeqCst), 0, "{name:?}");
    }
}

#[test]
fn a_snapshot_of_an_impostor_is_not_taken() {
    let impostor = Impostor::start(Some("localhost"));
    let sim = Sim::start(SimConfig::new(Face::Binance)).expect("a venue");
    let rest = format!("https://localhost:{}", impostor.addr.port());
    let mut daemon = Daemon::start(&feed(&sim, "").replace(&sim.rest_url(), &rest));
    let line = daemon.wait_line("UnknownIssuer");
    assert!(line.contains("snapshot"), "{line}");
    assert!(daemon.states().iter().all(|(_, state)| state == "syncing"), "{:?}", daemon.states());
    assert!(daemon.stop().0.success());
    assert_eq!(impostor.said_bytes.load(SeqCst), 0);
}
