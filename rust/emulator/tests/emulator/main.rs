//! Tests of the emulator over HTTP, by a plain client with its own signing code.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

mod account;
mod admin;
mod assertions;
mod authentication;
mod auto_pools;
mod autoscale;
mod bad_input;
mod collections;
mod consistency;
mod dependencies;
mod disabling;
mod entra;
mod entry_points;
mod exit_conditions;
mod faults;
mod faults_of_nodes;
mod files;
mod hostile;
mod isolation;
mod job_managers;
mod job_schedules;
mod jobs;
mod lists;
mod load;
mod managed_identities;
mod node_faults;
mod node_operations;
mod node_tasks;
mod nodes;
mod output_files;
mod pool_bodies;
mod pool_life;
mod pool_policies;
mod pools;
mod program;
mod properties;
mod recorded;
mod requests;
mod resizing;
mod resource_files;
mod rules;
mod scheduling;
mod start_tasks;
mod states;
mod statistics;
mod storage;
mod task_changes;
mod tasks;
mod users;
mod volumes;
mod workflow_engines;
