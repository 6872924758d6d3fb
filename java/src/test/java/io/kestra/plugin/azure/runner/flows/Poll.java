package io.kestra.plugin.azure.runner.flows;

import java.time.Duration;
import java.time.Instant;
import java.util.function.BooleanSupplier;

/** Waits for a condition. */
final class Poll {
    private static final long PAUSE_MILLIS = 50;

    private Poll() {
    }

    /** Checks the condition until it holds or the limit has passed. Returns whether it held. */
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
