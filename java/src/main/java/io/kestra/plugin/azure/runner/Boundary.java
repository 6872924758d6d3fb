package io.kestra.plugin.azure.runner;

/** The six calls of the Rust library. Only {@link #next} waits. Tests use another implementation. */
interface Boundary {
    /**
     * Starts a run and returns at once.
     *
     * @return the id of the run
     * @throws IllegalArgumentException if the request is wrong; the message names the property
     */
    long start(String requestJson);

    /**
     * Returns the next events. If there are none yet, it waits for them, at most {@code timeoutMillis} milliseconds; with 0 it returns at once.
     *
     * @return a JSON array of events, or null if there are none
     * @throws IllegalStateException after the event {@code end}, and after {@link #close}
     */
    String next(long run, long timeoutMillis);

    /**
     * Answers an event {@code select}. An unknown id is ignored.
     *
     * @param selectionJson for each of the event's patterns, the positions of the names that it matches
     * @throws IllegalArgumentException if it is something else
     */
    void select(long run, String selectionJson);

    /**
     * Says that the caller has recorded the outcome, so that the clean-up may begin. Its notes follow as events, up to {@code end}.
     * It may be called more than once. An unknown id is ignored.
     */
    void acknowledge(long run);

    /** Ends the Batch job. It may be called from any thread, more than once, and after {@link #close}. */
    void kill(long run);

    /**
     * Ends the reading of events. Without {@link #acknowledge} the job and its files stay for the next worker; a clean-up that has begun goes on.
     * It may be called more than once.
     */
    void close(long run);
}
