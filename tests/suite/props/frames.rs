//! The quick ways of the decoders against the thorough ones: whatever a frame says, a space where none mostly is makes the
//! decoder take the other way, and both must come to the same.

use depthd::engine::decimal::Decimal;
use depthd::engine::event::{Channel, DecodeError, Decoded, Event, Level, Trade};
use depthd::venue::Venue;
use depthd::venue::binance::Binance;
use depthd::venue::coinapi::CoinApi;
use proptest::prelude::*;

/// What may come into a frame or change in it: nothing that opens a list or an object, so that those stay where they are.
const BYTES: &[u8] = b"0123456789.\",:]}-+eEx\\ \n@";

type Seen = Result<(Option<Event>, Vec<Level>, Vec<Level>, Vec<Trade>), DecodeError>;

fn decoded(venue: &dyn Venue, channel: Channel, text: &str) -> Seen {
    let mut out = Decoded::default();
    // With room, as after the first frame: without it the thorough way is taken anyway.
    out.bids.reserve(16);
    out.asks.reserve(16);
    venue.decode(channel, text, &mut out).map(|()| (out.event, out.bids, out.asks, out.trades))
}

fn pattern(text: &str) -> impl Strategy<Value = String> + use<> {
    proptest::string::string_regex(text).expect("a pattern")
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => pattern("(0|[1-9][0-9]{0,8})(\\.[0-9]{1,9})?"),
        2 => pattern("(0|[1-9][0-9]{0,5})\\.[0-9]{0,2}0{1,7}"),
        2 => pattern("-?[0-9]{1,20}(\\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?"),
    ]
}

/// A number as it stands in a frame: bare or in quotes.
fn written() -> impl Strategy<Value = String> {
    (number(), any::<bool>()).prop_map(|(n, quoted)| if quoted { format!("\"{n}\"") } else { n })
}

fn pairs() -> impl Strategy<Value = String> {
    let pair = (written(), written()).prop_map(|(p, s)| format!("[{p},{s}]"));
    proptest::collection::vec(pair, 0..5).prop_map(|pairs| format!("[{}]", pairs.join(",")))
}

fn objects() -> impl Strategy<Value = String> {
    let object = (written(), written()).prop_map(|(p, s)| format!(r#"{{"price":{p},"size":{s}}}"#));
    proptest::collection::vec(object, 0..5).prop_map(|objects| format!("[{}]", objects.join(",")))
}

fn symbol() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just("BTCUSDT".to_owned()), 1 => pattern("[A-Za-z@é]{0,9}")]
}

/// Up to two bytes of a frame replaced, put in or taken out.
fn spoiled(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), prop::sample::select(BYTES), 0..3u8);
    let changes = prop_oneof![1 => Just(Vec::new()), 1 => proptest::collection::vec(change, 1..3)];
    (text, changes).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                _ if !bytes[at].is_ascii() || b"[{".contains(&bytes[at]) => {}
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        String::from_utf8(bytes).expect("only ASCII was touched")
    })
}

fn depth() -> impl Strategy<Value = String> {
    (symbol(), pattern("[1-9][0-9]{0,19}"), pattern("[0-9]{1,20}"), 0..4u64, pairs(), pairs()).prop_map(
        |(symbol, time, first, more, bids, asks)| {
            let last = first.parse::<u64>().map_or_else(|_| first.clone(), |n| n.saturating_add(more).to_string());
            format!(
                r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{time},"s":"{symbol}","U":{first},"u":{last},"b":{bids},"a":{asks}}}}}"#
            )
        },
    )
}

fn quote() -> impl Strategy<Value = String> {
    (symbol(), pattern("[0-9]{1,20}"), written(), written(), written(), written()).prop_map(
        |(symbol, id, b, bs, a, az)| {
            format!(
                r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{id},"s":"{symbol}","b":{b},"B":{bs},"a":{a},"A":{az}}}}}"#
            )
        },
    )
}

/// A message of CoinAPI: its fields in any order, now and then one too few or one too many.
fn coinapi(kind: &'static str, own: impl Strategy<Value = Vec<String>>) -> impl Strategy<Value = String> {
    let time = || pattern("(2013|2024|0001)-0[1-9]-[0-3][0-9]T22:40:5[0-9](\\.[0-9]{1,10})?Z?");
    let head =
        (pattern("0?[1-9][0-9]{0,19}"), time(), time()).prop_map(move |(sequence, exchange, coinapi)| {
            vec![
                format!(r#""type":"{kind}""#),
                r#""symbol_id":"X""#.to_owned(),
                format!(r#""sequence":{sequence}"#),
                format!(r#""time_exchange":"{exchange}""#),
                format!(r#""time_coinapi":"{coinapi}""#),
            ]
        });
    let fields = (head, own).prop_map(|(head, own)| [head, own].concat()).prop_shuffle();
    let odd = prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(2)];
    (fields, odd, any::<prop::sample::Index>()).prop_map(|(mut fields, odd, at)| {
        let at = at.index(fields.len());
        match odd {
            0 => {}
            1 => drop(fields.remove(at)),
            _ => fields.push(fields[at].clone()),
        }
        format!("{{{}}}", fields.join(","))
    })
}

fn coinapi_book() -> impl Strategy<Value = (Channel, String)> {
    let flag = prop::sample::select(vec!["true", "false", "null", r#""true""#]);
    let own = (objects(), objects(), flag).prop_map(|(bids, asks, flag)| {
        vec![format!(r#""bids":{bids}"#), format!(r#""asks":{asks}"#), format!(r#""is_snapshot":{flag}"#)]
    });
    let channel = prop::sample::select(vec![Channel::Book, Channel::Book5]);
    (channel, spoiled(coinapi("book", own))).prop_map(|(channel, text)| {
        let text = if channel == Channel::Book { text } else { text.replace(r#""book""#, r#""book5""#) };
        (channel, text)
    })
}

fn coinapi_quote() -> impl Strategy<Value = String> {
    let own = (written(), written(), written(), written()).prop_map(|(bid, bid_size, ask, ask_size)| {
        vec![
            format!(r#""bid_price":{bid}"#),
            format!(r#""bid_size":{bid_size}"#),
            format!(r#""ask_price":{ask}"#),
            format!(r#""ask_size":{ask_size}"#),
        ]
    });
    spoiled(coinapi("quote", own))
}

fn coinapi_trade() -> impl Strategy<Value = String> {
    let side = pattern("BUY|SELL|BUY_ESTIMATED|UNKNOWN");
    let own =
        (written(), written(), pattern("[0-9A-Za-z-]{0,40}"), side).prop_map(|(price, size, id, side)| {
            vec![
                format!(r#""price":{price}"#),
                format!(r#""size":{size}"#),
                format!(r#""uuid":"{id}""#),
                format!(r#""taker_side":"{side}""#),
            ]
        });
    spoiled(coinapi("trade", own))
}

/// The same frame with room after everything that opens.
fn roomy(text: &str) -> String {
    text.replace('{', "{ ").replace('[', "[ ")
}

fn check(venue: &dyn Venue, channel: Channel, text: &str) -> Result<(), TestCaseError> {
    let (quick, thorough) = (decoded(venue, channel, text), decoded(venue, channel, &roomy(text)));
    prop_assert_eq!(quick, thorough, "{}", text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8_000) })]

    #[test]
    fn a_depth_frame_says_the_same_either_way(text in spoiled(depth())) {
        check(&Binance, Channel::Book, &text)?;
    }

    #[test]
    fn a_quote_says_the_same_either_way(text in spoiled(quote())) {
        check(&Binance, Channel::Quote, &text)?;
    }

    #[test]
    fn a_book_of_coinapi_says_the_same_either_way((channel, text) in coinapi_book()) {
        check(&CoinApi, channel, &text)?;
    }

    #[test]
    fn a_quote_of_coinapi_says_the_same_either_way(text in coinapi_quote()) {
        check(&CoinApi, Channel::Quote, &text)?;
    }

    #[test]
    fn a_trade_of_coinapi_says_the_same_either_way(text in coinapi_trade()) {
        check(&CoinApi, Channel::Trade, &text)?;
    }

    #[test]
    fn a_number_read_with_what_follows_it_is_the_number(number in number(), tail in "[ -~]{0,20}") {
        let text = format!("{number}{tail}");
        if let Some((value, len)) = Decimal::read(text.as_bytes()) {
            prop_assert_eq!(Decimal::parse(&text.as_bytes()[..len]), Ok(value), "{}", text);
            prop_assert!(!text.as_bytes().get(len).is_some_and(u8::is_ascii_digit), "{}", text);
        }
    }
}

/// The quick ways are taken at all.
#[test]
fn plain_frames_are_read_the_quick_way() {
    let quick = |text: &[u8], value: &[u8]| {
        let (read, len) = Decimal::read(text).expect("a plain number");
        assert_eq!((Ok(read), len), (Decimal::parse(value), value.len()));
    };
    quick(b"49999.93000000\",\"0.51200000\"]", b"49999.93000000");
    quick(b"0.00000001]]}}", b"0.00000001");
    quick(b"7,", b"7");
    quick(b"123456789.5 and something that comes after it", b"123456789.5");
}
