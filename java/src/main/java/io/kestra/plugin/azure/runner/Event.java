package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.utils.PathMatcherPredicate;
import org.slf4j.Logger;
import org.slf4j.event.Level;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;

/** What a run reports, in this order: notes, steps, log lines and questions, one outcome, further notes, and the end. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Event.Note.class, name = "note"),
    @JsonSubTypes.Type(value = Event.Progress.class, name = "progress"),
    @JsonSubTypes.Type(value = Event.Log.class, name = "log"),
    @JsonSubTypes.Type(value = Event.Select.class, name = "select"),
    @JsonSubTypes.Type(value = Event.Outcome.class, name = "outcome"),
    @JsonSubTypes.Type(value = Event.End.class, name = "end")
})
sealed interface Event {
    /** Exit code of the Kestra task if the command did not run to its end. No process exits with it. */
    int NO_EXIT_CODE = -1;

    /** @throws IllegalStateException if the JSON is not a list of events that are known here */
    static List<Event> parse(String json) {
        try {
            return Json.MAPPER.readValue(json, new TypeReference<>() {});
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("The plugin could not read the events of its native library: " + e.getOriginalMessage(), e);
        }
    }

    /** A message about the run itself. */
    record Note(Level level, String message) implements Event {
        void writeTo(Logger logger) {
            logger.atLevel(level).log(message);
        }
    }

    /** A step of the run, such as {@code files.staging}. The same one may come again. */
    record Progress(String step, String message) implements Event {
    }

    /**
     * Whole lines that the task wrote, without their line ends.
     *
     * @param since when their stream was read before, in milliseconds since 1970; they were written after that
     * @param until when it was read for these lines
     * @param more how many lines of the same read later events bring
     */
    record Log(Stream stream, List<String> lines, long since, long until, long more) implements Event {
    }

    /**
     * Asks which names the patterns match, because only Java understands them.
     *
     * @param directory the Kestra task's working directory, to which the names are relative
     */
    record Select(Path directory, List<String> patterns, List<String> names) implements Event {
        /** Returns the answer as JSON: for each pattern, the positions of the names that it matches. */
        String answer() {
            try {
                return Json.MAPPER.writeValueAsString(patterns.stream().map(this::matching).toList());
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("The names of output files could not be written as JSON: " + e.getOriginalMessage(), e);
            }
        }

        /** Kestra's own matcher, as it is used when the task has ended. */
        private List<Integer> matching(String pattern) {
            PathMatcherPredicate matcher = PathMatcherPredicate.matches(directory, List.of(pattern));
            return IntStream.range(0, names.size()).filter(position -> matcher.test(directory.resolve(names.get(position)))).boxed().toList();
        }
    }

    /** How the run ended. A success has everything but a message; otherwise any component but the status may be null. */
    record Outcome(Status status, Integer exitCode, String message, Details details) implements Event {
        /** Reports what the run took, also that of a failed task. */
        void sendMetricsTo(AbstractLogConsumer logConsumer) {
            if (details != null) {
                details.sendMetricsTo(logConsumer);
            }
        }

        /** Returns the exit code of the Kestra task. */
        int taskExitCode() {
            return exitCode == null ? NO_EXIT_CODE : exitCode;
        }

        void throwUnlessSuccess(AbstractLogConsumer logConsumer) throws TaskException {
            switch (status) {
                case SUCCEEDED -> { }
                case FAILED -> throw Failure.of(this, logConsumer);
                case INVALID -> throw new IllegalArgumentException(message);
                case KILLED -> throw new CancellationException(message);
            }
        }
    }

    /** The last event: the clean-up has ended. */
    record End() implements Event {
    }

    enum Stream {
        @JsonProperty("stdout") STDOUT,
        @JsonProperty("stderr") STDERR
    }

    enum Status {
        @JsonProperty("succeeded") SUCCEEDED,
        @JsonProperty("failed") FAILED,
        @JsonProperty("invalid") INVALID,
        @JsonProperty("killed") KILLED
    }
}
