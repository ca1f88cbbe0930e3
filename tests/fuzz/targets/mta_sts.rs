#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| smtp_exporter_fuzz::bodies::records::mta_sts(data));
