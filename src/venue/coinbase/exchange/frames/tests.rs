//! What Exchange frames say, and what is refused.

use super::super::samples::{MATCH, SNAPSHOT, TICKER, UPDATE};
use super::*;
use crate::engine::event::TakerSide;
use crate::engine::time::Wall;

fn decoded(channel: Channel, text: &str) -> Result<Decoded> {
    let mut out = Decoded::default();
    decode(channel, text, &mut out).map(|()| out)
}

fn shown(levels: &[Level]) -> String {
    let levels: Vec<_> = levels.iter().map(|l| format!("{} {}", l.price, l.size)).collect();
    levels.join(", ")
}

fn book_of(text: &str) -> (BookEvent, Decoded) {
    let out = decoded(Channel::Book, text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let Some(Event::Book(event)) = out.event else { panic!("a book") };
    (event, out)
}

#[test]
fn books_are_read_in_any_order() {
    for text in [
        SNAPSHOT,
        r#" { "bids" : [ [ 3.2971 , "120" , 7 ] , ["3.2970","140.93"] ] , "asks" : [ ["3.3024",97.66] ] , "product_id" : "CRV-EUR" , "type" : "snapshot" } "#,
    ] {
        let (event, out) = book_of(text);
        assert_eq!((event.kind, event.span, event.exchange_time), (BookKind::Snapshot, None, None));
        assert_eq!(shown(&out.bids), "3.2971 120, 3.297 140.93");
        assert_eq!(shown(&out.asks), "3.3024 97.66");
    }
    for text in [
        UPDATE,
        r#"{"time":"2021-04-17T16:43:37.075687Z","changes":[[ "sell" , 0.00001306 , "660.50" , null ]],"product_id":"SKL-BTC","type":"l2update"}"#,
    ] {
        let (event, out) = book_of(text);
        assert_eq!(event.kind, BookKind::Delta);
        assert_eq!(event.exchange_time, Wall::parse("2021-04-17T16:43:37.075687Z"));
        assert_eq!((shown(&out.bids), shown(&out.asks)), (String::new(), "0.00001306 660.5".into()));
    }
    // The changes of one batch, and the time that is none.
    let text = r#"{"type":"l2update","product_id":"A-B","changes":[["buy","2","1"],["sell","3","0"],["buy","1","4"]],"time":"0001-01-01T00:00:00.000000Z"}"#;
    let (event, out) = book_of(text);
    assert_eq!(event.exchange_time, None);
    assert_eq!((shown(&out.bids), shown(&out.asks)), ("2 1, 1 4".into(), "3 0".into()));
}

/// Vector V4 of the dossier: the side is the maker's, and the id is the trade's own.
#[test]
fn trades_are_read_from_the_takers_side() {
    for (kind, side, want) in [
        ("match", "sell", TakerSide::Buy),
        ("match", "buy", TakerSide::Sell),
        ("last_match", "sell", TakerSide::Buy),
    ] {
        let text = MATCH.replace(r#""type":"match""#, &format!(r#""type":"{kind}""#));
        let text = text.replace(r#""side":"sell""#, &format!(r#""side":"{side}""#));
        let out = decoded(Channel::Trade, &text).unwrap();
        let [trade] = out.trades[..] else { panic!("one trade") };
        assert_eq!((out.event, trade.id.as_str(), trade.taker), (Some(Event::Trades), "280232", want));
        assert_eq!((trade.price.to_string(), trade.size.to_string()), ("0.00001305".into(), "985".into()));
        assert_eq!(trade.exchange_time, Wall::parse("2021-04-17T16:43:37.089723Z"));
    }
}

#[test]
fn tickers_show_what_they_know() {
    let quote = |text: &str| match decoded(Channel::Quote, text).unwrap().event {
        Some(Event::Quote(quote)) => quote,
        _ => panic!("a quote"),
    };
    let both = quote(TICKER);
    assert_eq!(shown(both.bid.as_slice()), "17165.15 0.6154089");
    assert_eq!(shown(both.ask.as_slice()), "17167.76 0.18528568");
    assert_eq!((both.sequence, both.exchange_time), (None, Wall::parse("2022-12-01T00:00:00.122581Z")));
    let old = quote(
        r#"{"type":"ticker","sequence":333938798,"product_id":"BAND-GBP","best_bid":"14.7550","best_ask":"14.8060","time":"2021-04-17T16:43:30.244075Z"}"#,
    );
    assert_eq!((old.bid, old.ask), (None, None), "without sizes");
    let empty = quote(&TICKER.replace("17165.15", "0").replace("0.61540890", "0"));
    assert!(empty.bid.is_none() && empty.ask.is_some());
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    use DecodeError::{BadField, DoesNotFit, Json, MissingField};
    for (channel, sample, from, to, want) in [
        (Channel::Book, SNAPSHOT, r#""snapshot""#, r#""l2update""#, MissingField("changes")),
        (Channel::Book, SNAPSHOT, r#""snapshot""#, r#""match""#, BadField("type")),
        (Channel::Book, SNAPSHOT, r#""type":"snapshot","#, "", MissingField("type")),
        (Channel::Book, SNAPSHOT, r#""product_id":"CRV-EUR","#, "", MissingField("product_id")),
        (Channel::Book, SNAPSHOT, r#""bids""#, r#""asks""#, BadField("asks")),
        (Channel::Book, SNAPSHOT, r#""bids""#, r#""bid""#, MissingField("bids")),
        (Channel::Book, SNAPSHOT, r#""asks""#, r#""ask""#, MissingField("asks")),
        (Channel::Book, SNAPSHOT, r#"[["3.3024","97.66"]]"#, "null", Json),
        (Channel::Book, SNAPSHOT, r#"["3.3024","97.66"]"#, r#"{"3.3024":"97.66"}"#, Json),
        (Channel::Book, SNAPSHOT, r#"["3.3024","97.66"]"#, r#"["3.3024"]"#, MissingField("asks")),
        (Channel::Book, SNAPSHOT, r#""97.66"]"#, r#""97.66",3,4,5,6,7,8,9]"#, BadField("asks")),
        (Channel::Book, SNAPSHOT, r#""97.66""#, r#""NaN""#, BadField("asks")),
        (Channel::Book, SNAPSHOT, r#""97.66""#, "null", MissingField("asks")),
        (Channel::Book, SNAPSHOT, "140.93", "0.00000000000000000000000000001", DoesNotFit("bids")),
        (Channel::Book, SNAPSHOT, r#","bids""#, r#","changes":[],"bids""#, BadField("changes")),
        (Channel::Book, UPDATE, r#""l2update""#, r#""snapshot""#, MissingField("bids")),
        (Channel::Book, UPDATE, r#""sell""#, r#""SELL""#, BadField("changes")),
        (
            Channel::Book,
            UPDATE,
            r#"["sell","0.00001306","660.5"]"#,
            r#"["sell","0.00001306"]"#,
            MissingField("changes"),
        ),
        (Channel::Book, UPDATE, r#"["sell","0.00001306","660.5"]"#, "[]", MissingField("changes")),
        (Channel::Book, UPDATE, r#","time""#, r#","bids":[],"time""#, BadField("changes")),
        (Channel::Book, UPDATE, r#""2021-04-17T16:43:37.075687Z""#, "7", BadField("time")),
        (Channel::Trade, MATCH, r#""match""#, r#""ticker""#, BadField("type")),
        (Channel::Trade, MATCH, r#""trade_id":280232"#, r#""trade_id":2.5"#, BadField("trade_id")),
        (Channel::Trade, MATCH, r#""trade_id":280232,"#, "", MissingField("trade_id")),
        (Channel::Trade, MATCH, r#""side":"sell","#, "", MissingField("side")),
        (Channel::Trade, MATCH, r#""size":"985","#, r#""size":"985","size":"985","#, BadField("size")),
        (Channel::Quote, TICKER, r#""best_ask":"17167.76","#, "", MissingField("best_ask")),
        (Channel::Quote, TICKER, r#""0.18528568""#, r#""x""#, BadField("best_ask")),
        (Channel::Quote, TICKER, r#""ticker""#, r#""match""#, BadField("type")),
    ] {
        let text = sample.replacen(from, to, 1);
        assert_ne!(text, sample, "{from} is in the sample");
        assert_eq!(decoded(channel, &text).err(), Some(want), "{text}");
    }
    assert_eq!(decoded(Channel::Book50, SNAPSHOT).err(), Some(BadField("type")));
}

#[test]
fn a_cut_frame_is_refused_wherever_it_is_cut() {
    for (channel, text) in [
        (Channel::Book, SNAPSHOT),
        (Channel::Book, UPDATE),
        (Channel::Trade, MATCH),
        (Channel::Quote, TICKER),
    ] {
        for cut in 0..text.len() {
            assert!(decoded(channel, &text[..cut]).is_err(), "{cut}");
        }
    }
}
