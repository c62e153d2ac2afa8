//! libFuzzer's way into [`depthd_fuzz::config`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::config::run(data));
