package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class RunNameTest {
    private static final Map<String, String> TASK_RUN = Map.of("kestra-flow-id", "a", "kestra-taskrun-id", "bc", "kestra-taskrun-attempt", "0");

    @Test
    void all_attempts_of_a_task_run_share_their_digest() {
        assertThat(RunName.of(with("kestra-taskrun-attempt", "1")).digest()).isEqualTo(RunName.of(TASK_RUN).digest());
    }

    @Test
    void another_task_run_has_another_digest() {
        assertThat(RunName.of(with("kestra-taskrun-id", "b")).digest()).isNotEqualTo(RunName.of(TASK_RUN).digest());
    }

    @Test
    void the_same_text_divided_in_another_way_has_another_digest() {
        assertThat(RunName.of(Map.of("a", "bc")).digest()).isNotEqualTo(RunName.of(Map.of("ab", "c")).digest());
    }

    @Test
    void no_two_runs_of_a_task_run_share_their_token() {
        assertThat(RunName.of(TASK_RUN).token()).isNotEqualTo(RunName.of(TASK_RUN).token());
    }

    @Test
    void without_labels_of_a_task_run_no_two_runs_share_their_digest() {
        Map<String, String> labels = Map.of("kestra-taskrun-attempt", "0");
        assertThat(RunName.of(labels).digest()).matches("[0-9a-f]{20}").isNotEqualTo(RunName.of(labels).digest());
    }

    @Test
    void the_name_holds_digest_and_token_in_hexadecimal() {
        RunName name = RunName.of(TASK_RUN);
        assertThat(name).hasToString("kestra-" + name.digest() + "-" + name.token());
        assertThat(name.toString()).matches("kestra-[0-9a-f]{20}-[0-9a-f]{12}");
    }

    /** A worker with the next version of the plugin finds the jobs of this one by it. */
    @Test
    void the_digest_of_known_labels_stays_what_it_is() throws IOException {
        Map<String, String> labels = new ObjectMapper().convertValue(Fixtures.read("request.json").get("labels"), new TypeReference<>() {});
        assertThat(RunName.of(labels).digest()).isEqualTo("6d1e37ae251ce095a3bb");
    }

    private static Map<String, String> with(String name, String value) {
        Map<String, String> labels = new HashMap<>(TASK_RUN);
        labels.put(name, value);
        return labels;
    }
}
