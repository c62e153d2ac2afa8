//! The story of every input that ever failed. The inputs lie in `regressions/TARGET/`.

/// An input, as `TARGET/NAME`, and what it did.
pub const STORIES: [(&str, &str); 6] = [
    (
        "decimal/exponent_and_zeros",
        "an exponent was cut at 9,999 before the zeros of its fraction were set against it: 1 read as 0.01, a wrong number",
    ),
    (
        "coinapi_frame/symbol_twice",
        "the frame was routed by its first symbol and nobody saw the second: half of two messages, given to one book",
    ),
    (
        "binance_frame/data_twice",
        "an update put together from two events, each of which lacked what the other had",
    ),
    (
        "coinapi_control/long_error",
        "the 200 bytes shown of a venue's error stood in a text as long as the whole frame, kept until the next end",
    ),
    (
        "config/many_unknown_keys",
        "a file of nonsense was reported line by line; 1 MiB of it took minutes and the daemon's memory",
    ),
    ("config/long_symbol", "a mistake quoted whatever the file said, however long"),
];
