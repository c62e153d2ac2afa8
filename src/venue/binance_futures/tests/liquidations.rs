//! Liquidated orders: as documented, at the address that has them.

use super::*;

/// As documented, and one of USD-M with the fields that came since.
const ORDER: &str = r#"{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014","p":"9910","ap":"9910","X":"FILLED","l":"0.014","z":"0.014","T":1568014460892}}"#;
const COINM_ORDER: &str = r#"{"e":"forceOrder","E":1591154240950,"o":{"s":"BTCUSD_200925","ps":"BTCUSD","S":"SELL","o":"LIMIT","f":"IOC","q":"1","p":"9425.5","ap":"9496.5","X":"FILLED","l":"1","z":"1","T":1591154240949}}"#;

fn read(venue: BinanceFutures, text: &str) -> (String, TakerSide, Option<Wall>) {
    let out = decoded(venue, Channel::Liquidation, text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(out.event, Some(Event::Liquidations));
    let [order] = out.liquidations.as_slice() else { panic!("one a frame: {text}") };
    (format!("{} {}", order.price, order.size), order.side, order.exchange_time)
}

#[test]
fn orders_are_read_with_their_own_price_and_size() {
    let (at, later) = (Wall::from_millis(1_568_014_460_892), Wall::from_millis(1_568_014_460_893));
    let newer = ORDER.replace("460892}}", r#"460892,"ps":"BTCUSDT","st":1}}"#);
    let reversed = r#"{"o":{"T":1568014460892,"p":9910,"q":"1.4e-2","S":"SELL","s":"BTCUSDT"},"E":1568014460893,"e":"forceOrder"}"#;
    for text in [ORDER, newer.as_str(), reversed] {
        assert_eq!(
            read(USDM, &combined("btcusdt@forceOrder", text)),
            ("9910 0.014".into(), TakerSide::Sell, at)
        );
    }
    let undated = ORDER.replace(r#","T":1568014460892"#, "").replace("SELL", "BUY");
    assert_eq!(
        read(USDM, &combined("btcusdt@forceOrder", &undated)),
        ("9910 0.014".into(), TakerSide::Buy, later)
    );
    let coinm = combined("btcusd_200925@forceOrder", COINM_ORDER);
    let at = Wall::from_millis(1_591_154_240_949);
    assert_eq!(read(COINM, &coinm), ("9425.5 1".into(), TakerSide::Sell, at), "not what it was filled at");
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (from, to, want) in [
        (r#""e":"forceOrder""#, r#""e":"trade""#, BadField("e")),
        (r#""s":"BTCUSDT""#, r#""s":"ETHUSDT""#, WrongSymbol),
        (r#""s":"BTCUSDT","#, "", MissingField("s")),
        (r#""S":"SELL","#, "", MissingField("S")),
        (r#""S":"SELL""#, r#""S":"sold""#, BadField("S")),
        (r#""S":"SELL""#, r#""S":"SELL","S":"BUY""#, BadField("S")),
        (r#""p":"9910","#, "", MissingField("p")),
        (r#""p":"9910""#, r#""p":"high""#, BadField("p")),
        (r#""q":"0.014""#, r#""q":null"#, MissingField("q")),
        (r#""q":"0.014""#, r#""q":"0.00000000000000000000000000001""#, DoesNotFit("q")),
        (r#""T":1568014460892"#, r#""T":[]"#, BadField("T")),
        (r#""o":{"#, r#""o":{},"o":{"#, BadField("o")),
        (r#""o":{"#, r#""x":{"#, MissingField("o")),
        (r#""o":{"#, r#""o":7,"x":{"#, Json),
    ] {
        let text = ORDER.replacen(from, to, 1);
        assert_ne!(text, ORDER, "{from} is in the sample");
        let text = combined("btcusdt@forceOrder", &text);
        assert_eq!(decoded(USDM, Channel::Liquidation, &text).err(), Some(want), "{text}");
    }
    let sample = combined("btcusd_200925@forceOrder", COINM_ORDER);
    for cut in 0..sample.len() {
        assert!(decoded(COINM, Channel::Liquidation, &sample[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn frames_are_placed_by_their_streams_name() {
    let text = combined("btcusdt@forceOrder", ORDER);
    for venue in [USDM, COINM] {
        let want = Route::Data { symbol: "btcusdt", channel: Channel::Liquidation };
        assert_eq!(venue.route(&text, Handles::NONE), want);
        assert_eq!(venue.route(ORDER, Handles::NONE), Route::Unknown, "never asked for without the name");
    }
}

/// What is quiet for hours is asked for by a message: its answer is the first frame, without which a life does not begin.
#[test]
fn a_feed_of_liquidations_dials_their_address_and_asks_there() {
    let of =
        |channels: &[Channel]| Scope { symbols: vec!["BTCUSD_PERP".into()], channels: channels.to_vec() };
    let alone = of(&[Channel::Liquidation]);
    for (venue, url) in
        [(USDM, "wss://fstream.binance.com/market/stream"), (COINM, "wss://dstream.binance.com/stream")]
    {
        assert_eq!(venue.dial(venue.profile().url, &alone, None).url, url);
        let asked = r#"{"method":"SUBSCRIBE","params":["btcusd_perp@forceOrder"],"id":3}"#;
        assert_eq!(texts(&venue.opening(&alone, 3)), [asked]);
        assert_eq!(venue.opening(&alone, 3)[0].answers, 1);
        let more = venue.subscribe(&alone, &["ETHUSD_PERP"], 4);
        assert_eq!(texts(&more), [asked.replace("btc", "eth").replace('3', "4")]);
        let less = venue.unsubscribe(&alone, &["BTCUSD_PERP"], Handles::NONE, 3);
        assert_eq!(texts(&less), [asked.replace("SUB", "UNSUB")]);
    }
    let both = of(&[Channel::Book, Channel::Liquidation]);
    let url = "wss://dstream.binance.com/stream?streams=btcusd_perp@depth@100ms/btcusd_perp@forceOrder";
    assert_eq!(COINM.dial(limits::COINM.url, &both, None).url, url);
    assert!(COINM.opening(&both, 1).is_empty());
}

#[test]
fn one_connection_has_one_address() {
    let (alone, both) = ([Channel::Liquidation], [Channel::Quote, Channel::Liquidation]);
    assert_eq!((USDM.check_channels(&alone), COINM.check_channels(&alone)), (Ok(()), Ok(())));
    assert_eq!((USDM.check_channels(&both[..1]), COINM.check_channels(&both)), (Ok(()), Ok(())));
    assert!(USDM.check_channels(&both).unwrap_err().contains("second [[feed]]"));
}
