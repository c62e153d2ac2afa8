//! Both kinds of market through the venue's own face.

use super::*;
use crate::engine::event::{BookEvent, BookKind, DecodeError::*, Event, Level, Quote, Span, TakerSide};
use crate::venue::texts;

mod liquidations;

const USDM: BinanceFutures = BinanceFutures::USDM;
const COINM: BinanceFutures = BinanceFutures::COINM;

/// As recorded.
const DEPTH: &str = r#"{"e":"depthUpdate","E":1626992741037,"T":1626992741024,"s":"SUSHIUSDT","U":600859599090,"u":600859600917,"pu":600859598061,"b":[["7.5040","813"],["7.6090","0"]],"a":[["7.6150","1563"]]}"#;
const TICKER: &str = r#"{"e":"bookTicker","u":600859600576,"s":"SUSHIUSDT","b":"7.6110","B":"2","a":"7.6120","A":"297","T":1626992741012,"E":1626992741017}"#;
const TRADE: &str = r#"{"e":"trade","E":1723161256322,"T":1723161256320,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}"#;
/// As documented, with the fields that came since.
const COINM_DEPTH: &str = r#"{"e":"depthUpdate","E":1591270260907,"T":1591270260891,"s":"BTCUSD_200626","ps":"BTCUSD","U":17285681,"u":17285702,"pu":17285675,"b":[["9517.6","10"]],"a":[["9518.5","45"]],"st":2}"#;
const AGGREGATED: &str = r#"{"e":"aggTrade","E":1591261134288,"a":424951,"s":"BTCUSD_200626","p":"9643.5","q":"2","f":606073,"l":606073,"T":1591261134199,"m":false}"#;

fn combined(stream: &str, data: &str) -> String {
    format!(r#"{{"stream":"{stream}","data":{data}}}"#)
}

fn decoded(venue: BinanceFutures, channel: Channel, text: &str) -> Result<Decoded, DecodeError> {
    let mut out = Decoded::default();
    // As in a worker, where there is room from earlier frames.
    out.bids.reserve(8);
    out.asks.reserve(8);
    venue.decode(channel, text, &mut out).map(|()| out)
}

fn shown(levels: &[Level]) -> Vec<String> {
    levels.iter().map(|level| format!("{} {}", level.price, level.size)).collect()
}

fn scope(symbols: usize) -> Scope {
    Scope {
        symbols: (0..symbols).map(|i| format!("COIN{i}USD_PERP")).collect(),
        channels: limits::USDM.default_channels.to_vec(),
    }
}

#[test]
fn depth_updates_are_read_in_any_order_raw_and_combined() {
    let reversed = r#"{"a":[["7.6150",1563]],"b":[["7.504","8.13e2"],["7.6090",0]],"pu":"600859598061","u":600859600917,"U":600859599090,"s":"SUSHIUSDT","x":{"y":[1]},"T":1626992741024,"E":1626992741037,"e":"depthUpdate"}"#;
    for text in [
        DEPTH.to_owned(),
        combined("sushiusdt@depth@100ms", DEPTH),
        combined("sushiusdt@depth@0ms", reversed),
        format!(r#" {{ "data" : {DEPTH} , "stream" : "sushiusdt@depth" }} "#),
        combined("sushiusdt@depth", &DEPTH.replace(r#""U""#, r#""st":1,"ps":"SUSHIUSDT","U""#)),
    ] {
        let out = decoded(USDM, Channel::Book, &text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let want = BookEvent {
            cross: None,
            kind: BookKind::Delta,
            span: Some(Span {
                first: 600_859_599_090,
                last: 600_859_600_917,
                previous: Some(600_859_598_061),
            }),
            exchange_time: Wall::from_millis(1_626_992_741_024),
            checksum: None,
            venue_time: None,
        };
        assert_eq!(out.event, Some(Event::Book(want)), "{text}");
        assert_eq!(shown(&out.bids), ["7.504 813", "7.609 0"], "{text}");
        assert_eq!(shown(&out.asks), ["7.615 1563"], "{text}");
    }
    let out = decoded(COINM, Channel::Book, &combined("btcusd_200626@depth@100ms", COINM_DEPTH)).unwrap();
    let Some(Event::Book(BookEvent { span: Some(span), .. })) = out.event else { panic!("a book event") };
    assert_eq!(span, Span { first: 17_285_681, last: 17_285_702, previous: Some(17_285_675) });
    assert_eq!((shown(&out.bids), shown(&out.asks)), (vec!["9517.6 10".into()], vec!["9518.5 45".into()]));
}

/// What the quick reader takes, the thorough one takes the same way.
#[test]
fn both_ways_of_reading_agree() {
    for (channel, stream, data) in [
        (Channel::Book, "sushiusdt@depth@100ms", DEPTH.to_owned()),
        (Channel::Book, "btcusd_200626@depth@100ms", COINM_DEPTH.to_owned()),
        (Channel::Book, "sushiusdt@depth@100ms", DEPTH.replace(r#""T":1626992741024,"#, "")),
        (Channel::Book, "sushiusdt@depth@100ms", DEPTH.replace("1626992741024", "999999999999999999")),
        (Channel::Book, "sushiusdt@depth@100ms", DEPTH.replace(r#"[["7.6150","1563"]]"#, "[]")),
        (Channel::Quote, "sushiusdt@bookTicker", TICKER.to_owned()),
        (Channel::Quote, "sushiusdt@bookTicker", TICKER.replace(r#""T":1626992741012,"#, "")),
        (Channel::Quote, "sushiusdt@bookTicker", TICKER.replace("7.6110", "0.0000")),
    ] {
        let quick = combined(stream, &data);
        let thorough = format!("{quick} ");
        let mut out = decoded(USDM, channel, &quick).unwrap();
        let is_quick = match channel {
            Channel::Book => plain::depth(&quick, &mut out.bids, &mut out.asks).is_some(),
            _ => plain::quote(&quick).is_some(),
        };
        assert!(is_quick, "{quick}");
        let (quick, thorough) =
            (decoded(USDM, channel, &quick).unwrap(), decoded(USDM, channel, &thorough).unwrap());
        assert_eq!((quick.event, quick.bids, quick.asks), (thorough.event, thorough.bids, thorough.asks));
    }
}

#[test]
fn trades_are_read_one_by_one_or_aggregated() {
    for (venue, stream, text, id, shown_as, taker, at) in [
        (
            USDM,
            "btcusdt@trade",
            TRADE.to_owned(),
            "5266583935",
            "61800.3 0.006",
            TakerSide::Buy,
            1_723_161_256_320,
        ),
        (
            COINM,
            "btcusd_200626@aggTrade",
            AGGREGATED.to_owned(),
            "424951",
            "9643.5 2",
            TakerSide::Buy,
            1_591_261_134_199,
        ),
        (
            COINM,
            "btcusd_200626@aggTrade",
            AGGREGATED.replace("false", "true"),
            "424951",
            "9643.5 2",
            TakerSide::Sell,
            1_591_261_134_199,
        ),
    ] {
        for text in [combined(stream, &text), text] {
            let out = decoded(venue, Channel::Trade, &text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((out.event, out.trades.len()), (Some(Event::Trades), 1));
            let trade = &out.trades[0];
            assert_eq!((trade.id.as_str(), trade.taker), (id, taker));
            assert_eq!(format!("{} {}", trade.price, trade.size), shown_as);
            assert_eq!(trade.exchange_time, Wall::from_millis(at));
        }
    }
    assert_eq!(decoded(USDM, Channel::Trade, AGGREGATED).err(), Some(BadField("e")));
    assert_eq!(decoded(COINM, Channel::Trade, TRADE).err(), Some(BadField("e")));
}

#[test]
fn what_was_not_traded_on_the_book_is_no_trade() {
    for (from, to) in [
        (r#""MARKET""#, r#""INSURANCE_FUND""#),
        (r#""MARKET""#, r#""ADL""#),
        (r#""p":"61800.30","q":"0.006","X":"MARKET""#, r#""p":"0","q":"0","X":"NA""#),
        (r#""q":"0.006""#, r#""q":"0""#),
    ] {
        let text = TRADE.replace(from, to);
        assert_ne!(text, TRADE);
        let out = decoded(USDM, Channel::Trade, &text).unwrap();
        assert_eq!((out.event, out.trades.len()), (Some(Event::Trades), 0), "{text}");
    }
    let new_kind = TRADE.replace("MARKET", "RPI");
    assert_eq!(
        decoded(USDM, Channel::Trade, &new_kind).unwrap().trades.len(),
        1,
        "unknown is not off the book"
    );
}

#[test]
fn tickers_are_read_with_their_book_id_and_time() {
    let want = Quote {
        sequence: Some(600_859_600_576),
        bid: Some(level("7.611", "2")),
        ask: Some(level("7.612", "297")),
        exchange_time: Wall::from_millis(1_626_992_741_012),
    };
    let untyped = TICKER.replace(r#""e":"bookTicker","#, "");
    for text in [TICKER.to_owned(), combined("sushiusdt@bookTicker", TICKER), untyped] {
        assert_eq!(decoded(USDM, Channel::Quote, &text).unwrap().event, Some(Event::Quote(want)), "{text}");
    }
}

fn level(price: &str, size: &str) -> Level {
    let number = |text: &str| crate::engine::decimal::Decimal::parse(text.as_bytes()).unwrap();
    Level { price: number(price), size: number(size) }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (channel, from, to, want) in [
        (Channel::Book, r#""U":600859599090"#, r#""U":600859600918"#, BadField("U")),
        (Channel::Book, r#""U":600859599090,"#, "", MissingField("U")),
        (Channel::Book, r#""u":600859600917,"#, "", MissingField("u")),
        (Channel::Book, r#""pu":600859598061,"#, "", MissingField("pu")),
        (Channel::Book, r#""pu":600859598061"#, r#""pu":-1"#, BadField("pu")),
        (Channel::Book, r#""pu":600859598061"#, r#""pu":600859598061,"pu":1"#, BadField("pu")),
        (Channel::Book, r#""pu":600859598061"#, r#""pu":18446744073709551616"#, BadField("pu")),
        (Channel::Book, r#""depthUpdate""#, r#""bookTicker""#, BadField("e")),
        (Channel::Book, r#""SUSHIUSDT""#, r#""SUSHIUSDC""#, WrongSymbol),
        (Channel::Book, r#""s":"SUSHIUSDT","#, "", MissingField("s")),
        (Channel::Book, r#"[["7.6150","1563"]]"#, r#"{"7.6150":"1563"}"#, BadField("a")),
        (Channel::Book, r#"[["7.6150","1563"]]"#, r#"[],"a":[]"#, BadField("a")),
        (Channel::Book, "7.6150", "0.00000000000000000000000000001", DoesNotFit("a")),
        (Channel::Book, "1626992741024", "[]", BadField("T")),
        (Channel::Quote, r#""u":600859600576,"#, "", MissingField("u")),
        (Channel::Quote, r#""A":"297""#, r#""A":null"#, MissingField("A")),
        (Channel::Quote, r#""e":"bookTicker""#, r#""e":"depthUpdate""#, BadField("e")),
        (Channel::Quote, r#""b":"7.6110""#, r#""b":"7.6110","b":"7""#, BadField("b")),
        (Channel::Trade, r#""t":5266583935,"#, "", MissingField("t")),
        (Channel::Trade, r#""m":false"#, r#""m":0"#, BadField("m")),
        (Channel::Trade, r#""p":"61800.30""#, r#""p":"NaN""#, BadField("p")),
    ] {
        let (stream, sample) = match channel {
            Channel::Book => ("sushiusdt@depth@100ms", DEPTH),
            Channel::Trade => ("btcusdt@trade", TRADE),
            _ => ("sushiusdt@bookTicker", TICKER),
        };
        let text = sample.replacen(from, to, 1);
        assert_ne!(text, sample, "{from} is in the sample");
        assert_eq!(decoded(USDM, channel, &combined(stream, &text)).err(), Some(want), "{text}");
    }
    assert_eq!(decoded(USDM, Channel::Book5, DEPTH).err(), Some(BadField("stream")));
}

#[test]
fn cut_frames_are_refused_and_nothing_panics() {
    for (venue, channel, sample) in [
        (USDM, Channel::Book, combined("sushiusdt@depth@100ms", DEPTH)),
        (USDM, Channel::Quote, combined("sushiusdt@bookTicker", TICKER)),
        (USDM, Channel::Trade, TRADE.to_owned()),
        (COINM, Channel::Book, combined("btcusd_200626@depth@100ms", COINM_DEPTH)),
        (COINM, Channel::Trade, combined("btcusd_200626@aggTrade", AGGREGATED)),
    ] {
        assert!(decoded(venue, channel, &sample).is_ok());
        for cut in 0..sample.len() {
            let text = &sample[..cut];
            venue.route(text, Handles::NONE);
            venue.control(text);
            assert!(decoded(venue, channel, text).is_err(), "{text}");
        }
    }
}

#[test]
fn frames_are_placed() {
    let data = |symbol, channel| Route::Data { symbol, channel };
    for (text, usdm, coinm) in [
        (r#"{"stream":"a_b@depth@100ms","data":{}}"#, data("a_b", Channel::Book), data("a_b", Channel::Book)),
        (r#"{"data":{},"stream":"a@depth@0ms"}"#, data("a", Channel::Book), data("a", Channel::Book)),
        (r#"{"stream":"a@bookTicker","data":{}}"#, data("a", Channel::Quote), data("a", Channel::Quote)),
        (r#"{"stream":"a@trade","data":{}}"#, data("a", Channel::Trade), Route::Unknown),
        (r#"{"stream":"a@aggTrade","data":{}}"#, Route::Unknown, data("a", Channel::Trade)),
        (
            r#"{"stream":"a@depth20@100ms","data":{"e":"depthUpdate","s":"A"}}"#,
            Route::Unknown,
            Route::Unknown,
        ),
        (
            r#"{"stream":"a@rpiDepth@500ms","data":{"e":"depthUpdate","s":"A"}}"#,
            Route::Unknown,
            Route::Unknown,
        ),
        (DEPTH, data("SUSHIUSDT", Channel::Book), data("SUSHIUSDT", Channel::Book)),
        (TICKER, data("SUSHIUSDT", Channel::Quote), data("SUSHIUSDT", Channel::Quote)),
        (TRADE, data("BTCUSDT", Channel::Trade), Route::Unknown),
        (AGGREGATED, Route::Unknown, data("BTCUSD_200626", Channel::Trade)),
        (r#"{"e":"markPriceUpdate","s":"A"}"#, Route::Unknown, Route::Unknown),
        (r#"{"result":null,"id":1}"#, Route::Control, Route::Control),
        (r#"{"code":2,"msg":"x"}"#, Route::Control, Route::Control),
        (r#"{"stream":"!serverShutdown","data":{}}"#, Route::Control, Route::Control),
        (r#"{"e":"depthUpdate"}"#, Route::Malformed(MissingField("s")), Route::Malformed(MissingField("s"))),
        ("", Route::Malformed(Json), Route::Malformed(Json)),
    ] {
        assert_eq!(USDM.route(text, Handles::NONE), usdm, "{text}");
        assert_eq!(COINM.route(text, Handles::NONE), coinm, "{text}");
    }
}

/// Vector V4 of the dossier, which both kinds of market share with spot.
#[test]
fn control_frames_are_understood() {
    for venue in [USDM, COINM] {
        for (text, want) in [
            (r#"{"result":null,"id":1}"#, Control::Ack { id: Some(1), granted: None }),
            (
                r#"{"code":2,"msg":"Invalid request: unknown variant"}"#,
                Control::Fatal { message: "Invalid request: unknown variant".into() },
            ),
            (
                r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#,
                Control::Reconnect { within: None },
            ),
        ] {
            assert_eq!(venue.route(text, Handles::NONE), Route::Control, "{text}");
            assert_eq!(venue.control(text), want, "{text}");
        }
    }
}

#[test]
fn each_market_dials_its_own_address_with_its_own_streams() {
    let scope =
        Scope { symbols: vec!["BTCUSD_PERP".into()], channels: limits::USDM.default_channels.to_vec() };
    assert_eq!(
        USDM.dial(limits::USDM.url, &scope, None).url,
        "wss://fstream.binance.com/public/stream?streams=\
         btcusd_perp@depth@100ms/btcusd_perp@trade/btcusd_perp@bookTicker"
    );
    assert_eq!(
        COINM.dial(limits::COINM.url, &scope, None).url,
        "wss://dstream.binance.com/stream?streams=\
         btcusd_perp@depth@100ms/btcusd_perp@aggTrade/btcusd_perp@bookTicker"
    );
    assert!(USDM.opening(&scope, 1).is_empty() && COINM.opening(&scope, 1).is_empty());
    assert_eq!(
        texts(&COINM.unsubscribe(&scope, &["BTCUSD_PERP"], Handles::NONE, 7)),
        [
            r#"{"method":"UNSUBSCRIBE","params":["btcusd_perp@depth@100ms","btcusd_perp@aggTrade","btcusd_perp@bookTicker"],"id":7}"#
        ]
    );
    let added = USDM.subscribe(&scope, &["ETHUSDT"], 8);
    assert_eq!(
        texts(&added),
        [
            r#"{"method":"SUBSCRIBE","params":["ethusdt@depth@100ms","ethusdt@trade","ethusdt@bookTicker"],"id":8}"#
        ]
    );
    assert_eq!(added[0].answers, 1);
    let request = USDM.snapshot_request(limits::USDM.rest_url, "BTCUSDT", None).unwrap();
    assert_eq!(request.url, "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000");
    let request = COINM.snapshot_request("https://dapi.binance.com/", "BTCUSD_PERP", None).unwrap();
    assert_eq!(
        (request.url.as_str(), request.cost),
        ("https://dapi.binance.com/dapi/v1/depth?symbol=BTCUSD_PERP&limit=1000", 20)
    );
}

#[test]
fn markets_have_their_native_names() {
    let native = |name| {
        let market = Canonical::parse(name).unwrap();
        (USDM.native(&market), COINM.native(&market))
    };
    assert_eq!(native("BTC-USDT-PERP"), (Some("BTCUSDT".into()), None));
    assert_eq!(native("BTC-USD-PERP"), (None, Some("BTCUSD_PERP".into())));
    assert_eq!(native("BTC-USDT"), (None, None));
}

#[test]
fn the_largest_scope_keeps_the_limits() {
    for venue in [USDM, COINM] {
        let profile = venue.profile();
        let mut scope = scope(profile.symbols_per_connection);
        if venue.check_channels(profile.channels).is_ok() {
            scope.channels = profile.channels.to_vec();
        }
        let url = venue.dial(profile.url, &scope, None).url;
        assert!(!url.contains("streams="), "it does not fit the address");
        let frames = venue.opening(&scope, 3);
        assert!(frames.len() <= profile.control.refill.burst as usize, "an opening fits one burst");
        let names: usize = frames.iter().map(|frame| frame.text.matches('@').count()).sum();
        // `depth@100ms` has two.
        assert_eq!(names, scope.symbols.len() * (scope.channels.len() + 1));
        assert!(
            scope.symbols.len() * scope.channels.len() <= 200,
            "streams a connection, by the older pages"
        );

        let most = |refill: crate::venue::profile::Refill| refill.burst + refill.per_window;
        assert!(
            most(profile.rest.refill) <= 2_400 * 9 / 10,
            "the pool both kinds draw on, with room for others"
        );
        assert!(most(profile.control.refill) < 10);
        assert!(most(profile.connects) <= 150);
    }
}
