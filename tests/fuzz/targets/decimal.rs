//! libFuzzer's way into [`depthd_fuzz::decimal`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::decimal::run(data));
