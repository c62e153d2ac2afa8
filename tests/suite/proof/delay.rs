//! A wire with a length: forwards bytes both ways, each so much later than it came, and ends and resets with them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Looked at between reads.
const LOOK_EVERY: Duration = Duration::from_millis(50);

enum Piece {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// A running wire to one address. Dropping it ends it.
pub struct Delay {
    pub addr: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Delay {
    /// `latency` is one way. A handshake takes a round trip on a real wire and none here: the first bytes make up for it.
    pub fn start(to: SocketAddr, latency: Duration) -> Delay {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let addr = listener.local_addr().expect("bound");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut ends = Vec::new();
            for near in listener.incoming().map_while(Result::ok) {
                if stopped.load(SeqCst) {
                    break;
                }
                // Nobody there: the near end is dropped, which is what a client sees of a refusal behind a wire.
                let Ok(far) = TcpStream::connect(to) else { continue };
                let clone = |s: &TcpStream| s.try_clone().expect("a descriptor");
                ends.extend(carry(clone(&near), clone(&far), latency, 3 * latency, &stopped));
                ends.extend(carry(far, near, latency, latency, &stopped));
            }
            ends.into_iter().for_each(|end| end.join().expect("no panic"));
        });
        Delay { addr, stop, thread: Some(thread) }
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        drop(TcpStream::connect(self.addr));
        let ended = self.thread.take().expect("joined once").join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// One direction: a thread that reads and stamps, and one that waits and writes. `first` is the first bytes' latency.
fn carry(
    from: TcpStream,
    to: TcpStream,
    latency: Duration,
    first: Duration,
    stop: &Arc<AtomicBool>,
) -> [JoinHandle<()>; 2] {
    let (pieces, due) = channel();
    let stop = stop.clone();
    from.set_read_timeout(Some(LOOK_EVERY)).expect("a timeout");
    to.set_nodelay(true).expect("an option");
    let mut wait = first;
    let reading = std::thread::spawn(move || read(from, &pieces, &stop, &mut wait, latency));
    [reading, std::thread::spawn(move || write(to, &due))]
}

fn read(
    mut from: TcpStream,
    pieces: &Sender<(Instant, Piece)>,
    stop: &AtomicBool,
    wait: &mut Duration,
    latency: Duration,
) {
    let mut buffer = [0; 64 * 1024];
    // Bytes that came while the first were on their way must not overtake them.
    let mut last = Instant::now();
    loop {
        let piece = match from.read(&mut buffer) {
            Ok(0) => Piece::End,
            Ok(n) => Piece::Bytes(buffer[..n].to_vec()),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                if stop.load(SeqCst) {
                    return;
                }
                continue;
            }
            Err(_) => Piece::Reset,
        };
        let over = !matches!(piece, Piece::Bytes(_));
        last = last.max(Instant::now() + std::mem::replace(wait, latency));
        if pieces.send((last, piece)).is_err() || over {
            return;
        }
    }
}

fn write(mut to: TcpStream, due: &Receiver<(Instant, Piece)>) {
    for (at, piece) in due {
        // The latency itself.
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        match piece {
            Piece::Bytes(bytes) => {
                if to.write_all(&bytes).is_err() {
                    return;
                }
            }
            Piece::End => {
                let _ = to.shutdown(Shutdown::Write);
            }
            Piece::Reset => {
                let _ = socket2::SockRef::from(&to).set_linger(Some(Duration::ZERO));
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}
