//! The client against services that misbehave as they are told to, and against Azurite.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod any_answer;
#[cfg(test)]
mod azurite;
#[cfg(test)]
mod batch_faults;
#[cfg(test)]
mod blob_access;
#[cfg(test)]
mod blob_faults;
#[cfg(test)]
mod blobs;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod directory_grants;
#[cfg(test)]
mod files;
#[cfg(test)]
mod http1;
#[cfg(test)]
mod identities;
#[cfg(test)]
mod lost_replies;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod oauth_azurite;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod recorded_answers;
#[cfg(test)]
mod scripted_service;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod task_files;
#[cfg(test)]
#[path = "../../../emulator/tests/emulator/support/tls.rs"]
mod tls;
