//! Tests of whole systems: clients, the command line and servers, honest and lying, as processes and over real sockets.
//! One program for all: what they are built from is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cli_bad_input;
mod cli_documents;
mod cli_faults;
mod cli_server;
mod client_accounts;
mod client_audit;
mod client_devices;
mod client_endings;
mod client_files;
mod client_generations;
mod client_groups;
mod client_incoming;
mod client_indexes;
mod client_lies;
mod client_members;
mod client_recovery;
mod client_sharing;
mod client_vault_files;
mod homes_of_another_release;
mod interactions;
mod known_attacks;
mod one_request;
mod s10_indexes;
mod s10_rollback;
mod s11_fork;
mod s13_ban_under_crash;
mod s13_devices_under_crash;
mod s17_owners;
mod s18_lies_on_the_wire;
mod s18_server_succession;
mod s1_accepting_another_identity;
mod s1_identity;
mod s20_inserted_ways_back;
mod s23_indexes;
mod s24_storage_at_rest;
mod s2_key_injection;
mod s2_wraps_that_open_for_nobody;
mod s3_ghosts_and_garbage;
mod s5_indexes;
mod s6_swapped_wraps;
mod stores;
mod story;
mod story_indexes;
mod story_members;
