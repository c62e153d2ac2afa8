//! libFuzzer's way into [`depthd_fuzz::budgets`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| depthd_fuzz::budgets::run(data));
