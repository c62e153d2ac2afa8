//! The venues, one for each connection of the daemon: they answer REST and the upgrade in threads of their own, and send
//! their rings from whoever calls.

use crate::frames::Ring;
use depthd::venue::binance::PROFILE;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};
use tungstenite::handshake::derive_accept_key;

/// Frames in one write when they are sent as fast as they are taken: about 64 KiB.
const FLAT_OUT: usize = 200;
/// Longest wait for a client that should be there.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Venue {
    pub port: u16,
    ring: Arc<Mutex<Ring>>,
    upgraded: Receiver<TcpStream>,
}

/// As many venues as so many symbols need connections.
pub fn start(symbols: usize) -> Vec<Venue> {
    let per_connection = PROFILE.symbols_per_connection;
    (0..symbols).step_by(per_connection).map(|n| Venue::start((symbols - n).min(per_connection))).collect()
}

/// Sends so many frames over all clients, in turns, as fast as they are taken.
pub fn flat_out(clients: &mut [Client<'_>], frames: u64) {
    let mut left = frames;
    while left > 0 {
        let share = FLAT_OUT.min((left as usize).div_ceil(clients.len()));
        for client in &mut *clients {
            left -= if left > 0 { client.send(share.min(left as usize)) } else { 0 };
        }
    }
}

impl Venue {
    pub fn start(symbols: usize) -> Venue {
        let ring = Arc::new(Mutex::new(Ring::new(symbols)));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (upgrades, upgraded) = channel();
        let shared = ring.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (ring, upgrades) = (shared.clone(), upgrades.clone());
                thread::spawn(move || serve(client, &ring, &upgrades));
            }
        });
        Venue { port, ring, upgraded }
    }

    pub fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().expect("nobody panicked")
    }

    pub fn symbols(&self) -> Vec<String> {
        self.ring().symbols.clone()
    }

    /// The next client that shook hands.
    pub fn client(&self) -> Client<'_> {
        let tcp = self.upgraded.recv_timeout(PATIENCE).expect("a client");
        Client { tcp, ring: &self.ring }
    }
}

pub struct Client<'v> {
    tcp: TcpStream,
    ring: &'v Mutex<Ring>,
}

impl Client<'_> {
    /// Sends the next frames, at most so many and at least one: how many they were.
    fn send(&mut self, most: usize) -> u64 {
        let mut ring = self.ring.lock().expect("nobody panicked");
        let (sent, bytes) = ring.next(most);
        self.tcp.write_all(bytes).expect("the client reads");
        sent as u64
    }

    /// Sends at this pace: whatever is due, then waits for the next.
    pub fn pace(&mut self, per_second: u32, duration: Duration) -> u64 {
        let (started, every) = (Instant::now(), Duration::from_secs(1) / per_second);
        let mut sent = 0;
        loop {
            let passed = started.elapsed();
            if passed >= duration {
                return sent;
            }
            let due = (passed.as_nanos() / every.as_nanos()) as u64;
            while sent < due {
                sent += self.send((due - sent) as usize);
            }
            thread::sleep((every * (sent + 1) as u32).saturating_sub(started.elapsed()));
        }
    }
}

impl Drop for Client<'_> {
    /// The thread that answers requests holds the same socket: this ends it for both, and for the peer.
    fn drop(&mut self) {
        let _ = self.tcp.shutdown(Shutdown::Both);
    }
}

fn serve(mut client: TcpStream, ring: &Mutex<Ring>, upgrades: &Sender<TcpStream>) {
    client.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::new(client.try_clone().expect("a descriptor"));
    while let Some((target, key)) = head(&mut reader) {
        if let Some(key) = key {
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            client.write_all(answer.as_bytes()).expect("the client reads");
            let writer = client.try_clone().expect("a descriptor");
            let _ = upgrades.send(client);
            return acknowledge(reader, writer);
        }
        let symbol =
            target.split_once("symbol=").map_or("", |(_, rest)| rest.split('&').next().unwrap_or(""));
        let body = ring.lock().expect("nobody panicked").snapshot(symbol).unwrap_or_default();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if client.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A request's target, and its key where it asks for the upgrade.
fn head(reader: &mut BufReader<TcpStream>) -> Option<(String, Option<String>)> {
    let (mut target, mut key) = (String::new(), None);
    for line in reader.lines() {
        let line = line.ok()?;
        if target.is_empty() {
            target = line.split(' ').nth(1)?.to_owned();
        } else if line.is_empty() {
            return Some((target, key));
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("sec-websocket-key")
        {
            key = Some(value.trim().to_owned());
        }
    }
    None
}

/// Answers each request of a client with its id. They come before the stream is sent, so nobody else writes meanwhile.
fn acknowledge(mut reader: BufReader<TcpStream>, mut writer: TcpStream) {
    while let Some((opcode, text)) = frame(&mut reader) {
        let id = text.rsplit_once(r#""id":"#).map(|(_, rest)| rest.trim_end_matches('}').to_owned());
        let (opcode, answer) = match (opcode, id) {
            (1, Some(id)) => (0x81, format!(r#"{{"result":null,"id":{id}}}"#)),
            (9, _) => (0x8A, text),
            _ => continue,
        };
        let mut bytes = vec![opcode, answer.len() as u8];
        bytes.extend(answer.as_bytes());
        if writer.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// A masked frame: its opcode and text.
fn frame(reader: &mut impl Read) -> Option<(u8, String)> {
    let mut byte = [0; 2];
    reader.read_exact(&mut byte).ok()?;
    let len = match byte[1] & 0x7f {
        126 => {
            let mut long = [0; 2];
            reader.read_exact(&mut long).ok()?;
            usize::from(u16::from_be_bytes(long))
        }
        short => usize::from(short),
    };
    let mut mask = [0; 4];
    reader.read_exact(&mut mask).ok()?;
    let mut payload = vec![0; len];
    reader.read_exact(&mut payload).ok()?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Some((byte[0] & 0x0f, String::from_utf8(payload).ok()?))
}
