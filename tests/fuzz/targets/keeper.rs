//! libFuzzer's way into [`depthd_fuzz::keeper`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::keeper::run(data));
