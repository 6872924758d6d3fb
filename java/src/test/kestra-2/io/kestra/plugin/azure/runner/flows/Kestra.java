package io.kestra.plugin.azure.runner.flows;

import org.slf4j.event.Level;

/** What differs for users between Kestra 1 and 2, here for Kestra 2. */
final class Kestra {
    /** The level of what {@code beforeCommands} print. */
    static final Level PREPARATION_LEVEL = Level.DEBUG;

    /** Whether the outputs of a failed task have the details of its task runner. */
    static final boolean FAILURES_HAVE_DETAILS = true;

    /** What the other one calls its loop over values. */
    static final String UNKNOWN_TASK = "io.kestra.plugin.core.flow.ForEach";

    private Kestra() {
    }
}
