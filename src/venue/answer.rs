//! What HTTP answers mean at venues that say nothing special by them.

use crate::venue::json::{Json, Value};
use crate::venue::text::retry_after;
use crate::venue::{RestReply, UpgradeRefusal, Verdict};
use std::time::Duration;

/// Judges a REST answer by its status. `ban`: how long one lasts, where the answer names no time.
pub fn verdict(reply: &RestReply<'_>, ban: Option<Duration>) -> Verdict {
    let wait = retry_after(reply);
    match reply.status {
        200 => Verdict::Good,
        429 => Verdict::Throttled { wait },
        403 | 418 => Verdict::Banned { wait: wait.or(ban) },
        // 451: not served in this country.
        401 | 451 => Verdict::Denied,
        408 => Verdict::Failed,
        400..=499 => Verdict::Refused,
        _ => Verdict::Failed,
    }
}

/// Judges a refused upgrade to a feed that needs no key: a refusal is about the address, or the rate. `ban`: how long one
/// lasts, where the answer names no time; without it 403 is for good.
pub fn upgrade_refused(reply: &RestReply<'_>, ban: Option<Duration>) -> UpgradeRefusal {
    let wait = match reply.status {
        403 | 418 | 429 => retry_after(reply).or(ban),
        _ => retry_after(reply),
    };
    let fatal = matches!(reply.status, 401 | 451) || (reply.status == 403 && ban.is_none());
    UpgradeRefusal { wait, fatal }
}

/// The number or text that an answer has by this name, such as the venue's own number of what happened. `None` where it has
/// none, or is not JSON.
pub fn named<'b>(body: &'b [u8], name: &str) -> Option<&'b str> {
    let mut found = None;
    let mut json = Json::new(std::str::from_utf8(body).ok()?);
    json.object(|key, json| {
        let value = json.value()?;
        if let (true, Value::Text(text) | Value::Number(text)) = (key == name, value) {
            found = Some(text);
        }
        Ok(())
    })
    .ok()?;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAN: Option<Duration> = Some(Duration::from_secs(60));

    fn reply(status: u16, headers: &[(String, String)]) -> RestReply<'_> {
        RestReply { status, headers, body: b"" }
    }

    #[test]
    fn answers_are_judged_by_status() {
        let judged = |status| verdict(&reply(status, &[]), BAN);
        assert_eq!(judged(200), Verdict::Good);
        assert_eq!(judged(429), Verdict::Throttled { wait: None });
        assert_eq!(
            (judged(403), judged(418)),
            (Verdict::Banned { wait: BAN }, Verdict::Banned { wait: BAN })
        );
        assert_eq!((judged(401), judged(451)), (Verdict::Denied, Verdict::Denied));
        assert_eq!((judged(400), judged(404)), (Verdict::Refused, Verdict::Refused));
        for failed in [0, 101, 301, 408, 500, 503, 599] {
            assert_eq!(judged(failed), Verdict::Failed, "{failed}");
        }
        let told = [("retry-after".to_owned(), "7".to_owned())];
        let wait = Some(Duration::from_secs(7));
        assert_eq!(verdict(&reply(403, &told), BAN), Verdict::Banned { wait });
    }

    #[test]
    fn refused_upgrades_are_judged_by_status() {
        let judged = |status, ban| upgrade_refused(&reply(status, &[]), ban);
        assert_eq!(judged(429, BAN), UpgradeRefusal { wait: BAN, fatal: false });
        assert_eq!(judged(403, BAN), UpgradeRefusal { wait: BAN, fatal: false });
        assert_eq!(judged(403, None), UpgradeRefusal { wait: None, fatal: true });
        assert_eq!(judged(401, BAN), UpgradeRefusal { wait: None, fatal: true });
        assert_eq!(judged(502, BAN), UpgradeRefusal { wait: None, fatal: false });
    }

    #[test]
    fn numbers_and_texts_are_found_by_name() {
        for (body, want) in [
            (r#"{"code":-1003,"msg":"x"}"#, Some("-1003")),
            (r#"{"msg":"code","data":[{"code":"1"}],"code":"50011"}"#, Some("50011")),
            (r#"{"code":null}"#, None),
            (r#"{"data":{"code":1}}"#, None),
            (r#"["code",1]"#, None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(named(body.as_bytes(), "code"), want, "{body}");
        }
        assert_eq!(named(b"\xff", "code"), None);
    }
}
