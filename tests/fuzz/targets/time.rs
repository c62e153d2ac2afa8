//! libFuzzer's way into [`depthd_fuzz::time`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::time::run(data));
