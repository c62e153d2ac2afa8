//! libFuzzer's way into [`depthd_fuzz::coinapi_frame`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::coinapi_frame::run(data));
