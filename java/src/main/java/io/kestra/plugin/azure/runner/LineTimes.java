package io.kestra.plugin.azure.runner;

import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Gives each line of a task a time of its own, in milliseconds since 1970.
 *
 * <p>Kestra cuts the times that it is given to milliseconds, and most of its repositories show the lines of one millisecond in any order. So no two
 * lines share one, as long as there is room:
 * <ul>
 * <li>The lines of a read are spread over the time since the read before it, in which they were written.
 * <li>More lines than that has milliseconds reach further back, but not behind what was logged before.
 * <li>If that is not enough, they run ahead of the clock, by {@link #LEAD} at most. Whatever Kestra logs next has to wait until then.
 * <li>Lines that come faster than that get no times, until they are as slow as the clock again. With the clock's own time, which has microseconds,
 * they are at least in order where the repository keeps those.
 * </ul>
 */
final class LineTimes {
    /** How far lines may run ahead of the clock, in milliseconds. It is also how much later the outcome of a run may be. */
    static final long LEAD = 2_500;

    private long last;
    private boolean flooded;

    /** Returns strictly increasing times for the next lines, or nothing if they come too fast. */
    Optional<long[]> next(Event.Log lines) {
        int count = lines.lines().size();
        long total = count + lines.more();
        long from = Math.max(last, Math.min(lines.since(), lines.until() - total));
        long end = Math.max(lines.until(), from + total);
        flooded = end > lines.until() + (flooded ? 0 : LEAD);
        if (flooded) {
            return Optional.empty();
        }
        // The same for all events of a read: the rest of its lines share the rest of its time.
        long[] times = LongStream.rangeClosed(1, count).map(line -> from + (end - from) * line / total).toArray();
        last = count == 0 ? last : times[count - 1];
        return Optional.of(times);
    }

    /** Something was logged with the time of the clock. */
    void passed(long now) {
        last = Math.max(last, now);
    }

    /** Returns the time that must have passed before anything is logged with the time of the clock. */
    long last() {
        return last;
    }
}
