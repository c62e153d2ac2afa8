//! libFuzzer's way into [`depthd_fuzz::binance_rest`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::binance_rest::run(data));
