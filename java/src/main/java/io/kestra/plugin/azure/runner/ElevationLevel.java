package io.kestra.plugin.azure.runner;

/** Rights of the user that runs the Batch task on its node. The names are those of the request to the Rust library. */
public enum ElevationLevel {
    NON_ADMIN,
    ADMIN
}
