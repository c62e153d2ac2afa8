//! Large inputs that nobody honest sends, made and not stored: what figure F5 is measured on beside the corpus.

/// A name for people, and the bytes.
pub type Hostile = (String, Vec<u8>);

const MIB: usize = 1 << 20;

/// Shapes that fit any target: long runs, deep nesting, long numbers and names.
pub fn shapes() -> Vec<Hostile> {
    let mut all = Vec::new();
    for unit in [
        "[", "{\"a\":", "{", "\"", "\\\"", "1", "-", " ", "\n", "\u{0}", "é", "%41", "a=1&", "0.", "[[", "[]",
    ] {
        all.push((format!("1 MiB of {unit:?}"), unit.repeat(MIB / unit.len()).into_bytes()));
    }
    for (unit, end) in [("[", "]"), ("{\"a\":", "}")] {
        let inner = if end == "]" { "" } else { "1" };
        let count = MIB / (unit.len() + end.len());
        all.push((
            format!("1 MiB nested in {unit}"),
            format!("{}{inner}{}", unit.repeat(count), end.repeat(count)).into_bytes(),
        ));
    }
    all.push((
        "a number of 1 MiB with a small value".to_owned(),
        format!("0.{}1e{MIB}", "0".repeat(MIB)).into_bytes(),
    ));
    all
}

/// Messages of one venue that are as large as they get: many levels, the shortest and the longest, and long texts.
pub fn of_target(name: &str) -> Vec<Hostile> {
    let levels = |one: &str, bytes: usize| format!("[{}]", vec![one; bytes / (one.len() + 1)].join(","));
    let digits = "7".repeat(MIB / 2);
    let one = |what: &str, text: String| (what.to_owned(), text.into_bytes());
    let coinapi = |side: &str| {
        let head = r#""type":"book","symbol_id":"A_SPOT_B_C","sequence":1,"is_snapshot":true"#;
        format!(r#"{{{head},"asks":{side},"bids":{side},"time_coinapi":"2026-01-01T00:00:00Z"}}"#)
    };
    let depth = |side: &str| {
        let head = r#""e":"depthUpdate","s":"BNBBTC","U":1,"u":2"#;
        format!(r#"{{"stream":"bnbbtc@depth","data":{{{head},"b":{side},"a":{side}}}}}"#)
    };
    let body = |side: &str| format!(r#"{{"lastUpdateId":9,"bids":{side},"asks":{side}}}"#);
    let message = format!("{}{}", r"\u00e9\n".repeat(MIB / 32), r"\ud800".repeat(MIB / 32));
    match name {
        "coinapi_frame" | "coinapi_rest" => vec![
            one("the shortest levels", coinapi(&levels(r#"{"price":1,"size":1}"#, MIB / 4))),
            one("some short levels", coinapi(&levels(r#"{"price":1,"size":1}"#, 100_000))),
            one("too many levels", coinapi(&levels(r#"{"price":1,"size":1}"#, 3 * MIB))),
            one(
                "levels with long numbers",
                coinapi(&levels(&format!(r#"{{"price":{digits},"size":1}}"#), MIB)),
            ),
            one("empty levels", coinapi(&levels("{}", MIB / 2))),
        ],
        "binance_frame" | "binance_rest" => {
            let shape = if name == "binance_frame" { depth as fn(&str) -> String } else { body };
            vec![
                one("the shortest levels", shape(&levels("[1,1]", MIB / 16))),
                one("as many of the shortest levels as there may be", shape(&levels("[1,1]", 6 * 20_000))),
                one("too many of the shortest levels", shape(&levels("[1,1]", MIB / 2))),
                one("short levels of a market", shape(&levels(r#"["1234","1"]"#, 256 * 1024))),
                one("levels of a market", shape(&levels(r#"["0.00240000","10.00000000"]"#, MIB / 2))),
                one("levels of many items", shape(&levels(&format!("[1,1{}]", ",0".repeat(1_000)), MIB / 2))),
                one(
                    "one level and then a long one",
                    shape(&format!("[[1,1],[1,1{}]]", ",0".repeat(MIB / 8))),
                ),
                one("levels of nothing", shape(&levels("[]", MIB / 2))),
            ]
        }
        // The byte in front picks the venue.
        "venue_frame" => {
            let pair = levels(r#"["1","1"]"#, MIB / 2);
            let coins = levels(r#"{"px":"1","sz":"1","n":1}"#, MIB / 2);
            let many = levels(r#"{"symbol":"A/B","x":1}"#, MIB);
            let kraken = levels(r#"{"price":1,"qty":1}"#, MIB / 2);
            let update =
                levels(r#"{"side":"bid","event_time":"","price_level":"1","new_quantity":"1"}"#, MIB / 2);
            let tickers = levels(r#"{"product_id":"A-B"}"#, MIB / 2);
            let four = levels(r#"["1","1","0","1"]"#, MIB / 2);
            let three = levels("[1,1,1]", MIB / 2);
            let news = levels(r#"["new",1,1]"#, MIB / 2);
            let depth = r#""e":"depthUpdate","s":"A","E":1,"T":1,"U":1,"u":2,"pu":0"#;
            let deribit = r#""timestamp":1,"type":"snapshot","instrument_name":"A","change_id":1"#;
            vec![
                one(
                    "futures' levels",
                    format!(r#"d{{"stream":"a@depth","data":{{{depth},"b":{pair},"a":[]}}}}"#),
                ),
                one(
                    "Kraken's levels",
                    format!(
                        r#"f{{"channel":"book","type":"snapshot","data":[{{"symbol":"A/B","bids":{kraken},"asks":[],"checksum":1}}]}}"#
                    ),
                ),
                one(
                    "Kraken's pairs",
                    format!(
                        r#"f{{"channel":"instrument","type":"snapshot","data":{{"assets":[],"pairs":{many}}}}}"#
                    ),
                ),
                one("Kraken's trades", format!(r#"f{{"channel":"trade","type":"update","data":{many}}}"#)),
                one(
                    "Coinbase's levels",
                    format!(
                        r#"g{{"channel":"l2_data","sequence_num":1,"events":[{{"type":"snapshot","product_id":"A-B","updates":{update}}}]}}"#
                    ),
                ),
                one(
                    "Coinbase's tickers",
                    format!(r#"g{{"channel":"ticker","sequence_num":1,"events":[{{"tickers":{tickers}}}]}}"#),
                ),
                one(
                    "Exchange's levels",
                    format!(r#"h{{"type":"snapshot","product_id":"A-B","asks":{pair},"bids":[]}}"#),
                ),
                one(
                    "Bybit's levels",
                    format!(
                        r#"i{{"topic":"orderbook.200.A","type":"snapshot","ts":1,"data":{{"s":"A","b":{pair},"a":[],"u":1}}}}"#
                    ),
                ),
                one(
                    "OKX's levels",
                    format!(
                        r#"l{{"arg":{{"channel":"books","instId":"A-B"}},"action":"snapshot","data":[{{"asks":{four},"bids":[],"ts":"1","checksum":0,"prevSeqId":-1,"seqId":1}}]}}"#
                    ),
                ),
                one("Bitfinex's levels", format!("m[225206,{three},1,1]")),
                one("Bitfinex's numbers", format!("m[225206,[1,1,1]{}]", ",1".repeat(MIB / 2))),
                one(
                    "Deribit's levels",
                    format!(
                        r#"n{{"method":"subscription","params":{{"channel":"book.A.100ms","data":{{{deribit},"bids":{news},"asks":[]}}}}}}"#
                    ),
                ),
                one(
                    "Hyperliquid's levels",
                    format!(
                        r#"o{{"channel":"l2Book","data":{{"coin":"A","time":1,"levels":[{coins},[]]}}}}"#
                    ),
                ),
                one(
                    "a long refusal",
                    format!(r#"o{{"channel":"error","data":"Invalid subscription {message}"}}"#),
                ),
            ]
        }
        "coinapi_control" => vec![
            one("a long error", format!(r#"{{"type":"error","message":"{}"}}"#, "x".repeat(MIB))),
            one("an error of escapes", format!(r#"{{"type":"error","message":"{message}"}}"#)),
            one("many types", format!(r#"{{{}"type":"error"}}"#, r#""type":"error","#.repeat(MIB / 16))),
        ],
        "binance_control" => vec![
            one("a long error", format!(r#"{{"error":{{"code":2,"msg":"{}"}}}}"#, "x".repeat(MIB))),
            one("an error of escapes", format!(r#"{{"code":2,"msg":"{message}"}}"#)),
            one("many errors", format!(r#"{{{}"id":1}}"#, r#""error":{"code":1},"#.repeat(MIB / 20))),
        ],
        "config" => {
            let unknown = |n: usize| (0..n).map(|i| format!("k{i} = 1\n")).collect::<String>();
            let feed = "[[feed]]\nname = \"a\"\nvenue = \"binance\"\nsymbols = [";
            let symbols = |n: usize| (0..n).map(|i| format!("\"A{i}\", ")).collect::<String>();
            vec![
                one("many unknown keys", unknown(5_000)),
                one("many lines that are no TOML", "= 1\n".repeat(16_000)),
                one("many feeds", "[[feed]]\nname = \"a\"\n".repeat(3_000)),
                one("many symbols", format!("{feed}{}]\n", symbols(6_000))),
                one("many bad symbols", format!("{feed}{}]\n", "\"a b\", ".repeat(8_000))),
                one("a long bad symbol", format!("{feed}\"{}\"]\n", "é".repeat(30_000))),
                one("a long unknown key", format!("{} = 1\n", "k".repeat(60_000))),
                one("dotted keys", format!("{}a = 1\n", "a.".repeat(30_000))),
                one("a long venue", format!("[[feed]]\nname = \"a\"\nvenue = \"{}\"\n", "v".repeat(60_000))),
            ]
        }
        "http_head" => vec![
            one("many lines", format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MIB / 8))),
            one("a long target", format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(MIB))),
            one(
                "a long path of ours",
                format!("GET /api/books/a/{} HTTP/1.1\r\nHost: a\r\n\r\n", "%41".repeat(160)),
            ),
            one("a long header", format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "b".repeat(4_000))),
        ],
        "http_query" => vec![one("escapes", format!("depth={}", "%41".repeat(170)))],
        _ => Vec::new(),
    }
}
