//! Tests of what the documentation promises about the inspector, with the real program, compared with tshark where it
//! can be. Each file tests one promise.

#![allow(clippy::cast_possible_truncation, reason = "numbers of its own making")]

#[path = "../../examples/as-tests/assert_capture.rs"]
mod assert_capture;
#[path = "../support/browser.rs"]
mod browser;
#[path = "../support/browsing.rs"]
mod browsing;
#[path = "../support/built.rs"]
mod built;
#[path = "../../examples/make-captures/catalogue/mod.rs"]
mod catalogue;
#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../support/designs.rs"]
mod designs;
#[path = "../support/flights.rs"]
mod flights;
#[path = "../support/inspector.rs"]
mod inspector;
#[path = "../support/invented.rs"]
mod invented;
#[path = "../support/kept.rs"]
mod kept;
#[path = "../support/layouts.rs"]
mod layouts;
#[path = "../support/leaves.rs"]
mod leaves;
#[cfg(feature = "live")]
#[path = "../../src/bin/capture/libpcap.rs"]
mod libpcap;
#[path = "../support/live.rs"]
mod live;
#[path = "../support/need.rs"]
mod need;
#[path = "../support/openssl.rs"]
mod openssl;
#[path = "../support/otherwise.rs"]
mod otherwise;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/picture.rs"]
mod picture;
#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/scene.rs"]
mod scene;
#[path = "../support/screens.rs"]
mod screens;
#[path = "../support/talks.rs"]
mod talks;
#[path = "../support/terminal.rs"]
mod terminal;
#[path = "../support/tls.rs"]
mod tls;
#[path = "../support/tshark.rs"]
mod tshark;
#[path = "../support/wire.rs"]
mod wire;
#[path = "../support/witness/mod.rs"]
mod witness;

mod apply_as_filter;
mod begun;
mod bounds;
mod capture_damage;
mod capture_files;
mod capture_live;
mod capture_program;
mod capture_streams;
mod capture_writer;
mod captured_pairs;
mod captures_answers;
mod captures_generated;
mod captures_protocols;
mod check;
mod check_recordings;
mod cli_usage;
mod cookbook_commands;
mod docs_commands;
mod docs_links;
mod docs_protocol;
mod error_texts;
mod exchanges;
mod fields_three_ways;
mod files_untouched;
mod filter_like_tshark;
mod filter_properties;
mod filter_reglogin;
mod filter_tcp_analysis;
mod follow_forms;
mod follow_tshark;
mod foreign_protocols;
mod fuzz_checks;
mod json_schema;
mod layout_docs;
mod layout_files;
mod layout_guess;
mod layout_guess_doubt;
mod layout_live;
mod layout_plugin;
mod layout_read;
mod layout_secrets;
mod layout_streams;
mod layout_witness;
mod live_capture;
mod live_exchanges;
mod load_truth;
mod loadable;
mod mistakes;
mod pager;
mod progress;
mod proxied_streams;
mod read_as_tshark;
mod read_details;
mod read_json;
mod read_pdml;
mod read_replay;
mod read_rows;
mod reassembly_model;
mod report_browser;
mod report_files;
mod report_page;
mod save_annotate;
mod save_parts;
mod save_redact;
mod save_redact_captures;
mod secrets_in_any_layout;
mod secrets_in_captures;
mod several_files;
mod shell_completions;
mod silence_broken;
mod standard_input;
mod stats_rows;
mod stats_truth;
mod terminal_widths;
mod textbook_dissector;
mod threads_same_answers;
mod tls_alerts;
mod tls_captures;
mod tls_decrypted;
mod tls_key_logs;
mod tls_live;
mod tls_openssl;
mod tls_wireshark;
mod tshark_habits;
mod tui_docs;
mod tui_picture;
mod tui_saving;
mod tui_screens;
mod tui_sources;
mod tui_terminal;
mod vlans;
mod wireshark_explain;
mod wireshark_extcap;
mod wireshark_plugin;
mod wireshark_profile;
mod wireshark_random;
