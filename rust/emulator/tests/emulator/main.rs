//! The emulator over real HTTP, asked by a plain client with a signer of its own.

mod support;

mod authentication;
mod files;
mod isolation;
mod jobs;
mod lists;
mod output_files;
mod program;
mod requests;
mod resource_files;
mod tasks;
