// Training jobs in words, and what can be done with one.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { useAsked } from '../admin/asked.js';
import { post, remove } from '../js/api.js';
import { sure } from '../js/ask.js';
import { attempt, said } from '../js/house.js';
import { go } from '../js/route.js';

/** @import { JobAnswer } from './types.js' */

/** @type {Record<string, string>} */
export const STATUS = {
  queued: 'waiting',
  starting: 'starting',
  running: 'running',
  stopping: 'stopping',
  paused: 'paused',
  completed: 'finished',
  failed: 'failed',
  cancelled: 'ended by hand',
};

/** @type {Record<string, string>} */
export const BACKENDS = { local: 'this machine', container: 'a container here', sagemaker: 'SageMaker', batch: 'AWS Batch' };

const OFTEN_MS = 2000;
const SELDOM_MS = 10_000;

/** @param {{ status: string }} job */
export const isOver = ({ status }) => ['completed', 'failed', 'cancelled'].includes(status);
/** @param {{ status: string }} job */
export const isMoving = ({ status }) => ['queued', 'starting', 'running', 'stopping'].includes(status);

/** What a person reads first of a job that did not end well. @type {Record<number, string>} */
const EXITS = {
  1: 'It met an error and ended.',
  2: 'Its configuration was refused.',
  137: 'It was killed from outside, most likely because memory ran out.',
  139: 'It broke down inside a library.',
  143: 'It was told to stop.',
};

/** @param {JobAnswer} job */
export function whyFailed({ exit_code: code, attempt: tries }) {
  const known = code === null ? 'It ended without a word.' : (EXITS[code < 0 ? 128 - code : code] ?? `It ended with code ${code}.`);
  return tries > 1 ? `${known} It was tried ${tries} times.` : known;
}

/** Why something failed, for people: without the name that programs know it by, and with one full stop. @param {string} failure */
export function sentence(failure) {
  const words = failure.trim().replace(/^[a-z]+(?:-[a-z]+)+: /, '').replace(/\.+$/, '');
  return /[?!]$/.test(words) ? words : `${words}.`;
}

/** What a run is called among others: by its name, and by how its id begins where another has that name. @param {JobAnswer} job @param {JobAnswer[]} among */
export function calledIn({ job_id: id, name }, among) {
  return among.some((other) => other.name === name && other.job_id !== id) ? `${name} ${id.slice(0, 13)}` : name;
}

/** What to do next. @param {JobAnswer} job */
export function nextStep({ exit_code: code, kind }) {
  if (code === 2) return 'Correct the configuration and start one like it.';
  if (kind === 'batch_inference') return 'What was answered is kept: it can be resumed, and asks nothing twice.';
  if (code === 137 || code === -9) return 'Take a smaller batch or replay buffer, or let it resume from its last checkpoint.';
  return 'Its last lines below say where it was. It can be resumed from its last checkpoint.';
}

/** What it waits for, in words. @param {JobAnswer} job */
export function waitsFor({ status, waiting_for: what, gpus }) {
  if (status !== 'queued') return '';
  if (what === 'gpus') return `for ${gpus === 1 ? 'a GPU' : `${gpus} GPUs`}: others have them`;
  return what === 'processes' ? 'for its turn: other runs use this machine' : 'for its turn';
}

/** The simulation file of a configuration. @param {Record<string, any>} configuration @returns {any} */
export function simulationOf(configuration) {
  const found = configuration?.simulation ?? configuration;
  if (typeof found !== 'string') return found;
  try {
    return JSON.parse(found);
  } catch {
    return {};
  }
}

/** @param {{ job: JobAnswer }} props */
export function Status({ job }) {
  return html`<span class="state" data-state=${job.status}>${STATUS[job.status] ?? job.status}</span>`;
}

/** @type {Record<string, [string, string]>} */
const ACTS = { pause: ['Pause', 'is being paused'], resume: ['Resume', 'goes on'], cancel: ['End it', 'is being ended'] };

/** Which acts a job is open to. @param {JobAnswer} job */
function actsOf({ status }) {
  if (['starting', 'running'].includes(status)) return ['pause', 'cancel'];
  if (status === 'queued') return ['cancel'];
  if (status === 'paused') return ['resume', 'cancel'];
  return status === 'failed' ? ['resume'] : [];
}

/** @param {{ job: JobAnswer, again: () => void, short?: boolean }} props */
export function Acts({ job, again, short = false }) {
  const act = (/** @type {string} */ what) =>
    attempt(async () => {
      if (what === 'cancel' && !(await sure(`End “${job.name}”? ${job.kind === 'simulation' ? 'What it has learnt until its last checkpoint is kept.' : 'Its answers are given only when it comes to its end.'}`, 'End it', 'Let it run'))) return;
      await post(`/jobs/${job.job_id}/${what}`, {});
      said.value = `${job.name} ${ACTS[what]?.[1]}.`;
      again();
    });
  const forget = () =>
    attempt(async () => {
      if (!(await sure(`${job.kind === 'simulation' ? `Delete “${job.name}” with its plots, logs and checkpoints? A model that came of it stays.` : `Delete “${job.name}” with its answers and logs?`}`, 'Delete'))) return;
      await remove(`/jobs/${job.job_id}`);
      said.value = `${job.name} is deleted.`;
      go({ place: 'learning' });
    });
  return html`<span class="row acts">
    ${actsOf(job).map((what) => html`<button key=${what} type="button" class="button" data-act=${what} onClick=${() => act(what)}>${ACTS[what]?.[0]}</button>`)}
    ${!short && isOver(job) && html`<button type="button" class="button danger" onClick=${forget}>Delete</button>`}
  </span>`;
}

/** Something that is asked for again while it moves; seldom while nothing does, and not at all while nobody looks.
 * @param {string} path @param {(found: any) => boolean} moving @param {() => Promise<any>} [ask] */
export function useLive(path, moving, ask) {
  const known = useAsked(path, ask);
  const soon = known.found.value !== null && moving(known.found.value);
  useEffect(() => {
    const look = () => document.visibilityState === 'visible' && void known.look();
    const timer = setInterval(look, soon ? OFTEN_MS : SELDOM_MS);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [path, soon]);
  return known;
}
