package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import org.junit.jupiter.api.Test;

import java.time.Instant;
import java.util.function.BiConsumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TimedAcceptTest {
    /** A log consumer as in Kestra 0.21. */
    private abstract static class WithoutTimes implements BiConsumer<String, Boolean> {
    }

    @Test
    void a_consumer_gets_the_line_and_its_time() {
        var consumer = new CollectingLogConsumer();
        TimedAccept.of(AbstractLogConsumer.class).orElseThrow().accept(consumer, "a", true, Instant.EPOCH);
        assertThat(consumer.lines).containsExactly("stderr a");
        assertThat(consumer.times).containsExactly(Instant.EPOCH);
    }

    @Test
    void what_a_consumer_throws_is_thrown_as_it_is() {
        var failure = new IllegalStateException("full");
        var failing = new AbstractLogConsumer() {
            @Override
            public void accept(String line, Boolean isStdErr) {
            }

            @Override
            public void accept(String line, Boolean isStdErr, Instant time) {
                throw failure;
            }
        };
        assertThatThrownBy(() -> TimedAccept.of(AbstractLogConsumer.class).orElseThrow().accept(failing, "a", false, Instant.EPOCH)).isSameAs(failure);
    }

    @Test
    void there_is_nothing_where_consumers_take_no_times() {
        assertThat(TimedAccept.of(WithoutTimes.class)).isEmpty();
    }
}
