//! The public socket: TCP or a Unix path, non-blocking, with an error that says which address and why.

use crate::http::limits::BACKLOG;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Where to listen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Listen::Tcp(addr) => write!(f, "{addr}"),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Who is at the other end, as far as limits are concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// On this machine: loopback, or a Unix socket.
    Local,
    /// An IPv4 address, or the /64 of an IPv6 one: a household has 2^64 of those.
    Remote(IpAddr),
}

/// A bound socket. Dropping it closes it and removes its path.
pub struct Listener {
    pub socket: Socket,
    /// As asked for, with the port the kernel chose where 0 was asked.
    pub address: Listen,
}

impl Listener {
    /// # Errors
    /// The address is in use, not ours, or not allowed; the message names it.
    pub fn bind(listen: &Listen) -> io::Result<Listener> {
        let bound = match listen {
            Listen::Tcp(addr) => bind_tcp(*addr),
            Listen::Unix(path) => bind_unix(path),
        };
        bound.map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {listen}: {e}")))
    }

    /// One connection, non-blocking, and who it is from.
    ///
    /// # Errors
    /// `WouldBlock` when none waits; anything else is the accept's own trouble.
    pub fn accept(&self) -> io::Result<(Socket, Peer)> {
        let (client, address) = self.socket.accept()?;
        client.set_nonblocking(true)?;
        Ok((client, peer(address.as_socket())))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listen::Unix(path) = &self.address {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn peer(address: Option<SocketAddr>) -> Peer {
    match address.map(|a| a.ip().to_canonical()) {
        None => Peer::Local,
        Some(ip) if ip.is_loopback() => Peer::Local,
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            Peer::Remote(IpAddr::from([a, b, c, d, 0, 0, 0, 0]))
        }
        Some(ip) => Peer::Remote(ip),
    }
}

fn bind_tcp(addr: SocketAddr) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the last clients' TIME_WAIT. A second daemon is still refused.
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let bound = socket.local_addr()?.as_socket().unwrap_or(addr);
    Ok(Listener { socket, address: Listen::Tcp(bound) })
}

fn bind_unix(path: &Path) -> io::Result<Listener> {
    let address = SockAddr::unix(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    if let Err(e) = socket.bind(&address) {
        if e.kind() != io::ErrorKind::AddrInUse || !is_abandoned(path, &address)? {
            return Err(e);
        }
        std::fs::remove_file(path)?;
        socket.bind(&address)?;
    }
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(Listener { socket, address: Listen::Unix(path.to_owned()) })
}

/// A socket file that nobody listens on: a killed process left it.
fn is_abandoned(path: &Path, address: &SockAddr) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt;
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    Ok(probe.connect(address).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_counted_by_who_pays_for_them() {
        let of = |text: &str| peer(Some(text.parse().expect("an address")));
        assert_eq!(of("127.8.8.8:1"), Peer::Local);
        assert_eq!(of("[::1]:1"), Peer::Local);
        assert_eq!(of("[::ffff:127.0.0.1]:1"), Peer::Local);
        assert_eq!(of("[::ffff:9.9.9.9]:1"), of("9.9.9.9:7"));
        assert_eq!(of("[2001:db8:1:2:3::4]:1"), of("[2001:db8:1:2:ffff::]:9"));
        assert_ne!(of("[2001:db8:1:2::]:1"), of("[2001:db8:1:3::]:1"));
        assert_eq!(peer(None), Peer::Local);
    }

    #[test]
    fn an_address_in_use_is_named() {
        let first = Listener::bind(&Listen::Tcp("127.0.0.1:0".parse().unwrap())).expect("a port");
        let error = Listener::bind(&first.address).err().expect("in use");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&first.address.to_string()), "{error}");
    }
}
