//! libFuzzer's way into [`depthd_fuzz::planner`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::planner::run(data));
