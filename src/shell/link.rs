//! A byte stream to a venue: TCP, or TLS over it. One TLS configuration serves WebSocket and REST alike.

use crate::engine::time::Mono;
use crate::shell::clock::Clock;
use crate::shell::wake::Wake;
use crate::shell::wire::{Wire, wait_until};
use rustix::event::PollFlags;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Unacknowledged data older than this ends the connection: half of the default idle timeout would end links that
/// merely lost a few packets, and longer leaves a dead peer's socket lying about.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(15);

/// With several addresses one dead one may cost at most this: a reachable host answers within a second or two.
const CONNECT_ONE_MAX: Duration = Duration::from_secs(5);

/// Where to connect, as far as names and certificates care.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub tls: bool,
}

/// Why a link could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// No address answered; the last error.
    Connect(io::Error),
    /// The certificate, the name or the handshake is bad.
    Tls(io::Error),
    /// The deadline passed.
    TimedOut,
    /// The owner stopped it.
    Stopped,
}

#[derive(Debug)]
pub enum Link {
    Plain(Wire),
    Tls(Box<StreamOwned<ClientConnection, Wire>>),
}

/// The TLS policy: ring, the Mozilla roots compiled in, TLS 1.2 and 1.3.
pub fn tls_config() -> Arc<ClientConfig> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

impl Link {
    /// Connects to the first address that answers, and shakes hands where TLS is wanted, all before `deadline`.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing is left open.
    pub fn open(
        target: &Target,
        addresses: &[SocketAddr],
        tls: &Arc<ClientConfig>,
        wake: &Arc<Wake>,
        clock: &Clock,
        deadline: Mono,
    ) -> Result<Link, OpenError> {
        let tcp = connect(addresses, wake, clock, deadline)?;
        let wire =
            Wire::new(tcp, wake.clone(), clock.clone(), deadline, target.tls).map_err(OpenError::Connect)?;
        if !target.tls {
            return Ok(Link::Plain(wire));
        }
        let bad_name = |_| OpenError::Tls(io::Error::other("the host is no valid name for a certificate"));
        let name = ServerName::try_from(target.host.clone()).map_err(bad_name)?;
        let session =
            ClientConnection::new(tls.clone(), name).map_err(|e| OpenError::Tls(io::Error::other(e)))?;
        let mut stream = StreamOwned::new(session, wire);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|e| classify(e, OpenError::Tls))?;
        }
        Ok(Link::Tls(Box::new(stream)))
    }

    pub fn wire(&self) -> &Wire {
        match self {
            Link::Plain(wire) => wire,
            Link::Tls(stream) => &stream.sock,
        }
    }

    pub fn wire_mut(&mut self) -> &mut Wire {
        match self {
            Link::Plain(wire) => wire,
            Link::Tls(stream) => &mut stream.sock,
        }
    }

    pub fn is_tls(&self) -> bool {
        matches!(self, Link::Tls(_))
    }
}

impl Read for Link {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Plain(wire) => wire.read(buf),
            Link::Tls(stream) => stream.read(buf),
        }
    }
}

impl Write for Link {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Link::Plain(wire) => wire.write(buf),
            Link::Tls(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Link::Plain(wire) => wire.flush(),
            Link::Tls(stream) => stream.flush(),
        }
    }
}

fn connect(
    addresses: &[SocketAddr],
    wake: &Wake,
    clock: &Clock,
    deadline: Mono,
) -> Result<TcpStream, OpenError> {
    let mut last = OpenError::Connect(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    for (i, address) in addresses.iter().enumerate() {
        let alone = i + 1 == addresses.len();
        let until = if alone { deadline } else { deadline.min(clock.mono().after(CONNECT_ONE_MAX)) };
        match connect_one(*address, wake, clock, until) {
            Ok(tcp) => return Ok(tcp),
            Err(e) => last = classify(e, OpenError::Connect),
        }
        if wake.is_stopped() {
            return Err(OpenError::Stopped);
        }
        if clock.mono() >= deadline {
            return Err(OpenError::TimedOut);
        }
    }
    Err(last)
}

fn connect_one(address: SocketAddr, wake: &Wake, clock: &Clock, deadline: Mono) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    // The kernel's own probes find a dead peer even where the venue sends no heartbeat.
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(10)).with_interval(Duration::from_secs(5));
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    match socket.connect(&SockAddr::from(address)) {
        Ok(()) => return Ok(socket.into()),
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(e) => return Err(e),
    }
    let tcp: TcpStream = socket.into();
    wait_until(wake, clock, &tcp, PollFlags::OUT, deadline)?;
    match tcp.take_error()? {
        None => Ok(tcp),
        Some(e) => Err(e),
    }
}

fn classify(error: io::Error, otherwise: fn(io::Error) -> OpenError) -> OpenError {
    match error.kind() {
        io::ErrorKind::TimedOut => OpenError::TimedOut,
        // The system's own ECONNABORTED carries its number; ours does not.
        io::ErrorKind::ConnectionAborted if error.raw_os_error().is_none() => OpenError::Stopped,
        _ => otherwise(error),
    }
}
