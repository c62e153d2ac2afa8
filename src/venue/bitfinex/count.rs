//! The number of a frame in the count over its connection: the first of those behind what the frame says.
//!
//! Found from the end, because what stands before it may be a whole book. Behind it another number may stand (the
//! time), and before it, in a frame that brings a sum, that sum.
//! Source: <https://docs.bitfinex.com/docs/ws-general> (flags `SEQ_ALL` and `TIMESTAMP`)

/// More numbers than stand behind anything: the sum, the count, the time, and one that is yet to be invented.
const NUMBERS_MAX: usize = 4;

/// `None` for a frame that has none: events, and arrays before the count was asked for.
pub fn number(text: &str) -> Option<u64> {
    let mut rest = text.trim_ascii().strip_prefix('[')?.strip_suffix(']')?;
    // The one found last is the one that stands first.
    let (mut first, mut second) = (None, None);
    for _ in 0..NUMBERS_MAX {
        let (before, last) = rest.rsplit_once(',')?;
        let last = last.trim_ascii();
        if !is_whole(last) {
            break;
        }
        (first, second) = (Some(last), first);
        rest = before;
    }
    let said = rest.trim_ascii_end();
    let number = if said.ends_with(r#""cs""#) {
        second
    } else if said.ends_with([']', '}', '"']) {
        first
    } else {
        None
    };
    number?.parse().ok()
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_behind_anything() {
        for (text, want) in [
            (r#"[225206,[215350,0,1],18]"#, Some(18)),
            (r#"[225206,[215350,0,1],18,1574694478808]"#, Some(18)),
            (r#"[225206,[[277520,1,0.00383141],[277510,1,0.027]],12]"#, Some(12)),
            (r#"[225206,[[277520,1,0.00383141]],12,1574694478808]"#, Some(12)),
            (r#"[225206,[],12]"#, Some(12)),
            (r#"[204928,"hb",127]"#, Some(127)),
            (r#"[204928,"hb",127,1574694478808]"#, Some(127)),
            (r#"[17470,"te",[401597395,1574694478808,0.005,7245.3],12]"#, Some(12)),
            (r#"[81757,"cs",-1175357890,13]"#, Some(13)),
            (r#"[81757,"cs",1175357890,13]"#, Some(13)),
            (r#"[81757,"cs",1175357890,13,1574694478808]"#, Some(13)),
            (r#" [ 81757 , "cs" , 1 , 13 , 9 ] "#, Some(13)),
            ("[5,\"hb\"\n,\t7 ]\n", Some(7)),
            (r#"[5,"new",{"at":1},7,1574694478808]"#, Some(7)),
            (r#"[1,[1,2,3],18446744073709551615]"#, Some(u64::MAX)),
            // No number, or none that could be one.
            (r#"[81757,"cs",-1175357890]"#, None),
            (r#"[81757,"cs",1175357890]"#, None),
            (r#"[81757,[0.0000011,12,266122.94]]"#, None),
            (r#"[81757,[12,12,266122]]"#, None),
            (r#"[81757,[[1,2,3]]]"#, None),
            (r#"[204928,"hb"]"#, None),
            (r#"[204928,"hb",-1]"#, None),
            (r#"[204928,"hb",1.5]"#, None),
            (r#"[204928,"hb",18446744073709551616]"#, None),
            (r#"[1,[1,2,3],7,"x"]"#, None),
            (r#"[1,[1,2,3],4,5,6,7,8]"#, None),
            (r#"[1,2,3]"#, None),
            (r#"[7]"#, None),
            (r#"{"event":"info","code":20051}"#, None),
            ("[", None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(number(text), want, "{text}");
        }
    }
}
