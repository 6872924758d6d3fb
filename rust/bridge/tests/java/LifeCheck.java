package io.kestra.plugin.azure.runner;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import javax.management.ObjectName;

/** What stays in a JVM after many runs, and after many class loaders: measured before, and after. */
public final class LifeCheck {
    private static final int AT_ONCE = 16;
    /** In milliseconds. */
    private static final long PAUSE = 20;
    private static final int TRIES = 3_000;
    /** Linux keeps 15 letters of a thread's name. */
    private static final String OUR_THREADS = "kestra-azure-ba";
    private static final AtomicInteger AS_MEANT = new AtomicInteger();
    private static final String OUR_LIBRARY = "/kestra-azure-batch-";

    public static void main(String[] args) throws Exception {
        String request = Files.readString(Path.of(args[2]));
        switch (args[0]) {
            case "runs" -> measured(Integer.parseInt(args[1]), count -> runs(request, count));
            case "loaders" -> measured(Integer.parseInt(args[1]), count -> loaders(request, count));
            default -> throw new IllegalArgumentException(args[0]);
        }
        System.out.println("as meant: " + AS_MEANT);
        System.out.println("done");
    }

    private interface Work {
        void times(int count) throws Exception;
    }

    /** A third of the work comes first: what is made once and kept is no leak. */
    private static void measured(int count, Work work) throws Exception {
        work.times(count / 3);
        System.out.println("before: " + state());
        AS_MEANT.set(0);
        work.times(count);
        System.out.println("after: " + state());
    }

    /** Runs of every kind, side by side. */
    private static void runs(String request, int count) throws Exception {
        Boundary boundary = Native.boundary();
        try (ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE)) {
            List<Future<?>> runs = new ArrayList<>();
            for (int n = 0; n < count; n++) {
                Kind kind = Kind.values()[n % Kind.values().length];
                runs.add(threads.submit(() -> kind.run(boundary, named(request))));
            }
            for (Future<?> run : runs) {
                run.get();
            }
        }
        until("no thread of ours", () -> ourThreads() == 0);
    }

    private enum Kind {
        FINISHED {
            @Override
            void run(Boundary boundary, String request) {
                long run = boundary.start(request.replace("$script", "echo hello"));
                count(pullUntil(boundary, run, "\"end\""), "\"succeeded\"");
                boundary.close(run);
            }
        },
        KILLED {
            @Override
            void run(Boundary boundary, String request) {
                long run = boundary.start(request.replace("$script", "sleep 600"));
                pullUntil(boundary, run, "submitted to pool");
                boundary.kill(run);
                count(pullUntil(boundary, run, "\"end\""), "\"killed\"");
                boundary.close(run);
            }
        },
        /** As at a task's timeout: Kestra lets go of the run, and kills it after that. */
        DETACHED {
            @Override
            void run(Boundary boundary, String request) {
                long run = boundary.start(request.replace("$script", "yes | head -n 100000; sleep 600"));
                pullUntil(boundary, run, "\"y\"");
                boundary.close(run);
                boundary.kill(run);
            }
        },
        DROPPED {
            @Override
            void run(Boundary boundary, String request) {
                long run = boundary.start(request.replace("$script", "sleep 600"));
                boundary.close(run);
                boundary.kill(run);
            }
        },
        REFUSED {
            @Override
            void run(Boundary boundary, String request) {
                long run = boundary.start(request.replace("\"pool\"", "\"nowhere\""));
                count(pullUntil(boundary, run, "\"end\""), "\"invalid\"");
                boundary.close(run);
            }
        };

        abstract void run(Boundary boundary, String request);
    }

    /** Loads the library in a class loader of its own, runs something with it and drops the loader, again and again. */
    private static void loaders(String request, int count) throws Exception {
        for (int n = 0; n < count; n++) {
            WeakReference<ClassLoader> loader = runInLoader(named(request));
            until("the class loader is gone", () -> {
                System.gc();
                return loader.refersTo(null);
            });
            until("no thread of ours", () -> ourThreads() == 0);
        }
        until("the library is gone", () -> {
            System.gc();
            return mappedLibraries() <= 1;
        });
    }

    private static WeakReference<ClassLoader> runInLoader(String request) throws Exception {
        URL[] here = {LifeCheck.class.getProtectionDomain().getCodeSource().getLocation()};
        try (URLClassLoader loader = new URLClassLoader(here, ClassLoader.getPlatformClassLoader())) {
            var finish = loader.loadClass(LifeCheck.class.getName()).getMethod("finish", String.class);
            // In a thread that ends: one that goes on keeps the library mapped, for what the library keeps in it.
            inThread(() -> AS_MEANT.addAndGet((int) finish.invoke(null, request)));
            return new WeakReference<>(loader);
        }
    }

    private interface Call {
        void call() throws Exception;
    }

    private static void inThread(Call call) throws Exception {
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            thread.submit(() -> {
                call.call();
                return null;
            }).get();
        }
    }

    /** Called in a class loader of its own. */
    public static int finish(String request) {
        Kind.FINISHED.run(Native.boundary(), request);
        return AS_MEANT.get();
    }

    /** The events up to the one that holds a text, that one included. An outcome is acknowledged. */
    private static String pullUntil(Boundary boundary, long run, String text) {
        StringBuilder events = new StringBuilder();
        while (events.indexOf(text) < 0) {
            String next = boundary.next(run, 200);
            events.append(next == null ? "" : next);
            if (events.indexOf("\"outcome\"") >= 0) {
                boundary.acknowledge(run);
            }
        }
        return events.toString();
    }

    /** Counts what ended as it should: a busy machine may fail a run, and the rest still tells. */
    private static void count(String events, String outcome) {
        if (events.contains(outcome)) {
            AS_MEANT.incrementAndGet();
        }
    }

    /** A Kestra task run of its own. */
    private static String named(String request) {
        String random = UUID.randomUUID().toString().replace("-", "");
        return request.replace("3f9a0c5e7b1d2468ace0", random.substring(0, 20)).replace("5c0ffee5c0ff", random.substring(20));
    }

    private static void until(String what, BooleanSupplier happened) throws Exception {
        for (int n = 0; !happened.getAsBoolean(); n++) {
            if (n == TRIES) {
                throw new IllegalStateException("never: " + what + "; " + state());
            }
            Thread.sleep(PAUSE);
        }
    }

    /** What the allocators only keep for later does not count. */
    private static String state() throws Exception {
        System.gc();
        ManagementFactory.getPlatformMBeanServer().invoke(
            new ObjectName("com.sun.management:type=DiagnosticCommand"), "systemTrimNativeHeap", new Object[0], new String[0]);
        return "threads=" + count("/proc/self/task") + " ours=" + ourThreads() + " files=" + count("/proc/self/fd")
            + " sockets=" + sockets() + " libraries=" + mappedLibraries() + " rss=" + rss();
    }

    private static long ourThreads() {
        try (var threads = Files.list(Path.of("/proc/self/task"))) {
            return threads.filter(thread -> read(thread.resolve("comm")).startsWith(OUR_THREADS)).count();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long sockets() {
        try (var files = Files.list(Path.of("/proc/self/fd"))) {
            return files.filter(file -> target(file).startsWith("socket:")).count();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Empty for a file that has just been closed. */
    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    private static long mappedLibraries() {
        return read(Path.of("/proc/self/maps")).lines()
            .filter(line -> line.contains(OUR_LIBRARY) && line.contains(" r-xp "))
            .count();
    }

    /** In KiB. */
    private static String rss() {
        return read(Path.of("/proc/self/status")).lines()
            .filter(line -> line.startsWith("VmRSS:"))
            .map(line -> line.replaceAll("\\D", ""))
            .findFirst().orElseThrow();
    }

    private static long count(String folder) {
        try (var files = Files.list(Path.of(folder))) {
            return files.count();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Empty for a thread that has just ended. */
    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }
}
