package io.kestra.plugin.azure.runner;

/** The flows that Kestra's documentation of the task runner shows. Each is also a file of tests/flows/examples, which a test runs. */
final class Examples {
    static final String SHELL = """
        id: azure_batch_shell
        namespace: company.team

        variables:
          poolId: my-pool

        tasks:
          - id: hello
            type: io.kestra.plugin.scripts.shell.Commands
            containerImage: ubuntu:latest
            taskRunner:
              type: io.kestra.plugin.azure.runner.Batch
              account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
              accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
              endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
              poolId: "{{ vars.poolId }}"
            commands:
              - echo "Hello from $(hostname)"
        """;

    static final String GPU = """
        id: azure_batch_gpu
        namespace: company.team

        variables:
          poolId: my-pool

        tasks:
          - id: gpus
            type: io.kestra.plugin.scripts.shell.Commands
            containerImage: nvidia/cuda:12.6.3-base-ubuntu24.04
            taskRunner:
              type: io.kestra.plugin.azure.runner.Batch
              account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
              accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
              endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
              poolId: "{{ vars.poolId }}"
              requiredSlots: 2
              containerRunOptions: --shm-size=1g
            commands:
              - nvidia-smi --list-gpus || echo "This node has no GPU"
        """;

    static final String FILES = """
        id: azure_batch_files
        namespace: company.team

        variables:
          poolId: my-pool
          containerName: my-container

        inputs:
          - id: file
            type: FILE

        tasks:
          - id: count_lines
            type: io.kestra.plugin.scripts.shell.Commands
            containerImage: ubuntu:latest
            inputFiles:
              data.txt: "{{ inputs.file }}"
            outputFiles:
              - count.txt
            taskRunner:
              type: io.kestra.plugin.azure.runner.Batch
              account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
              accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
              endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
              poolId: "{{ vars.poolId }}"
              blobStorage:
                containerName: "{{ vars.containerName }}"
                connectionString: "{{ secret('AZURE_STORAGE_CONNECTION_STRING') }}"
            commands:
              - wc -l < data.txt > count.txt
        """;

    static final String PYTHON = """
        id: azure_batch_python
        namespace: company.team

        variables:
          poolId: my-pool
          containerName: my-container

        tasks:
          - id: square
            type: io.kestra.plugin.scripts.python.Commands
            containerImage: ghcr.io/kestra-io/pydata:latest
            inputFiles:
              main.py: |
                from kestra import Kestra
                Kestra.outputs({"square": 12 * 12})
            taskRunner:
              type: io.kestra.plugin.azure.runner.Batch
              account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
              accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
              endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
              poolId: "{{ vars.poolId }}"
              blobStorage:
                containerName: "{{ vars.containerName }}"
                endpoint: "{{ secret('AZURE_STORAGE_ENDPOINT') }}"
                sharedKeyAccountName: "{{ secret('AZURE_STORAGE_ACCOUNT') }}"
                sharedKeyAccountAccessKey: "{{ secret('AZURE_STORAGE_ACCESS_KEY') }}"
            commands:
              - python main.py
        """;

    static final String DEPENDENCIES = """
        id: azure_batch_dependencies
        namespace: company.team

        variables:
          poolId: my-pool
          containerName: my-container

        tasks:
          - id: version
            type: io.kestra.plugin.scripts.python.Commands
            containerImage: python:3.13-slim
            dependencies:
              - polars
            inputFiles:
              main.py: |
                import polars
                print("The version of polars is", polars.__version__)
            taskRunner:
              type: io.kestra.plugin.azure.runner.Batch
              account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
              accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
              endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
              poolId: "{{ vars.poolId }}"
              blobStorage:
                containerName: "{{ vars.containerName }}"
                connectionString: "{{ secret('AZURE_STORAGE_CONNECTION_STRING') }}"
            commands:
              - python main.py
        """;

    static final String REGISTRY = """
        id: azure_batch_registry
        namespace: company.team

        variables:
          poolId: my-pool

        tasks:
          - id: greet
            type: io.kestra.plugin.scripts.shell.Commands
            containerImage: myregistry.azurecr.io/tools/greet:1.0
            taskRunner:
              type: io.kestra.plugin.azure.runner.Batch
              account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
              accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
              endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
              poolId: "{{ vars.poolId }}"
              registry:
                registryServer: myregistry.azurecr.io
                userName: "{{ secret('REGISTRY_USER') }}"
                password: "{{ secret('REGISTRY_PASSWORD') }}"
            commands:
              - echo "Hello from a private image"
        """;

    static final String WORKING_DIRECTORY = """
        id: azure_batch_working_directory
        namespace: company.team

        variables:
          poolId: my-pool
          containerName: my-container

        tasks:
          - id: report
            type: io.kestra.plugin.core.flow.WorkingDirectory
            tasks:
              - id: collect
                type: io.kestra.plugin.scripts.shell.Commands
                containerImage: ubuntu:latest
                taskRunner:
                  type: io.kestra.plugin.azure.runner.Batch
                  account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
                  accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
                  endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
                  poolId: "{{ vars.poolId }}"
                  blobStorage:
                    containerName: "{{ vars.containerName }}"
                    connectionString: "{{ secret('AZURE_STORAGE_CONNECTION_STRING') }}"
                  syncWorkingDirectory: true
                commands:
                  - seq 1 100 > numbers.txt

              - id: add
                type: io.kestra.plugin.scripts.python.Commands
                containerImage: ghcr.io/kestra-io/pydata:latest
                taskRunner:
                  type: io.kestra.plugin.azure.runner.Batch
                  account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
                  accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
                  endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
                  poolId: "{{ vars.poolId }}"
                  blobStorage:
                    containerName: "{{ vars.containerName }}"
                    connectionString: "{{ secret('AZURE_STORAGE_CONNECTION_STRING') }}"
                  syncWorkingDirectory: true
                inputFiles:
                  add.py: |
                    with open("numbers.txt") as numbers, open("sum.txt", "w") as result:
                        result.write(str(sum(int(number) for number in numbers)))
                commands:
                  - python add.py

              - id: show
                type: io.kestra.plugin.scripts.shell.Commands
                containerImage: ubuntu:latest
                taskRunner:
                  type: io.kestra.plugin.azure.runner.Batch
                  account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
                  accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
                  endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
                  poolId: "{{ vars.poolId }}"
                  blobStorage:
                    containerName: "{{ vars.containerName }}"
                    connectionString: "{{ secret('AZURE_STORAGE_CONNECTION_STRING') }}"
                commands:
                  - echo "The sum of $(wc -l < numbers.txt) numbers is $(cat sum.txt)"
        """;

    static final String FOR_EACH = """
        id: azure_batch_for_each
        namespace: company.team

        variables:
          poolId: my-pool

        tasks:
          - id: parts
            type: io.kestra.plugin.core.flow.ForEach
            values: "{{ range(1, 50) }}"
            concurrencyLimit: 10
            tasks:
              - id: part
                type: io.kestra.plugin.scripts.shell.Commands
                containerImage: ubuntu:latest
                taskRunner:
                  type: io.kestra.plugin.azure.runner.Batch
                  account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
                  accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
                  endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
                  poolId: "{{ vars.poolId }}"
                commands:
                  - echo "Part {{ taskrun.value }} of 50"
        """;

    static final String LOOP = """
        id: azure_batch_loop
        namespace: company.team

        variables:
          poolId: my-pool

        tasks:
          - id: parts
            type: io.kestra.plugin.core.flow.Loop
            values: "{{ range(1, 50) }}"
            concurrencyLimit: 10
            tasks:
              - id: part
                type: io.kestra.plugin.scripts.shell.Commands
                containerImage: ubuntu:latest
                taskRunner:
                  type: io.kestra.plugin.azure.runner.Batch
                  account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
                  accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
                  endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
                  poolId: "{{ vars.poolId }}"
                commands:
                  - echo "Part {{ item.value }} of 50"
        """;

    static final String REPORT = """
        id: azure_batch_report
        namespace: company.team

        variables:
          poolId: my-pool

        inputs:
          - id: country
            type: STRING
            defaults: France

        tasks:
          - id: write
            type: io.kestra.plugin.scripts.shell.Commands
            containerImage: ubuntu:latest
            taskRunner:
              type: io.kestra.plugin.azure.runner.Batch
              account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
              accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
              endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
              poolId: "{{ vars.poolId }}"
            commands:
              - 'echo ''::{"outputs": {"title": "Report on {{ inputs.country }}"}}::'''

        outputs:
          - id: title
            type: STRING
            value: "{{ outputs.write.vars.title }}"
        """;

    static final String SUBFLOW = """
        id: azure_batch_subflow
        namespace: company.team

        tasks:
          - id: report
            type: io.kestra.plugin.core.flow.Subflow
            namespace: company.team
            flowId: azure_batch_report
            inputs:
              country: Italy
            wait: true
            transmitFailed: true

          - id: show
            type: io.kestra.plugin.core.log.Log
            message: "{{ outputs.report.outputs.title }}"
        """;

    private Examples() {
    }
}
