//! libFuzzer's way into [`depthd_fuzz::session`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::session::run(data));
