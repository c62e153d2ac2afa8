//! libFuzzer's way into [`depthd_fuzz::queue`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::queue::run(data));
