package io.kestra.plugin.azure.runner;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Runs the request of its standard input through the plugin's library, and prints the events: an array on each line. */
public final class RunOnce {
    private static final long WAIT_MILLIS = 1_000;

    private RunOnce() {
    }

    /** Ends when the run has: that it does in time is for the caller to watch. */
    public static void main(String[] arguments) throws IOException {
        Boundary library = Native.boundary();
        long run = library.start(new String(System.in.readAllBytes(), StandardCharsets.UTF_8));
        String events = "";
        while (!events.contains("{\"type\":\"end\"}")) {
            events = String.valueOf(library.next(run, WAIT_MILLIS));
            System.out.println(events);
            if (events.contains("{\"type\":\"outcome\",")) {
                library.acknowledge(run);
            }
        }
        library.close(run);
    }
}
