//! libFuzzer's way into [`depthd_fuzz::venue_frame`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::venue_frame::run(data));
