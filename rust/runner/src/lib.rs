//! Runs one command as one Batch task and reports it as a stream of events.
