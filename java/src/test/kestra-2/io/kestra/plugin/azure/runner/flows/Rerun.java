package io.kestra.plugin.azure.runner.flows;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.services.ExecutionService;
import io.kestra.plugin.azure.demo.Engine;
import java.util.Optional;

/** Runs an execution that has ended again, with the API of Kestra 2. */
final class Rerun {
    private Rerun() {
    }

    /** Restarts the same execution, from its failed tasks on. */
    static Execution restarted(Engine engine, Execution execution) throws Exception {
        return service(engine).restart(execution, flow(engine, execution), null);
    }

    /** Starts a new execution with the inputs of the old one. */
    static Execution replayed(Engine engine, Execution execution) throws Exception {
        return service(engine).replay(execution, flow(engine, execution), null, null, Optional.empty());
    }

    private static ExecutionService service(Engine engine) {
        return engine.context().getBean(ExecutionService.class);
    }

    private static Flow flow(Engine engine, Execution execution) {
        return engine.context().getBean(FlowRepositoryInterface.class)
            .findById(Engine.TENANT, execution.getNamespace(), execution.getFlowId()).orElseThrow();
    }
}
