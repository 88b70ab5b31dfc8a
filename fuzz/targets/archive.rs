#![no_main]

#[path = "../../attini-core/tests/fuzz/targets.rs"]
#[allow(dead_code, reason = "one of them is run here")]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::archive(data));
