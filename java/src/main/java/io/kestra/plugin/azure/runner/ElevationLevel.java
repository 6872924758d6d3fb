package io.kestra.plugin.azure.runner;

/** The rights of the Batch task's user on its node, by the names that its request has. */
public enum ElevationLevel {
    NON_ADMIN,
    ADMIN
}
