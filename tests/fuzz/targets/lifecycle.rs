//! libFuzzer's way into [`depthd_fuzz::lifecycle`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::lifecycle::run(data));
