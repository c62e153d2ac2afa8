//! Frames as documented and as recorded, and everything that is none.

use super::*;
use crate::engine::time::Wall;

fn decoded(channel: Channel, text: &str) -> Result<Decoded> {
    let mut out = Decoded::default();
    decode(channel, text, &mut out).map(|()| out)
}

fn kind(text: &str) -> (BookKind, Option<u32>, String, String) {
    let out = decoded(Channel::Book, text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let Some(Event::Book(event)) = out.event else { panic!("a book event: {text}") };
    assert_eq!((event.span, event.venue_time), (None, None));
    let shown = |levels: &[Level]| {
        let levels: Vec<String> = levels.iter().map(|l| format!("{} {}", l.price, l.size)).collect();
        levels.join(", ")
    };
    (event.kind, event.checksum, shown(&out.bids), shown(&out.asks))
}

/// Among them vector V4 of the dossier: changes as recorded.
#[test]
fn books_and_changes_are_told_apart() {
    let (snapshot, delta) = (BookKind::Snapshot, BookKind::Delta);
    for (text, kind_of, bids, asks) in [
        (
            "[225206,[[277520,1,0.00383141],[277510,1,0.027],[282030,2,-0.117]],12]",
            snapshot,
            "277520 0.00383141, 277510 0.027",
            "282030 0.117",
        ),
        ("[225206,[[277520,1,0.00383141]]]", snapshot, "277520 0.00383141", ""),
        ("[225206,[],12]", snapshot, "", ""),
        ("[225206,[215350,0,1],18]", delta, "215350 0", ""),
        ("[225206,[283460,0,-1],23]", delta, "", "283460 0"),
        ("[225206,[279380,1,0.0089],19]", delta, "279380 0.0089", ""),
        ("[225206,[279380,0,1],20]", delta, "279380 0", ""),
        ("[225206,[7e-7,1,10000],20]", delta, "0.0000007 10000", ""),
        ("[225206,[1E-8,4,-6.4e5],20]", delta, "", "0.00000001 640000"),
        (" [ 225206 , [ 279380 , 1 , 0.0089 , 9 ] , 19 , 1574694478808 , { } ] ", delta, "279380 0.0089", ""),
        (r#"[225206,["279380","1","-0.0089"],19]"#, delta, "", "279380 0.0089"),
    ] {
        assert_eq!(kind(text), (kind_of, None, bids.into(), asks.into()), "{text}");
    }
}

/// The time is asked for, and a book is one without it too.
#[test]
fn frames_are_dated_where_they_say_so() {
    let time = Wall::from_millis(1_574_694_478_808);
    for (text, want) in [
        ("[225206,[[277520,1,0.00383141]],12,1574694478808]", time),
        ("[225206,[215350,0,1],18,1574694478808]", time),
        ("[ 225206 , [ 215350 , 0 , 1 ] , 18 , 1574694478808 , 7 ]", time),
        (r#"[81757,"cs",-1175357890,13,1574694478808]"#, time),
        ("[225206,[[277520,1,0.00383141]],12]", None),
        ("[225206,[[277520,1,0.00383141]]]", None),
        ("[225206,[215350,0,1],18]", None),
        (r#"[81757,"cs",-1175357890,13]"#, None),
        (r#"[81757,"cs",-1175357890]"#, None),
        // Something new in its place is no time.
        ("[225206,[215350,0,1],18,[1574694478808]]", None),
        ("[225206,[215350,0,1],18,null]", None),
        ("[225206,[215350,0,1],18,1574694478808.5]", None),
        ("[225206,[215350,0,1],18,-1]", None),
        (r#"[81757,"cs",-1175357890,13,{"at":1574694478808}]"#, None),
    ] {
        let Some(Event::Book(event)) = decoded(Channel::Book, text).unwrap().event else { panic!("{text}") };
        assert_eq!(event.exchange_time, want, "{text}");
    }
}

/// Sums are signed on the wire.
#[test]
fn sums_keep_their_bits() {
    for (text, want) in [
        (r#"[81757,"cs",-1175357890]"#, 3_119_609_406),
        (r#"[81757,"cs",-1175357890,13]"#, 3_119_609_406),
        (r#"[ 81757 , "cs" , 1311645903 , 13 , 1574694478808 ]"#, 1_311_645_903),
        (r#"[81757,"cs",0,13]"#, 0),
        (r#"[81757,"cs",-2147483648,13]"#, 1 << 31),
        (r#"[81757,"cs",4294967295,13]"#, u32::MAX),
    ] {
        assert_eq!(kind(text), (BookKind::Delta, Some(want), String::new(), String::new()), "{text}");
    }
}

#[test]
fn trades_are_read_from_the_takers_side() {
    for (text, taker) in [
        (r#"[17470,"te",[401597395,1574694478808,0.005,7245.3],12]"#, TakerSide::Buy),
        (r#"[17470,"te",[401597395,1574694478808,-0.005,7245.3,null]]"#, TakerSide::Sell),
    ] {
        let out = decoded(Channel::Trade, text).unwrap();
        assert_eq!((out.event, out.trades.len()), (Some(Event::Trades), 1));
        let trade = &out.trades[0];
        assert_eq!((trade.id.as_str(), trade.taker), ("401597395", taker));
        assert_eq!((trade.price.to_string(), trade.size.to_string()), ("7245.3".into(), "0.005".into()));
        assert_eq!(trade.exchange_time, Wall::from_millis(1_574_694_478_808));
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    use DecodeError::*;
    for (text, want) in [
        ("[1,[1,1],2]", MissingField("amount")),
        ("[1,[1],2]", MissingField("amount")),
        ("[1,[null,1,1],2]", MissingField("price")),
        ("[1,[1,null,1],2]", MissingField("count")),
        ("[1,[1,-1,1],2]", BadField("count")),
        ("[1,[1,0.5,1],2]", BadField("count")),
        ("[1,[1,1,0],2]", BadField("amount")),
        ("[1,[1,0,0],2]", BadField("amount")),
        ("[1,[1,1,true],2]", BadField("amount")),
        (r#"[1,["x",1,1],2]"#, BadField("price")),
        ("[1,[1e99,1,1],2]", DoesNotFit("price")),
        ("[1,[1,1,1e-40],2]", DoesNotFit("amount")),
        ("[1,[[1,0,1]],2]", BadField("count")),
        ("[1,[[1,1,1],2],2]", BadField("book")),
        ("[1,[1,1,[1]],2]", BadField("book")),
        ("[1,[[]],2]", MissingField("price")),
        ("[1,[[[1,1,1]]],2]", BadField("price")),
        (r#"[1,"hb",2]"#, BadField("book")),
        (r#"[1,"cs"]"#, MissingField("cs")),
        (r#"[1,"cs",[1,2],3]"#, BadField("cs")),
        (r#"[1,"cs",1.5,3]"#, BadField("cs")),
        (r#"[1,"cs","1",3]"#, BadField("cs")),
        (r#"[1,"cs",4294967296,3]"#, BadField("cs")),
        (r#"[1,"cs",-2147483649,3]"#, BadField("cs")),
        ("[1,null,2]", BadField("book")),
        ("[1]", MissingField("book")),
        ("[null,[1,1,1],2]", MissingField("number")),
        ("[-1,[1,1,1],2]", BadField("number")),
        ("[]", MissingField("book")),
        ("{}", Json),
        ("[1,[1,1,1],2]x", Json),
        ("", Json),
    ] {
        assert_eq!(decoded(Channel::Book, text).err(), Some(want), "{text}");
    }
    for (text, want) in [
        (r#"[1,"te",[1,2,0.5],3]"#, MissingField("price")),
        (r#"[1,"te",[1,2,0,5],3]"#, BadField("amount")),
        (r#"[1,"te",["x",2,1,5],3]"#, BadField("id")),
        (r#"[1,"te",[1,"x",1,5],3]"#, BadField("time")),
        (r#"[1,"te",7,3]"#, MissingField("te")),
        (r#"[1,"tu",[1,2,1,5],3]"#, MissingField("te")),
        (r#"[1,[[1,2,1,5]],3]"#, MissingField("te")),
    ] {
        assert_eq!(decoded(Channel::Trade, text).err(), Some(want), "{text}");
    }
    assert_eq!(decoded(Channel::Quote, "[1,[1,2,3,4],5]").err(), Some(BadField("channel")));
}

#[test]
fn a_book_has_a_deepest_side() {
    let book = |levels: usize| format!("[1,[{}],2]", vec!["[1,1,1]"; levels].join(","));
    assert_eq!(
        decoded(Channel::Book, &book(LEVELS_PER_SIDE_MAX)).map(|out| out.bids.len()),
        Ok(LEVELS_PER_SIDE_MAX)
    );
    assert_eq!(decoded(Channel::Book, &book(LEVELS_PER_SIDE_MAX + 1)).err(), Some(DecodeError::TooDeep));
}

#[test]
fn cut_frames_are_refused_and_nothing_panics() {
    use crate::venue::bitfinex::Bitfinex;
    use crate::venue::handles::Handles;
    use crate::venue::{Route, Venue};
    let mut handles = Handles::default();
    handles.bind(1, "tBTCUSD", Channel::Book);
    handles.bind(2, "tBTCUSD", Channel::Trade);
    for (channel, text) in [
        (Channel::Book, "[1,[[7e-7,1,10000],[0.00000111,1,-4847.13]],5,1574694478808]"),
        (Channel::Book, "[1,[215350,0,-1],18]"),
        (Channel::Book, r#"[1,"cs",-1175357890,19]"#),
        (Channel::Trade, r#"[2,"te",[401597395,1574694478808,-0.005,7245.3],12]"#),
    ] {
        assert_eq!(Bitfinex.route(text, &handles), Route::Data { symbol: "tBTCUSD", channel });
        assert!(decoded(channel, text).is_ok());
        for cut in 0..text.len() {
            let text = &text[..cut];
            Bitfinex.route(text, &handles);
            Bitfinex.control(text);
            assert_eq!(Bitfinex.connection_number(text), None, "{text}");
            assert!(decoded(channel, text).is_err(), "{text}");
        }
    }
}
