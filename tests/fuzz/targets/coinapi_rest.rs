//! libFuzzer's way into [`depthd_fuzz::coinapi_rest`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::coinapi_rest::run(data));
