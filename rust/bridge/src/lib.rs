//! The surface that Java calls: start, next, kill and close a run by its number.
