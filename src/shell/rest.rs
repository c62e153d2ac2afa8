//! REST calls: ureq over our own links, so that names, TLS, deadlines and stops are the same as for the stream.
//!
//! A [`RestClient`] makes one call at a time for each of its callers; who may call when is decided elsewhere.

use crate::engine::time::Mono;
use crate::shell::clock::Clock;
use crate::shell::dial;
use crate::shell::link::{Link, OpenError, Target};
use crate::shell::resolver::Asker;
use crate::shell::sync::channel::{bounded, select};
use crate::shell::wake::Wake;
use crate::venue::RestRequest;
use rustls::ClientConfig;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

/// The largest body read. A 1,000-level Binance book is about 60 KB and a 5,000-level one 300 KB; six times that is
/// room for any venue and still nothing that could hurt.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
const INPUT_BUFFER_BYTES: usize = 16 * 1024;
const OUTPUT_BUFFER_BYTES: usize = 4 * 1024;
/// Venues close idle connections after a minute or more; ours go first, and a dead one is never reused.
const IDLE_MAX: Duration = Duration::from_secs(15);

/// An answer, whatever its status.
#[derive(Debug)]
pub struct RestAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone)]
pub struct RestClient {
    agent: ureq::Agent,
    wake: Arc<Wake>,
    body_bytes_max: usize,
}

impl RestClient {
    /// A client whose calls end after `timeout` in all, or when `wake` is stopped. `calls` is how many run at once.
    pub fn new(
        tls: Arc<ClientConfig>,
        names: Asker,
        clock: Clock,
        wake: Arc<Wake>,
        timeout: Duration,
        calls: usize,
    ) -> RestClient {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(timeout))
            .max_idle_connections(calls)
            .max_idle_connections_per_host(calls)
            .max_idle_age(IDLE_MAX)
            .input_buffer_size(INPUT_BUFFER_BYTES)
            .output_buffer_size(OUTPUT_BUFFER_BYTES)
            .user_agent(concat!("depthd/", env!("CARGO_PKG_VERSION")))
            .build();
        let connector = LinkConnector { tls, clock, wake: wake.clone() };
        RestClient {
            agent: ureq::Agent::with_parts(config, connector, Names { asker: names, wake: wake.clone() }),
            wake,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }

    /// The same with another bound on bodies, for what is larger than a book.
    pub fn with_bodies_of(self, body_bytes_max: usize) -> RestClient {
        RestClient { body_bytes_max, ..self }
    }

    /// Makes one call.
    ///
    /// # Errors
    /// What went wrong, in a sentence without secrets.
    pub fn get(&self, request: &RestRequest) -> Result<RestAnswer, String> {
        let mut call = self.agent.get(&request.url).header("Accept", "application/json");
        for (name, value) in &request.headers {
            call = call.header(*name, value);
        }
        let mut response = call.call().map_err(|e| e.to_string())?;
        let headers = dial::pairs(response.headers());
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(self.body_bytes_max as u64)
            .read_to_vec()
            .map_err(|e| e.to_string())?;
        // A stop in the middle of a body without a length looks like its end.
        if self.wake.is_stopped() {
            return Err("told to stop".to_owned());
        }
        Ok(RestAnswer { status, headers, body })
    }
}

/// ureq's name lookup, answered by the resolver thread.
struct Names {
    asker: Asker,
    wake: Arc<Wake>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let target = dial::target(&uri.to_string()).ok_or_else(|| ureq::Error::BadUri(uri.to_string()))?;
        let (reply, replies) = bounded(1);
        // A reply that comes too late finds nobody and is dropped.
        let reply = move |answer| drop(reply.try_send(answer));
        self.asker.ask(&target.host, target.port, *timeout.after, reply);
        let answer = select! {
            recv(replies) -> answer => answer.map_err(|_| ureq::Error::HostNotFound)?,
            recv(self.wake.stop_channel()) -> _ => return Err(ureq::Error::Io(io::Error::other("told to stop"))),
            default(*timeout.after) => return Err(ureq::Error::Timeout(timeout.reason)),
        };
        let found = answer.map_err(|_| ureq::Error::HostNotFound)?;
        let mut addresses = self.empty();
        for address in found.into_iter().take(16) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

struct LinkConnector {
    tls: Arc<ClientConfig>,
    clock: Clock,
    wake: Arc<Wake>,
}

impl fmt::Debug for LinkConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkConnector")
    }
}

impl Connector for LinkConnector {
    type Out = LinkTransport;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _chained: Option<()>,
    ) -> Result<Option<LinkTransport>, ureq::Error> {
        let uri = details.uri.to_string();
        let target: Target = dial::target(&uri).ok_or(ureq::Error::BadUri(uri))?;
        let addresses: Vec<SocketAddr> = details.addrs.iter().copied().collect();
        let deadline = self.clock.mono().after(*details.timeout.after);
        let link = Link::open(&target, &addresses, &self.tls, &self.wake, &self.clock, deadline).map_err(
            |e| match e {
                OpenError::TimedOut => ureq::Error::Timeout(details.timeout.reason),
                OpenError::Stopped => ureq::Error::Io(io::Error::other("told to stop")),
                OpenError::Connect(e) | OpenError::Tls(e) => ureq::Error::Io(e),
            },
        )?;
        let buffers =
            LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(LinkTransport { link, buffers, clock: self.clock.clone() }))
    }
}

#[derive(Debug)]
struct LinkTransport {
    link: Link,
    buffers: LazyBuffers,
    clock: Clock,
}

impl LinkTransport {
    fn deadline(&self, timeout: NextTimeout) -> Mono {
        self.clock.mono().after(*timeout.after)
    }
}

impl Transport for LinkTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let deadline = self.deadline(timeout);
        self.link.wire_mut().set_deadline(deadline);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.link.write_all(output).and_then(|()| self.link.flush()).map_err(|e| timed(e, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let deadline = self.deadline(timeout);
        self.link.wire_mut().set_deadline(deadline);
        let got = match self.link.read(self.buffers.input_append_buf()) {
            // TLS without a close notice: the end all the same, and a body with a length notices.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => 0,
            other => other.map_err(|e| timed(e, timeout))?,
        };
        self.buffers.input_appended(got);
        Ok(got > 0)
    }

    fn is_open(&mut self) -> bool {
        // An idle connection has nothing to say: readable means closed, or answers nobody asked for.
        matches!(self.link.wire().wait(false, Duration::ZERO), Ok(false))
    }

    fn is_tls(&self) -> bool {
        self.link.is_tls()
    }
}

fn timed(error: io::Error, timeout: NextTimeout) -> ureq::Error {
    if error.kind() == io::ErrorKind::TimedOut {
        ureq::Error::Timeout(timeout.reason)
    } else {
        ureq::Error::Io(error)
    }
}
