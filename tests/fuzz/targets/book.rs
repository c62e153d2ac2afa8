//! libFuzzer's way into [`depthd_fuzz::book`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::book::run(data));
