package io.kestra.plugin.azure.runner.flows;

import java.time.Duration;
import java.time.Instant;
import java.util.function.BooleanSupplier;

/** Waiting for what will be true in a moment. */
final class Poll {
    private static final long PAUSE_MILLIS = 50;

    private Poll() {
    }

    /** Looks until the condition holds, for as long as the limit says; tells whether it did. */
    static boolean until(Duration limit, BooleanSupplier condition) throws InterruptedException {
        var end = Instant.now().plus(limit);
        while (!condition.getAsBoolean()) {
            if (Instant.now().isAfter(end)) {
                return false;
            }
            Thread.sleep(PAUSE_MILLIS);
        }
        return true;
    }
}
