"""A helper for a job and its tasks."""

import os
import time

from azure.batch import BatchClient, models
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResourceNotFoundError

POOL = "my-pool"
# It has one node; a case that changes it restores it.
SPARE = "spare"
IMAGE = models.BatchTaskContainerSettings(image_name="ubuntu:latest")
# How often and at what interval a condition is checked before a case fails.
TRIES = 600
PAUSE_SECONDS = 0.1
POLLING_SECONDS = 0.1


def client_of(account, key):
    """Returns a client for the endpoint in the environment, with this account and key.

    Without retries, so that an answer of 500 fails the case that got it, and without proxies.
    """
    endpoint, credential = os.environ["AZURE_BATCH_ENDPOINT"], AzureNamedKeyCredential(account, key)
    return BatchClient(endpoint, credential, retry_total=0, use_env_settings=False)


def until(what, ask):
    """Polls until there is a true value, and returns it."""
    for _ in range(TRIES):
        answer = ask()
        if answer:
            return answer
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"this did not come: {what}")


class Work:
    """A job and its tasks. Nothing is created until a case asks for it."""

    def __init__(self, batch, job, pool=POOL):
        self.batch, self.job, self.pool = batch, job, pool

    def create(self, **options):
        """Creates the job."""
        pool = models.BatchPoolInfo(pool_id=self.pool)
        self.batch.create_job(models.BatchJobCreateOptions(id=self.job, pool_info=pool, **options))

    def add(self, script, task="task", **options):
        """Creates a task that runs a script in a container."""
        options = {"container_settings": IMAGE} | options
        command = "/bin/sh -c '" + script.replace("'", "'\\''") + "'"
        self.batch.create_task(self.job, models.BatchTaskCreateOptions(id=task, command_line=command, **options))

    def run(self, script, task="task", **options):
        """Runs a script to its end and returns the task."""
        self.add(script, task, **options)
        return self.completed(task)

    def completed(self, task="task"):
        return self.task_in(models.BatchTaskState.COMPLETED, task)

    def task_in(self, state, task="task"):
        def ask():
            found = self.batch.get_task(self.job, task)
            return found if found.state == state else None

        return until(f"the task {task} is {state}", ask)

    def running(self, script="sleep 600", task="task", **options):
        """Starts a task and waits until its script runs."""
        self.add(f"echo up; {script}", task, **options)
        until(f"output of the task {task}", lambda: self.text("stdout.txt", task) == "up\n")

    def text(self, path, task="task"):
        """Returns the text of a task's file, or None if it does not exist."""
        try:
            return b"".join(self.batch.download_task_file(self.job, task, path)).decode()
        except Exception as error:
            if getattr(error, "status_code", None) in (404, 409):
                return None
            raise

    def get(self):
        return self.batch.get_job(self.job)

    def ended(self):
        """Returns the job once it is completed."""

        def ask():
            job = self.get()
            return job if job.state == models.BatchJobState.COMPLETED else None

        return until(f"the end of the job {self.job}", ask)

    def terminate(self):
        # The client has no model for this, and fails if there is nothing to send.
        options = {"terminateReason": "UserTerminate"}
        self.batch.begin_terminate_job(self.job, options, polling_interval=POLLING_SECONDS).result()

    def delete(self):
        """Deletes the job if it still exists."""
        try:
            self.batch.begin_delete_job(self.job, polling_interval=POLLING_SECONDS).result()
        except ResourceNotFoundError:
            pass
