package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Workers with another version of the plugin take over from each other, on the same account and container. The system property {@code previousJar}
 * names the jar of that version: {@code scripts/gradle -PpreviousJar=FILE upgradeTest}, within tests/kit/launch.
 */
class UpgradeTest {
    private static final String WHILE_THE_TASK_RUNS = "GET /jobs/JOB/tasks/JOB/files/stderr.txt";
    private static final Pattern TASK = Pattern.compile("POST /jobs/([^/]+)/tasks\\?.*");
    private static final Pattern BLOB = Pattern.compile("PUT /[^/]+/my-container/([^? ]+)[? ].*");

    @Test
    void neither_version_removes_what_the_other_has_made() throws Exception {
        Iterator<String> versions = Stream.iterate(0, n -> n + 1).map(n -> n % 2 == 0 ? previous() : WorkerProcess.classPath()).iterator();
        var emulator = new Emulator();
        try (var lab = new WorkerLab(versions::next)) {
            for (int n = 0; n < 4; n++) {
                var cell = lab.run(WHILE_THE_TASK_RUNS, WorkerProcess::kill);

                assertThat(cell.ended()).as("the worker was ended").isTrue();
                assertThat(cell.hasRightResult()).as(cell.toString()).isTrue();
                assertThat(cell.lost()).as(cell.toString()).isEmpty();
                var job = only(TASK, lab.requestsBefore());
                assertThat(emulator.jobs()).as("the job of the worker that was ended").containsAll(job);
                assertThat(harmed(job, only(BLOB, lab.requestsBefore()), lab.requestsAfter())).isEmpty();
            }
        }
    }

    /** Returns the requests that end or remove one of these jobs, or remove or replace one of these blobs. */
    private static List<String> harmed(List<String> jobs, List<String> blobs, List<String> requests) {
        assertThat(jobs).as("the worker that was ended had a job").hasSize(1);
        assertThat(blobs).as("and had staged its files").hasSizeGreaterThan(2);
        return requests.stream().filter(request -> !request.startsWith("GET ") && !request.startsWith("HEAD "))
            .filter(request -> Stream.concat(jobs.stream(), blobs.stream()).anyMatch(request::contains))
            .toList();
    }

    private static List<String> only(Pattern pattern, List<String> requests) {
        return requests.stream().map(pattern::matcher).filter(found -> found.matches()).map(found -> found.group(1)).distinct().toList();
    }

    /** Returns the class path with the plugin's classes and library out of the other version's jar. */
    private static String previous() {
        var build = Path.of("build").toAbsolutePath();
        var ours = List.of(build.resolve("classes/java/main"), build.resolve("resources/main"), build.resolve("native"));
        var others = Arrays.stream(WorkerProcess.classPath().split(File.pathSeparator)).filter(entry -> ours.stream().noneMatch(our -> Path.of(entry).startsWith(our)));
        return Stream.concat(Stream.of(System.getProperty("previousJar")), others).collect(Collectors.joining(File.pathSeparator));
    }
}
