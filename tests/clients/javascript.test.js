// A job from creation to deletion with @azure/batch 10.2.0, Microsoft's JavaScript client. NODE_PATH says where it is installed.
// The client returns enumeration values as it gets them; Azure writes some with a capital letter and some without.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { setTimeout: pause } = require("node:timers/promises");
const { BatchServiceClient, BatchSharedKeyCredentials } = require("@azure/batch");

const POOL = "pool1";
// How often and at what interval a condition is checked before a case fails.
const TRIES = 600;
const PAUSE_MILLIS = 100;
// After this a case fails whatever it waits for.
const LIMIT_MILLIS = 120_000;

const { AZURE_BATCH_ACCOUNT, AZURE_BATCH_ACCESS_KEY, AZURE_BATCH_ENDPOINT } = process.env;
// Without retries, so that an answer of 500 fails the case that got it.
const batch = new BatchServiceClient(
  new BatchSharedKeyCredentials(AZURE_BATCH_ACCOUNT, AZURE_BATCH_ACCESS_KEY),
  AZURE_BATCH_ENDPOINT,
  { noRetryPolicy: true },
);

/** A test with a job of its own, which is deleted at the end. */
function withJob(name, body) {
  test(name, { timeout: LIMIT_MILLIS }, async () => {
    const job = "js-" + name.replaceAll(" ", "-").slice(0, 60);
    await batch.job.add({ id: job, poolInfo: { poolId: POOL } });
    try {
      await body(job);
    } finally {
      await remove(job);
    }
  });
}

async function remove(job) {
  try {
    await batch.job.deleteMethod(job);
  } catch (error) {
    if (!["JobNotFound", "JobBeingDeleted"].includes(error.code)) throw error;
  }
}

/** Polls until there is a true value, and returns it. */
async function until(what, ask) {
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = await ask();
    if (answer) return answer;
    await pause(PAUSE_MILLIS);
  }
  throw new Error(`this did not come: ${what}`);
}

const taskThatRuns = (script, id = "task") => ({ id, commandLine: `/bin/sh -c "${script}"` });

const completed = (job, task = "task") =>
  until(`the end of the task ${task}`, async () => {
    const found = await batch.task.get(job, task);
    return found.state === "completed" && found;
  });

/** Returns the content of a task's file as text. */
async function text(job, path, options) {
  const response = await batch.file.getFromTask(job, "task", path, { fileGetFromTaskOptions: options });
  const parts = [];
  for await (const part of response.readableStreamBody) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Returns the items of a list, page by page. */
async function pages(first, next) {
  const found = [[...first]];
  for (let page = first; page.odatanextLink; found.push([...page])) page = await next(page.odatanextLink);
  return found;
}

/** Returns the status and the error code with which a request is refused. */
const refusal = (request) =>
  request.then(
    () => assert.fail("the request was not refused"),
    (error) => [error.statusCode, error.code],
  );

withJob("a job is terminated and deleted", async (job) => {
  assert.equal((await batch.job.get(job)).state, "active");
  await batch.job.terminate(job, { terminateReason: "enough" });
  const ended = await until("the end of the job", async () => {
    const found = await batch.job.get(job);
    return found.state === "completed" && found;
  });
  assert.equal(ended.executionInfo.terminateReason, "enough");
  await batch.job.deleteMethod(job);
  const code = await until("404 for the job", () => batch.job.get(job).then(() => null, (error) => error.code));
  assert.equal(code, "JobNotFound");
});

withJob("a task runs and its output is read", async (job) => {
  await batch.task.add(job, taskThatRuns("echo to stdout; echo to stderr >&2; exit 3"));
  const { executionInfo } = await completed(job);
  assert.deepEqual([executionInfo.exitCode, executionInfo.result.toLowerCase()], [3, "failure"]);
  assert.equal(executionInfo.failureInfo.code, "FailureExitCode");
  assert.equal(await text(job, "stdout.txt"), "to stdout\n");
  assert.equal(await text(job, "stderr.txt"), "to stderr\n");
});

withJob("a part of a file is read", async (job) => {
  await batch.task.add(job, taskThatRuns("printf 0123456789 > digits"));
  await completed(job);
  assert.equal(await text(job, "wd/digits", { ocpRange: "bytes=2-5" }), "2345");
  const properties = await batch.file.getPropertiesFromTask(job, "task", "wd/digits");
  // Azure sends "False", which this client hands on as it is.
  assert.deepEqual([properties.contentLength, properties.ocpBatchFileIsdirectory], [10, "False"]);
});

withJob("the files of a task are listed in pages", async (job) => {
  await batch.task.add(job, taskThatRuns("mkdir d; printf abc > d/f"));
  await completed(job);
  const options = { recursive: true, fileListFromTaskOptions: { maxResults: 2 } };
  const listed = await pages(await batch.file.listFromTask(job, "task", options), (link) => batch.file.listFromTaskNext(link));
  assert.deepEqual(listed.map((page) => page.length), [2, 2, 1]);
  const files = new Map(listed.flat().map((file) => [file.name, file]));
  assert.deepEqual([...files.keys()].sort(), ["stderr.txt", "stdout.txt", "wd", "wd/d", "wd/d/f"]);
  assert.deepEqual([files.get("wd/d").isDirectory, files.get("wd/d/f").isDirectory], [true, false]);
  assert.equal(files.get("wd/d/f").properties.contentLength, 3);
});

withJob("a collection of tasks is added and listed in pages", async (job) => {
  const ids = [...Array(5).keys()].map((n) => `task-${n}`);
  const added = await batch.task.addCollection(job, ids.map((id) => taskThatRuns("true", id)));
  assert.deepEqual(added.value.map((result) => result.status.toLowerCase()), ids.map(() => "success"));
  const first = await batch.task.list(job, { taskListOptions: { maxResults: 2 } });
  const listed = await pages(first, (link) => batch.task.listNext(link));
  assert.deepEqual(listed.map((page) => page.length), [2, 2, 1]);
  assert.deepEqual(listed.flat().map((task) => task.id).sort(), ids);
  await until("five successes", async () => (await batch.job.getTaskCounts(job)).taskCounts.succeeded === 5);
});

withJob("jobs are listed in pages", async (job) => {
  const others = [0, 1].map((n) => `${job}-${n}`);
  for (const id of others) await batch.job.add({ id, poolInfo: { poolId: POOL } });
  const options = { filter: `startswith(id, '${job}')`, select: "id,state", maxResults: 1 };
  const listed = await pages(await batch.job.list({ jobListOptions: options }), (link) => batch.job.listNext(link));
  assert.deepEqual(listed.map((page) => page.length), [1, 1, 1]);
  assert.deepEqual(listed.flat().map((found) => found.id).sort(), [job, ...others]);
  for (const id of others) await remove(id);
});

withJob("a refusal has a status and an error code", async (job) => {
  assert.deepEqual(await refusal(batch.job.add({ id: job, poolInfo: { poolId: POOL } })), [409, "JobExists"]);
  assert.deepEqual(await refusal(batch.job.get("none")), [404, "JobNotFound"]);
  assert.deepEqual(await refusal(batch.task.get(job, "none")), [404, "TaskNotFound"]);
  await batch.task.add(job, taskThatRuns("true"));
  await completed(job);
  assert.deepEqual(await refusal(batch.task.add(job, taskThatRuns("true"))), [409, "TaskExists"]);
  // The client does not read the body of an error of a download.
  assert.deepEqual(await refusal(batch.file.getFromTask(job, "task", "wd/none")), [404, undefined]);
});
