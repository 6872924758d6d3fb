package io.kestra.plugin.azure.runner.flows;

import org.slf4j.event.Level;

/** What differs for users between Kestra 1 and 2, here for Kestra 1. */
final class Kestra {
    /** The level of what {@code beforeCommands} print. */
    static final Level PREPARATION_LEVEL = Level.INFO;

    /** Whether the outputs of a failed task have the details of its task runner. */
    static final boolean FAILURES_HAVE_DETAILS = false;

    /** What the other one calls its loop over values. */
    static final String UNKNOWN_TASK = "io.kestra.plugin.core.flow.Loop";

    private Kestra() {
    }
}
