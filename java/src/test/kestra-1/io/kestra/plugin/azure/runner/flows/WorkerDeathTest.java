package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.flows.State;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** A worker process that is killed during a run. scripts/sweep-worker does the same after each request. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WorkerDeathTest {
    private WorkerLab lab;

    @BeforeAll
    void start() throws Exception {
        lab = new WorkerLab();
    }

    @AfterAll
    void end() throws Exception {
        lab.close();
    }

    @Test
    void a_worker_that_dies_before_it_submits_is_replaced_by_one_that_submits() throws Exception {
        var cell = lab.run("PUT container/PREFIX/run.sh", WorkerProcess::kill);

        assertThat(cell.ended()).as("the worker was ended").isTrue();
        assertThat(cell.isRight()).as(cell.toString()).isTrue();
        assertThat(cell.resumed()).as(cell.toString()).isFalse();
    }

    @Test
    void a_worker_that_dies_with_the_task_submitted_is_replaced_by_one_that_goes_on() throws Exception {
        var cell = lab.run("POST /jobs/JOB/tasks", WorkerProcess::kill);

        assertThat(cell.ended()).as("the worker was ended").isTrue();
        assertThat(cell.isRight()).as(cell.toString()).isTrue();
        assertThat(cell.resumed()).as(cell.toString()).isTrue();
    }

    @Test
    void a_worker_that_dies_while_it_reads_the_log_is_replaced_by_one_that_goes_on() throws Exception {
        var cell = lab.run("GET /jobs/JOB/tasks/JOB/files/stderr.txt", WorkerProcess::kill);

        assertThat(cell.ended()).as("the worker was ended").isTrue();
        assertThat(cell.isRight()).as(cell.toString()).isTrue();
        assertThat(cell.resumed()).as(cell.toString()).isTrue();
    }

    @Test
    void a_worker_that_is_told_to_end_is_replaced_by_one_that_goes_on() throws Exception {
        var cell = lab.run("GET /jobs/JOB/tasks/JOB/files/stderr.txt", WorkerProcess::terminate);

        assertThat(cell.ended()).as("the worker was ended").isTrue();
        assertThat(cell.isRight()).as(cell.toString()).isTrue();
        assertThat(cell.resumed()).as(cell.toString()).isTrue();
    }

    @Test
    void a_worker_that_hangs_and_wakes_up_does_no_harm() throws Exception {
        var cell = lab.run("GET /jobs/JOB/tasks/JOB/files/stderr.txt", WorkerProcess::pause);

        assertThat(cell.ended()).as("the worker was ended").isTrue();
        assertThat(cell.isRight()).as(cell.toString()).isTrue();
        assertThat(lab.stateAfterWakingUp()).as("the outcome stays").isEqualTo(State.Type.SUCCESS);
    }
}
