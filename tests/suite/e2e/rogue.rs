//! A venue that says exactly what a test tells it to, byte for byte, or nothing at all.

use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

type Answer = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// How far it goes along with a client.
pub enum Manners {
    /// Takes the connection, reads, and never answers.
    Mute,
    /// Upgrades, then says what this makes of the upgrade's head.
    Upgrade(Answer),
}

#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    /// Sockets that said something.
    heard: AtomicUsize,
    upgrades: AtomicUsize,
    /// The newest upgraded socket.
    current: Mutex<Option<TcpStream>>,
}

pub struct Rogue {
    pub addr: SocketAddr,
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

impl Rogue {
    pub fn start(manners: Manners) -> Rogue {
        Rogue::with_rest(manners, |_| answer("503 Service Unavailable", b""))
    }

    /// `rest` makes the whole answer to a call out of its head.
    pub fn with_rest(manners: Manners, rest: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Rogue {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let addr = listener.local_addr().expect("bound");
        let seen = Arc::new(Seen::default());
        let (shared, manners, rest): (_, _, Answer) = (seen.clone(), Arc::new(manners), Box::new(rest));
        let rest = Arc::new(rest);
        let thread = std::thread::spawn(move || {
            let mut clients = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.stop.load(SeqCst) {
                    break;
                }
                let (seen, manners, rest) = (shared.clone(), manners.clone(), rest.clone());
                clients.push(std::thread::spawn(move || serve(stream, &seen, &manners, &rest)));
            }
            clients.into_iter().for_each(|client| client.join().expect("no panic"));
        });
        Rogue { addr, seen, thread: Some(thread) }
    }

    /// Sockets on which a client has said something.
    pub fn heard(&self) -> usize {
        self.seen.heard.load(SeqCst)
    }

    pub fn upgrades(&self) -> usize {
        self.seen.upgrades.load(SeqCst)
    }

    /// Says this on the newest connection. A client that hung up meanwhile is no mistake of the test.
    pub fn say(&self, bytes: &[u8]) {
        let mut current = self.seen.current.lock().expect("no panic");
        if let Some(stream) = current.as_mut() {
            let _ = stream.write_all(bytes);
        }
    }

    /// Ends the newest connection.
    pub fn hang_up(&self) {
        if let Some(stream) = self.seen.current.lock().expect("no panic").take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        self.seen.stop.store(true, SeqCst);
        drop(TcpStream::connect(self.addr));
        let ended = self.thread.take().expect("joined once").join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

fn serve(mut stream: TcpStream, seen: &Seen, manners: &Manners, rest: &Answer) {
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let mut head = Vec::new();
    let more = |stream: &mut TcpStream, into: &mut Vec<u8>| {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                into.extend_from_slice(&buffer[..n]);
                true
            }
            Err(e) => matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
        }
    };
    let mute = matches!(manners, Manners::Mute);
    while mute || !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let before = head.len();
        if seen.stop.load(SeqCst) || !more(&mut stream, &mut head) {
            return;
        }
        if before == 0 && !head.is_empty() {
            seen.heard.fetch_add(1, SeqCst);
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let Some(key) = header(&head, "Sec-WebSocket-Key") else {
        let _ = stream.write_all(&rest(&head));
        return;
    };
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let upgraded = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let Manners::Upgrade(greeting) = manners else { return };
    let mut said = upgraded.into_bytes();
    said.extend(greeting(&head));
    if stream.write_all(&said).is_err() {
        return;
    }
    *seen.current.lock().expect("no panic") = stream.try_clone().ok();
    seen.upgrades.fetch_add(1, SeqCst);
    let mut ignored = Vec::new();
    while !seen.stop.load(SeqCst) && more(&mut stream, &mut ignored) {
        ignored.clear();
    }
}

pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A whole HTTP answer.
pub fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let mut whole =
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
            .into_bytes();
    whole.extend_from_slice(body);
    whole
}

/// A frame as a server sends it; `first` holds the end mark, the reserved bits and the kind.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        n @ 0..=125 => bytes.push(n as u8),
        n @ 126..=65_535 => {
            bytes.push(126);
            bytes.extend((n as u16).to_be_bytes());
        }
        n => {
            bytes.push(127);
            bytes.extend((n as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

pub fn text(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

/// An address on which a connect neither succeeds nor fails: a listener whose backlog is full.
pub struct Blackhole {
    pub addr: SocketAddr,
    _listener: Socket,
    _fillers: Vec<Socket>,
}

impl Blackhole {
    pub fn open() -> Blackhole {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
        listener.listen(0).expect("listening");
        let addr = listener.local_addr().ok().and_then(|a| a.as_socket()).expect("bound");
        let mut fillers = Vec::new();
        // Until one is left hanging; the kernel takes one or two more than it was told.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let filler = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            let hangs = filler.connect_timeout(&addr.into(), Duration::from_millis(200)).is_err();
            fillers.push(filler);
            if hangs {
                return Blackhole { addr, _listener: listener, _fillers: fillers };
            }
            assert!(Instant::now() < deadline, "the backlog does not fill");
        }
    }
}
