// Jobs of a running service whose script counts its steps, and holds at the one that the seed of its file names.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Anima, BadInput, Conflict, NotFound } from "../dist/index.js";

const url = process.env.ANIMA_URL;
const key = process.env.ANIMA_API_KEY;
const skip = url === undefined || key === undefined ? "ANIMA_URL and ANIMA_API_KEY name no service" : false;
const anima = skip ? null : new Anima({ url, key });
const soon = { seconds: 0.05 };

const file = (max_steps, seed = 0) => ({ global_settings: { max_steps, seed }, environment: { id: "CartPole-v1" } });

async function heard(iterable) {
  const all = [];
  for await (const one of iterable) all.push(one);
  return all;
}

test("a job is watched, paused, resumed and ended", { skip }, async () => {
  const held = await anima.startJob({ simulation: file(5, 3), name: "held" });
  assert.deepEqual([held.status, held.label, held.source], ["queued", "standard", "api"]);
  const watched = anima.watchJob(held.job_id);
  for await (const sample of watched) if (sample.step >= 3) break;
  assert.equal(watched.end, null);
  await anima.pauseJob(held.job_id);
  assert.equal((await anima.waitForJob(held.job_id, soon)).status, "paused");
  assert.equal((await anima.resumeJob(held.job_id)).status, "queued");
  await anima.cancelJob(held.job_id);
  assert.equal((await anima.waitForJob(held.job_id, soon)).status, "cancelled");
  await assert.rejects(anima.pauseJob(held.job_id), (error) => error instanceof Conflict);
});

test("a job that has ended is read, compared and forgotten", { skip }, async () => {
  const seen = [];
  const [one, other] = [await anima.startJob({ simulation: file(4) }), await anima.startJob({ simulation: file(5) })];
  const done = await anima.waitForJob(one.job_id, { ...soon, onProgress: (job) => seen.push(job.status) });
  assert.deepEqual([done.status, done.step, seen.at(-1)], ["completed", 4, "completed"]);
  await anima.waitForJob(other.job_id, soon);
  const again = anima.watchJob(one.job_id);
  assert.deepEqual((await heard(again)).map((sample) => sample.step), [1, 2, 3, 4]);
  assert.deepEqual(again.end, { status: "completed" });
  const lines = await heard(anima.listJobLines(one.job_id));
  assert.ok(lines.some(({ line }) => line.includes("begun")));
  assert.deepEqual(await heard(anima.listJobLines(one.job_id, lines.at(-1).seq)), []);
  assert.equal((await anima.getJobMetrics(one.job_id, ["return_mean"], 10)).run_id, done.run_id);
  const steps = { path: "global_settings.max_steps", a: 4, b: 5 };
  assert.deepEqual(await anima.compareJobs(one.job_id, other.job_id), [steps]);
  const ended = await heard(anima.listJobs({ status: "completed", kind: "simulation" }));
  assert.deepEqual(ended.map(({ job_id }) => job_id), [other.job_id, one.job_id]);
  for (const name of ["getJobTrajectory", "getJobAnswers"]) {
    await assert.rejects(anima[name](one.job_id), (error) => error instanceof NotFound && error.slug === "no-file-of-job");
  }
  await anima.deleteJob(other.job_id);
  await assert.rejects(anima.getJob(other.job_id), (error) => error instanceof NotFound);
  await assert.rejects(heard(anima.watchJob(other.job_id)), (error) => error instanceof NotFound);
});

test("what can be begun, and what cannot", { skip }, async () => {
  assert.ok((await anima.listReadySimulations()).some(({ name }) => name === "cartpole"));
  assert.ok((await anima.getSimulationSchema()).properties.environment);
  assert.ok((await anima.getJobCapacity()).processes > 0);
  const wrong = { ...file(5), rl_plugin: { batch_size: -1 } };
  const told = (error) => error instanceof BadInput && error.problem.errors[0].path === "rl_plugin.batch_size";
  await assert.rejects(anima.startJob({ simulation: wrong }), told);
});
