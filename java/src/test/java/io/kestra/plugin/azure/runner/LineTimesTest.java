package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import static io.kestra.plugin.azure.runner.LineTimes.LEAD;
import static org.assertj.core.api.Assertions.assertThat;

class LineTimesTest {
    private static final long READ = 1_000_000;

    private final LineTimes times = new LineTimes();

    @Test
    void the_lines_of_a_read_are_spread_over_the_time_since_the_read_before() {
        assertThat(next(5, READ - 500, READ, 0)).containsExactly(READ - 400, READ - 300, READ - 200, READ - 100, READ);
    }

    @Test
    void so_are_those_of_a_read_that_comes_in_several_events() {
        assertThat(next(2, READ - 500, READ, 3)).containsExactly(READ - 400, READ - 300);
        assertThat(next(3, READ - 500, READ, 0)).containsExactly(READ - 200, READ - 100, READ);
    }

    @Test
    void more_lines_than_milliseconds_reach_back_to_what_was_logged_before() {
        times.passed(READ - 2_000);
        assertThat(next(1_500, READ - 500, READ, 0)).startsWith(READ - 1_499).endsWith(READ);
    }

    @Test
    void lines_for_which_that_is_not_enough_run_ahead_of_the_clock() {
        times.passed(READ - 500);
        assertThat(next(2_000, READ - 500, READ, 0)).startsWith(READ - 499).endsWith(READ + 1_500);
    }

    @Test
    void a_flood_has_no_times_until_its_lines_fit_again_without_running_ahead() {
        times.passed(READ);
        assertThat(times.next(log((int) LEAD, READ - 500, READ, 1))).isEmpty();
        assertThat(times.next(log(1, READ - 500, READ, 0))).isEmpty();
        times.passed(READ + 10);
        assertThat(times.next(log(491, READ, READ + 500, 0))).isEmpty();
        assertThat(next(490, READ, READ + 500, 0)).startsWith(READ + 11).endsWith(READ + 500);
        assertThat(next(2_000, READ + 500, READ + 1_000, 0)).hasSize(2_000);
    }

    /** Reads of any size at any distance, in events of any size, with notes in between; the clock is set back now and then. */
    @Test
    void times_increase_strictly_and_stay_within_bounds() {
        for (int seed = 0; seed < 500; seed++) {
            checkReads(new Random(seed));
        }
    }

    private static void checkReads(Random random) {
        LineTimes times = new LineTimes();
        long clock = READ;
        for (int read = 0; read < 20; read++) {
            long since = clock;
            clock += random.nextInt(10) == 0 ? -random.nextInt(5_000) : random.nextInt(2_000);
            if (random.nextInt(4) == 0) {
                times.passed(clock - random.nextInt(500));
            }
            for (List<Integer> left = parts(random); !left.isEmpty(); left.removeFirst()) {
                long more = left.stream().skip(1).mapToLong(n -> n).sum();
                long before = times.last();
                long latest = clock + LEAD;
                times.next(log(left.getFirst(), since, clock, more)).ifPresent(given -> {
                    assertThat(given).hasSize(left.getFirst()).isSorted().doesNotHaveDuplicates();
                    assertThat(given[0]).isGreaterThan(before);
                    assertThat(given[given.length - 1]).isLessThanOrEqualTo(latest);
                });
            }
        }
    }

    private static List<Integer> parts(Random random) {
        List<Integer> parts = new ArrayList<>();
        for (int left = random.nextInt(random.nextBoolean() ? 20 : 4_000); left > 0; left -= parts.getLast()) {
            parts.add(1 + random.nextInt(left));
        }
        return parts;
    }

    private long[] next(int count, long since, long until, long more) {
        return times.next(log(count, since, until, more)).orElseThrow();
    }

    private static Event.Log log(int count, long since, long until, long more) {
        return new Event.Log(Event.Stream.STDOUT, Collections.nCopies(count, ""), since, until, more);
    }
}
