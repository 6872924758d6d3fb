package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

class TaskLogTest {
    private static final long NOW = 1_760_000_000_000L;

    private final CollectingLogConsumer consumer = new CollectingLogConsumer();
    private long now = NOW;
    private final TaskLog log = new TaskLog(consumer, () -> Instant.ofEpochMilli(now));

    @AfterEach
    void forgetTheInterrupt() {
        Thread.interrupted();
    }

    @Test
    void a_consumer_of_another_plugin_gets_the_lines_themselves_and_their_times() {
        log.write(new Event.Log(Event.Stream.STDERR, List.of("a", "b"), NOW - 500, NOW, 0));
        assertThat(consumer.lines).containsExactly("stderr a", "stderr b");
        assertThat(consumer.times).containsExactly(Instant.ofEpochMilli(NOW - 250), Instant.ofEpochMilli(NOW));
    }

    @Test
    void a_consumer_that_takes_no_times_gets_the_lines_alone() {
        new TaskLog(consumer, () -> Instant.ofEpochMilli(now), Optional.empty()).write(new Event.Log(Event.Stream.STDERR, List.of("a", "b"), NOW - 500, NOW, 0));
        assertThat(consumer.lines).containsExactly("stderr a", "stderr b");
        assertThat(consumer.times).containsOnlyNulls();
    }

    @Test
    void lines_after_a_note_come_after_it_although_they_were_written_before() {
        log.aside(() -> { });
        now += 10;
        log.write(new Event.Log(Event.Stream.STDOUT, List.of("a"), NOW - 500, NOW + 10, 0));
        assertThat(consumer.times).allSatisfy(time -> assertThat(time).isAfter(Instant.ofEpochMilli(NOW)));
    }

    @Test
    void a_flood_has_the_times_of_the_clock() {
        log.aside(() -> { });
        log.write(new Event.Log(Event.Stream.STDOUT, Collections.nCopies(3_000, "a"), NOW - 500, NOW, 0));
        assertThat(consumer.times).hasSize(3_000).containsOnlyNulls();
    }

    @Test
    void an_interrupt_ends_the_wait_for_the_clock_and_is_not_forgotten() {
        log.aside(() -> { });
        log.write(new Event.Log(Event.Stream.STDOUT, Collections.nCopies(2_000, "a"), NOW, NOW, 0));
        List<Boolean> interrupted = new ArrayList<>();
        Thread.currentThread().interrupt();
        log.aside(() -> interrupted.add(Thread.currentThread().isInterrupted()));
        assertThat(interrupted).containsExactly(false);
        assertThat(log.takeInterrupt()).isTrue();
        assertThat(log.takeInterrupt()).isFalse();
    }
}
