package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ProgressTest {
    /** Has what the RunContext of a current Kestra has. */
    public static final class Current {
        final List<String> emitted = new ArrayList<>();

        public void emitProgress(String step, String message) {
            if (message == null) {
                throw new IllegalArgumentException("no message");
            }
            emitted.add(step + ": " + message);
        }
    }

    /** Has what it has not. */
    public static final class Old {
    }

    @Test
    void a_step_is_emitted_where_kestra_has_a_method_for_it() {
        var context = new Current();
        Progress.emit(Progress.emitProgress(Current.class), context, "files.staged", "Staged 3 files");
        assertThat(context.emitted).containsExactly("files.staged: Staged 3 files");
    }

    @Test
    void an_exception_of_kestra_is_thrown_as_it_is() {
        var emitProgress = Progress.emitProgress(Current.class);
        assertThatThrownBy(() -> Progress.emit(emitProgress, new Current(), "files.staged", null))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("no message");
    }

    @Test
    void an_older_kestra_has_no_such_method() {
        assertThat(Progress.emitProgress(Old.class)).isNull();
    }
}
