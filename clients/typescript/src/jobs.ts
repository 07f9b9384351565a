/** Jobs: simulations that train and batches of questions, begun, watched, stopped, taken up again. */

import type { Client } from "openapi-fetch";

import { AnimaError, ConnectionFailed, UnexpectedAnswer } from "./errors.js";
import { all, every, good } from "./pages.js";
import { sleep } from "./retries.js";
import type { components, paths } from "./schema.js";
import { events } from "./sse.js";

type Schemas = components["schemas"];
export type Job = Schemas["JobAnswer"];
export type JobMetrics = Schemas["JobMetrics"];
export type JobLine = Schemas["LogLine"];
export type JobDifference = Schemas["Different"];
export type JobCapacity = Schemas["Capacity"];
export type ReadySimulation = Schemas["ReadySimulation"];
/** What is asked for: `simulation`, a file or the name of a ready one, or `batch`. */
export type JobBody = Partial<Schemas["NewJob"]>;
export type JobSample = Record<string, unknown>;

const STAYS = new Set(["completed", "failed", "cancelled", "paused"]);
const SECONDS_BETWEEN_LOOKS = 1;

/** What a client can do with jobs. */
export abstract class Jobs {
  abstract readonly api: Client<paths>;
  protected abstract sent(path: string, init?: RequestInit): Promise<Response>;

  /** Your jobs, newest first, page after page; those in a state, or of a kind. */
  listJobs(only: { status?: Job["status"]; kind?: Job["kind"] } = {}): AsyncGenerator<Job> {
    return every((cursor) => this.api.GET("/api/v1/jobs", { params: { query: { ...only, limit: 200, cursor } } }).then(good));
  }

  /** Asks for a job; it begins when there is room. */
  async startJob(body: JobBody): Promise<Job> {
    return good(await this.api.POST("/api/v1/jobs", { body: body as Schemas["NewJob"] }));
  }

  /** How far a job is. */
  async getJob(job_id: string): Promise<Job> {
    return good(await this.api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id } } }));
  }

  /** Waits until a job has ended or is paused; `onProgress` hears how far it is. */
  async waitForJob(job_id: string, options: { onProgress?: (job: Job) => void; seconds?: number } = {}): Promise<Job> {
    for (;;) {
      const job = await this.getJob(job_id);
      options.onProgress?.(job);
      if (STAYS.has(job.status)) return job;
      await sleep(options.seconds ?? SECONDS_BETWEEN_LOOKS);
    }
  }

  /** Ends a job for good; its checkpoints stay. */
  async cancelJob(job_id: string): Promise<Job> {
    return good(await this.api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id } } }));
  }

  /** Stops a job at a checkpoint. */
  async pauseJob(job_id: string): Promise<Job> {
    return good(await this.api.POST("/api/v1/jobs/{job_id}/pause", { params: { path: { job_id } } }));
  }

  /** Has a job go on that is paused or has failed. */
  async resumeJob(job_id: string): Promise<Job> {
    return good(await this.api.POST("/api/v1/jobs/{job_id}/resume", { params: { path: { job_id } } }));
  }

  /** Deletes a job that does not run; its run and its model stay. */
  async deleteJob(job_id: string): Promise<void> {
    await this.api.DELETE("/api/v1/jobs/{job_id}", { params: { path: { job_id } } });
  }

  /** What it measured, downsampled; only metrics of these names, where there are any. */
  async getJobMetrics(job_id: string, names: string[] = [], points?: number): Promise<JobMetrics> {
    const query = { name: names.length > 0 ? names : undefined, points };
    return good(await this.api.GET("/api/v1/jobs/{job_id}/metrics", { params: { path: { job_id }, query } }));
  }

  /** Lines that it wrote; those after a number. */
  listJobLines(job_id: string, after = 0): AsyncGenerator<JobLine> {
    return every((cursor) => {
      const params = { path: { job_id }, query: { after, limit: 200, cursor } };
      return this.api.GET("/api/v1/jobs/{job_id}/logs", { params }).then(good);
    });
  }

  /** The places in which the configurations of two jobs differ. */
  async compareJobs(job_id: string, other: string): Promise<JobDifference[]> {
    const params = { path: { job_id }, query: { with: other } };
    return good(await this.api.GET("/api/v1/jobs/{job_id}/difference", { params })).items;
  }

  /** Its samples as it runs, the last ones first; they end when it does, or are cut after some minutes. */
  watchJob(job_id: string): JobWatch {
    return new JobWatch((signal) => this.sent(`/api/v1/jobs/${encodeURIComponent(job_id)}/live`, { signal }));
  }

  /** The record of its steps: a file of Parquet or CSV, or an archive of several. */
  getJobTrajectory(job_id: string): Promise<Uint8Array> {
    return this.#file(job_id, "trajectory");
  }

  /** What a batch answered: lines of JSON, one for each id. */
  getJobAnswers(job_id: string): Promise<Uint8Array> {
    return this.#file(job_id, "answers");
  }

  /** Simulations that come along. */
  listReadySimulations(): Promise<ReadySimulation[]> {
    return all(() => this.api.GET("/api/v1/jobs/ready").then(good));
  }

  /** The JSON Schema of a simulation. */
  async getSimulationSchema(): Promise<Record<string, unknown>> {
    return good(await this.api.GET("/api/v1/jobs/schema"));
  }

  /** GPUs that are lent out, and jobs at a time where the service runs. */
  async getJobCapacity(): Promise<JobCapacity> {
    return good(await this.api.GET("/api/v1/jobs/capacity"));
  }

  async #file(job_id: string, name: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.sent(`/api/v1/jobs/${encodeURIComponent(job_id)}/${name}`)).arrayBuffer());
  }
}

/** A job as it is watched, for `for await`; leaving the loop only stops the watching. */
export class JobWatch implements AsyncIterable<JobSample> {
  /** What the service said of the end; null while the job runs, and where the line was only cut. */
  end: Record<string, unknown> | null = null;
  readonly #abort = new AbortController();
  readonly #open: (signal: AbortSignal) => Promise<Response>;

  constructor(open: (signal: AbortSignal) => Promise<Response>) {
    this.#open = open;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobSample> {
    try {
      const response = await this.#open(this.#abort.signal);
      if (response.body === null) throw new UnexpectedAnswer("a stream without a body");
      for await (const event of events(response.body)) {
        if (event.name === "end") this.end = read(event.data);
        else if (event.name === "sample") yield read(event.data);
      }
    } catch (error) {
      if (error instanceof AnimaError) throw error;
      throw new ConnectionFailed(`the samples broke off: ${String(error)}`);
    } finally {
      this.#abort.abort();
    }
  }
}

function read(data: string): Record<string, unknown> {
  let told: unknown;
  try {
    told = JSON.parse(data);
  } catch {
    told = null;
  }
  if (typeof told !== "object" || told === null || Array.isArray(told)) throw new UnexpectedAnswer("a sample is a JSON object");
  return told as Record<string, unknown>;
}
