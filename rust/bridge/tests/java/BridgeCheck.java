package io.kestra.plugin.azure.runner;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** What the bridge's tests do in a JVM: one scenario a process, its findings on standard output. */
public final class BridgeCheck {
    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "refusals" -> refusals();
            case "run" -> run(Files.readString(Path.of(args[1])));
            case "silence" -> silence(Files.readString(Path.of(args[1])));
            case "loaders" -> loaders();
            case "panic" -> panic(args[1]);
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.out.println("done");
    }

    private static void refusals() {
        Boundary boundary = Native.boundary();
        say("unknown field", () -> boundary.start("{\"poolId🚀\\u0000\": 1}"));
        say("null request", () -> boundary.start(null));
        say("unknown run", () -> boundary.next(4711, 10));
        say("kill of an unknown run", () -> {
            boundary.kill(4711);
            return "nothing";
        });
        say("acknowledgement of an unknown run", () -> {
            boundary.acknowledge(4711);
            return "nothing";
        });
        say("selection for an unknown run", () -> {
            boundary.select(4711, "[[0, 1], []]");
            return "nothing";
        });
        say("no selection", () -> {
            boundary.select(4711, "{}");
            return "nothing";
        });
        say("close of an unknown run", () -> {
            boundary.close(4711);
            boundary.close(4711);
            return "nothing";
        });
    }

    private static void run(String request) {
        Boundary boundary = Native.boundary();
        long run = boundary.start(request);
        System.out.println("outcome: " + pullUntil(boundary, run, "\"outcome\""));
        say("next before the outcome is acknowledged", () -> boundary.next(run, 100));
        boundary.acknowledge(run);
        boundary.acknowledge(run);
        System.out.println("end: " + pullUntil(boundary, run, "\"end\""));
        say("next after the end", () -> boundary.next(run, 10));
        boundary.close(run);
        boundary.close(run);
        boundary.kill(run);
        boundary.acknowledge(run);
        say("next after close", () -> boundary.next(run, 10));
    }

    private static void silence(String request) {
        Boundary boundary = Native.boundary();
        long run = boundary.start(request);
        say("nothing yet", () -> boundary.next(run, 50));
        boundary.kill(run);
        System.out.println("outcome: " + pullUntil(boundary, run, "\"outcome\""));
    }

    private static String pullUntil(Boundary boundary, long run, String type) {
        String events = "";
        while (!events.contains(type)) {
            String next = boundary.next(run, 200);
            events = next == null ? events : next;
        }
        return events;
    }

    private static void loaders() throws Exception {
        URL[] here = {BridgeCheck.class.getProtectionDomain().getCodeSource().getLocation()};
        for (int i = 0; i < 2; i++) {
            try (URLClassLoader loader = new URLClassLoader(here, ClassLoader.getPlatformClassLoader())) {
                Class<?> check = loader.loadClass(BridgeCheck.class.getName());
                check.getMethod("main", String[].class).invoke(null, (Object) new String[] {"refusals"});
            }
        }
    }

    private static void panic(String library) {
        System.load(library);
        say("panic", () -> {
            Panicking.call();
            return "nothing";
        });
    }

    private static void say(String what, Callable<Object> call) {
        String result;
        try {
            result = String.valueOf(call.call());
        } catch (Exception e) {
            result = e.getClass().getSimpleName() + ": " + e.getMessage();
        }
        System.out.println(what + " -> " + result);
    }
}
