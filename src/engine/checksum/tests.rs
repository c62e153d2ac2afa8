//! The dossiers' vectors. Kraken's first and third are its documentation's, its second and OKX's second are recorded frames,
//! Bitfinex's is from its own client's tests.

use super::*;
use crate::engine::book::Window;

const DOCUMENTED_BIDS: &str = "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 45280.3/1.54592586 \
    45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 45277.3/1.54602737 45276.6/0.15445238";
const DOCUMENTED_ASKS: &str = "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 45290.2/0.15890660 \
    45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 45297.5/0.09945542 45299.5/0.18772827";
const RECORDED_BIDS: &str = "85600.4/0.20401971 85599.6/0.04385864 85599.5/0.17523456 85597.8/0.00005000 85597.7/2.92063885 \
    85596.3/0.00005100 85595.8/0.00596174 85595.2/0.58888844 85593.6/2.92077632 85592.0/0.00005100";
const RECORDED_ASKS: &str = "85600.5/0.90679198 85601.6/0.21608516 85601.7/2.92050281 85602.1/0.00023300 85603.0/0.00770000 \
    85603.7/2.92043523 85604.4/0.87632208 85604.8/0.00005100 85606.2/0.00116814 85607.7/2.92029921";
const MATIC_BIDS: &str = "0.5666/4831.75496356 0.5665/6658.22734739 0.5664/18724.91513344 0.5663/11563.92544914 \
    0.5662/14006.65365711 0.5661/17454.85679807 0.566/18097.1547 0.5659/33644.89175666 \
    0.5658/148.3464 0.5657/606.70854372";
const MATIC_ASKS: &str = "0.5668/4410.79769741 0.5669/4655.40412487 0.567/49844.89424998 0.5671/24306.41678 \
    0.5672/29783.25223475 0.5673/57234.71239278 0.5674/45065.04744 0.5675/5912.76380354 \
    0.5676/42514.92434778 0.5677/36304.0847022";
const OKX_BIDS: &str = "30233.6:3 30219.4:104 30219.3:1520 30212.3:171 30209.8:5 30205.8:50 30204.1:1730 30202.1:30 \
    30185.4:11 30184:1537 30181.3:18 30181.2:19 30180.7:249 30168.9:20 30165.8:3078 30145.8:4770 \
    30145.3:120 30133.2:12 30130.3:1 30130.1:236 30129.9:442 30117.7:81 30117.6:369 30074.9:202 \
    30074.6:373";
const OKX_ASKS: &str = "30238.8:2 30249.5:50 30249.6:29 30261.1:218 30261.5:215 30261.7:172 30264.5:11 30265.9:249 \
    30268.4:40 30280.8:97 30280.9:217 30283.1:120 30291.1:442 30316:81 30316.1:1 30323.1:373 30325:17 \
    30371.7:202 30371.8:10 30418.3:374 30426.3:508 30439.6:1539 30449.2:29 30464.9:202 30486.8:504";
const BITFINEX_BIDS: &str = "0.0000011:271510.49 0.00000109:500793.10790141 0.00000108:776367.43 0.00000107:23329.54842056 \
    0.00000106:116868.87735849 0.00000105:205000 0.00000103:227308.25386407 0.00000102:105000 \
    0.00000101:2970 0.000001:21000 7e-7:10000 6.6e-7:10000 6e-7:100000 4.9e-7:10000 2.5e-7:2000 \
    6e-8:100000 5e-8:200000 1e-8:640000";
const BITFINEX_ASKS: &str = "0.00000111:4847.13 0.00000112:528102.69042633 0.00000113:302397.07 0.00000114:339088.93 \
    0.00000126:245944.06 0.00000127:5000 0.0000013:5000 0.00000134:8249.18938656 \
    0.00000136:13161.25184766 0.00000145:2914 0.0000015:54448.5 0.00000152:5538.54849594 \
    0.00000153:62691.75475079 0.00000159:2914 0.0000016:52631.10296831 0.00000164:4000 \
    0.00000166:3831.46784605 0.00000171:14575.17730379 0.00000174:3124.81815395 0.0000018:18000 \
    0.00000182:16000 0.00000186:4000 0.00000189:10000.686624 0.00000191:14500 0.00000193:2422";

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes()).unwrap()
}

/// `price/size` or `price:size`, separated by spaces.
fn levels(text: &str) -> Vec<Level> {
    let level = |pair: &str| {
        let (price, size) = pair.split_once(['/', ':']).unwrap();
        Level { price: decimal(price), size: decimal(size) }
    };
    text.split_whitespace().map(level).collect()
}

fn book(bids: &str, asks: &str) -> Book {
    let mut book = Book::new(1_000);
    book.load(&levels(bids), &levels(asks), Window::default()).unwrap();
    book
}

fn kraken(book: &Book, price: u8, size: u8) -> Option<u32> {
    ChecksumRule::Kraken.sum(book, Some(Precision { price, size }))
}

fn okx(book: &Book) -> i32 {
    ChecksumRule::Okx.sum(book, None).unwrap().cast_signed()
}

fn bitfinex(book: &Book) -> i32 {
    ChecksumRule::Bitfinex.sum(book, None).unwrap().cast_signed()
}

#[test]
fn kraken_documented() {
    let documented = book(DOCUMENTED_BIDS, DOCUMENTED_ASKS);
    assert_eq!(kraken(&documented, 1, 8), Some(3_310_070_434));
    assert_eq!(ChecksumRule::Kraken.sum(&documented, None), None, "nobody said how many decimals");
}

/// Five frames of a recorded run; the last update pushes a level out of the window of ten.
#[test]
fn kraken_recorded() {
    let mut recorded = Book::new(10);
    let load = |book: &mut Book| {
        book.load(&levels(RECORDED_BIDS), &levels(RECORDED_ASKS), Window::default()).unwrap()
    };
    for _ in 0..2 {
        load(&mut recorded);
        assert_eq!(kraken(&recorded, 1, 8), Some(817_831_036));
        for (asks, sum) in [
            ("85601.6/0 85608.0/0.04358176", 3_973_935_795),
            ("85600.5/1.12287714", 402_752_521),
            ("85600.5/0.90679198", 3_973_935_795),
            ("85601.6/0.21608516", 817_831_036),
        ] {
            recorded.apply(&[], &levels(asks)).unwrap();
            assert_eq!(kraken(&recorded, 1, 8), Some(sum), "{asks}");
        }
    }
    assert_eq!(kraken(&recorded, 2, 8), Some(3_291_469_356), "the wrong number of decimals shows");
}

#[test]
fn kraken_pads_to_the_symbols_decimals() {
    let mut matic = book(MATIC_BIDS, MATIC_ASKS);
    assert_eq!(kraken(&matic, 4, 8), Some(2_439_117_997));
    assert_eq!(kraken(&matic, 5, 8), Some(1_472_384_375));
    assert_eq!(kraken(&matic, 3, 8), None, "a price of more decimals than the symbol has");
    matic.apply(&levels("0.5657/1098.3947558"), &[]).unwrap();
    assert_eq!(kraken(&matic, 4, 8), Some(2_114_181_697));
}

#[test]
fn kraken_of_a_thin_book_takes_what_is_there() {
    assert_eq!(kraken(&book("", ""), 1, 8), Some(0));
    assert!(kraken(&book("1/2", ""), 1, 8).is_some());
}

#[test]
fn okx_documented_and_recorded() {
    assert_eq!(okx(&book("3366.1:7 3366:6", "3366.8:9 3368:8")), -1_881_014_294);
    assert_eq!(okx(&book("3366.1:7", "3366.8:9 3368:8 3372:8")), 831_078_360);
    let mut recorded = book(OKX_BIDS, OKX_ASKS);
    assert_eq!(okx(&recorded), 1_054_815_633);
    recorded.apply(&levels("30182.6:452"), &levels("30249.4:0 30261:4 30310.3:19")).unwrap();
    assert_eq!(okx(&recorded), -914_047_754);
    let bids = "30236.6:0 30233.6:0 30232.5:3 30219.6:222 30219.5:0 30219.4:0 30218.9:0 30217:214 30215.3:214 \
                30209.8:5 30193.9:24 30192.9:11 30185.4:0 30181.3:0";
    let asks = "30249.6:0 30261:97 30261.1:0 30261.2:28 30264.5:0 30265.8:0 30267.3:215 30268.4:0 30270.5:468 \
                30273.7:11 30275.1:33 30280.7:4";
    recorded.apply(&levels(bids), &levels(asks)).unwrap();
    assert_eq!(okx(&recorded), 1_488_647_618);
}

#[test]
fn bitfinex_from_its_clients_tests() {
    let mut xrp = book(BITFINEX_BIDS, BITFINEX_ASKS);
    assert_eq!(bitfinex(&xrp), 1_311_645_903);
    xrp.apply(&levels("0.0000011/266122.94"), &[]).unwrap();
    assert_eq!(bitfinex(&xrp), -1_175_357_890);
    assert_ne!(bitfinex(&xrp), 1_293_492_257, "7e-7 written as 0.0000007");
}

/// Ten levels of order number 0 and amount 0.000005 a side, as the venue's rule for raw books has them.
#[test]
fn bitfinex_by_order() {
    let mut text = Text::default();
    for turn in 0..20 {
        if turn > 0 {
            text.byte(b':');
        }
        text.whole(0);
        text.byte(b':');
        if turn % 2 == 1 {
            text.byte(b'-');
        }
        text.javascript(decimal("0.000005"));
    }
    assert_eq!(text.sum(), 190_468_240);
}

#[test]
fn numbers_are_written_as_their_venues_do() {
    let sum = |text: &str| {
        let mut sum = crc32fast::Hasher::new();
        sum.update(text.as_bytes());
        sum.finalize()
    };
    for (number, plain, javascript) in [
        ("21000", "21000", "21000"),
        ("0.000001", "0.000001", "0.000001"),
        ("0.0000011", "0.0000011", "0.0000011"),
        ("7e-7", "0.0000007", "7e-7"),
        ("0.00000066", "0.00000066", "6.6e-7"),
        ("1.5e-10", "0.00000000015", "1.5e-10"),
        ("79228162514264337593543950335", "79228162514264337593543950335", "79228162514264337593543950335"),
    ] {
        let (mut as_plain, mut as_javascript) = (Text::default(), Text::default());
        as_plain.number(decimal(number));
        as_javascript.javascript(decimal(number));
        assert_eq!((as_plain.sum(), as_javascript.sum()), (sum(plain), sum(javascript)), "{number}");
    }
}
