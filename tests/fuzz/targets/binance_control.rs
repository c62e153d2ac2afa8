//! libFuzzer's way into [`depthd_fuzz::binance_control`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::binance_control::run(data));
