//! libFuzzer's way into [`depthd_fuzz::http_query`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::http_query::run(data));
