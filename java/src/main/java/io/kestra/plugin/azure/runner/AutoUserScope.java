package io.kestra.plugin.azure.runner;

/** With whom a Batch task shares the user that Azure Batch creates for it. The names are those of the request to the Rust library. */
public enum AutoUserScope {
    TASK,
    POOL
}
