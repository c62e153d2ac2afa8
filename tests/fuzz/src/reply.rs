//! A REST answer from text: the status on a line, headers a line each, an empty line, the body.

use depthd::venue::text::WAIT_MAX;
use depthd::venue::{RestReply, UpgradeRefusal, Venue, Verdict};
use std::time::Duration;

pub struct Reply<'d> {
    pub status: u16,
    /// Names in lower case, as the caller of a venue gives them.
    pub headers: Vec<(String, String)>,
    pub body: &'d [u8],
}

impl<'d> Reply<'d> {
    /// Everything means something: what is no status is 200, what is no header is none.
    pub fn read(data: &'d [u8]) -> Reply<'d> {
        let mut reply = Reply { status: 200, headers: Vec::new(), body: data };
        let mut first = true;
        // As many headers as the shell's client would take.
        for _ in 0..16 {
            let Some(end) = reply.body.iter().position(|b| *b == b'\n') else { break };
            let line = String::from_utf8_lossy(&reply.body[..end]).into_owned();
            if first && line.parse::<u16>().is_err() {
                break;
            }
            reply.body = &reply.body[end + 1..];
            match line.split_once(": ") {
                _ if first => reply.status = line.parse().unwrap_or(200),
                Some((name, value)) => reply.headers.push((name.to_ascii_lowercase(), value.to_owned())),
                None => break,
            }
            first = false;
        }
        reply
    }

    pub fn as_rest(&self) -> RestReply<'_> {
        RestReply { status: self.status, headers: &self.headers, body: self.body }
    }

    /// A header of whole units, told by itself: the first of that name, zero is none, three days at most.
    pub fn wait(&self, name: &str, unit: Duration) -> Option<Duration> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        let count: u64 = value.trim().parse().ok().filter(|n| *n > 0)?;
        let nanos = u128::from(count) * unit.as_nanos();
        Some(WAIT_MAX.min(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))))
    }

    pub fn retry_after(&self) -> Option<Duration> {
        self.wait("retry-after", Duration::from_secs(1))
    }

    /// Everything a venue makes of an answer.
    pub fn judge(&self, venue: &dyn Venue) -> (Verdict, Option<u32>, UpgradeRefusal) {
        let reply = self.as_rest();
        let (verdict, used) = (venue.verdict(&reply), venue.used_budget(&reply));
        if let Verdict::Throttled { wait: Some(wait) } | Verdict::Banned { wait: Some(wait) } = verdict {
            assert!(wait <= WAIT_MAX && !wait.is_zero(), "{wait:?}");
        }
        (verdict, used, venue.upgrade_refused(&reply, Default::default()))
    }
}
