package io.kestra.plugin.azure.runner;

/** The four calls of the Rust library. Tests put something else in its place. */
interface Boundary {
    /**
     * Starts a run and returns at once.
     *
     * @return the id of the run
     * @throws IllegalArgumentException if the request is wrong; the message names the property
     */
    long start(String requestJson);

    /**
     * Waits for the next events, at most {@code timeoutMillis} milliseconds. To ask again after the outcome says that it is in the caller's
     * books: what the run made is removed then.
     *
     * @return a JSON array of events, or null if there is nothing yet
     * @throws IllegalStateException after the end, and after {@link #close}
     */
    String next(long run, long timeoutMillis);

    /** Ends the Batch job. From any thread, any number of times, also after {@link #close}. */
    void kill(long run);

    /** Ends the pulling of events and leaves the Batch job alone. Any number of times. */
    void close(long run);
}
