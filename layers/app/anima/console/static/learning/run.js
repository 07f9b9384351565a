// One run: how it goes, why it failed or waits, and its live plots, metrics, logs and configuration.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { MenuButton } from '../js/rail.js';
import { href, route } from '../js/route.js';
import { When } from '../js/time.js';
import { duration } from '../js/words.js';
import { Batch, batchOf } from './batch.js';
import { Acts, BACKENDS, Status, isMoving, isOver, nextStep, sentence, simulationOf, useLive, waitsFor, whyFailed } from './jobs.js';
import { LivePlots } from './live.js';
import { Logs } from './logs.js';
import { figure, save, whole } from './numbers.js';
import { Overlay } from './overlay.js';
import { isPathological } from './plots.js';

/** @import { JobAnswer } from './types.js' */

/** @type {[string | undefined, string][]} */
const PARTS = [[undefined, 'Live'], ['metrics', 'Metrics'], ['logs', 'Logs'], ['configuration', 'Configuration']];
/** A batch measures nothing but its counts. @type {[string | undefined, string][]} */
const PARTS_OF_BATCH = [[undefined, 'Progress'], ['logs', 'Logs'], ['configuration', 'Configuration']];

/** A list that is longer is not written out. */
const MOST_WRITTEN = 32;

/** @param {{ job: JobAnswer, part: string | undefined }} props the plots tell its physics themselves */
function Standing({ job, part }) {
  const { progress } = job;
  const speed = progress?.steps_per_second;
  const [of, step] = [job.of ?? 0, job.step ?? 0];
  const told = job.status === 'running' && of && speed && step >= of / 100; // the first steps say nothing of the rest
  const left = told ? (of - step) / speed : null;
  const isBatch = job.kind === 'batch_inference';
  const facts = [
    isBatch && !part ? '' : `${whole(job.step ?? 0)}${job.of ? ` of ${whole(job.of)}` : ''} ${isBatch ? 'lines' : 'steps'}`,
    speed ? `${figure(speed)} steps/s` : '',
    typeof progress?.return_mean === 'number' ? `return ${figure(progress.return_mean)}` : '',
    left === null ? '' : `about ${duration(left)} left`,
    `on ${BACKENDS[job.backend] ?? job.backend}`,
    job.attempt > 1 ? `attempt ${job.attempt} of ${job.most_attempts}` : '',
  ].filter(Boolean);
  return html`<p class="quiet standing">
      ${part && job.label && html`<span class=${isPathological(job.label) ? 'physics pathological' : 'physics'}>${job.label}</span> `}${facts.join(', ')};
      ${job.started_at ? html` started <${When} at=${job.started_at} />` : html` asked for <${When} at=${job.created_at} />`}${job.ended_at && html`, ended <${When} at=${job.ended_at} />`}.
    </p>
    ${Number(job.of) > 0 && !isOver(job) && html`<progress class="whole" value=${Math.min(1, (job.step ?? 0) / Number(job.of))} aria-label="Progress"></progress>`}
    ${job.status === 'queued' && html`<p class="reason">It waits ${waitsFor(job)}.</p>`}
    ${isMoving(job) && job.error && html`<p class="reason words">The attempt before ended: ${sentence(job.error)}</p>`}
    ${job.status === 'paused' && html`<p class="reason">It is paused. Resume goes on from its last checkpoint.</p>`}
    ${job.status === 'failed' &&
    html`<div class="alert" role="alert"><div>
      <p><strong>Why it failed:</strong> ${whyFailed(job)}</p>
      ${job.error && html`<p class="words said">${sentence(job.error)}</p>`}
      <p class="next">${nextStep(job)}</p>
    </div></div>`}
    ${job.status === 'completed' && typeof job.result?.last_100 === 'number' && html`<p>Its last hundred episodes returned ${figure(job.result.last_100)} on average${typeof job.result.evaluation?.return_mean === 'number' ? `, and ${figure(job.result.evaluation.return_mean)} when it was evaluated without chance` : ''}.</p>`}
    ${job.registered_model && html`<p>It became the model <a href=${href({ place: 'models', model: job.registered_model.model_id })}>${job.registered_model.name}@${job.registered_model.version}</a>.</p>`}`;
}

/** @param {{ job: JobAnswer }} props */
function Configuration({ job }) {
  const known = useAsked('/jobs?limit=50');
  const isBatch = job.kind === 'batch_inference';
  const simulation = isBatch ? batchOf(job) : simulationOf(job.configuration);
  const text = JSON.stringify(simulation, null, 2);
  const others = /** @type {JobAnswer[]} */ (known.found.value?.items ?? []).filter((one) => one.job_id !== job.job_id && one.kind === job.kind);
  return html`<section>
    <div class="row between">
      <h2>How it was set up</h2>
      <span class="row files">
        <a href=${href({ place: 'learning', job: isBatch ? 'batch' : 'new', query: `like=${job.job_id}` })}>Start one like it</a>
        <button type="button" class="quiet-button" onClick=${() => save(`${job.name}.json`, isBatch ? JSON.stringify(job.configuration.batch, null, 2) : text, 'application/json')}>Save as JSON</button>
      </span>
    </div>
    ${others.length > 0 &&
    html`<p class="quiet">Compare with
      ${others.slice(0, 5).map((one, index) => html`${index > 0 && ','} <a key=${one.job_id} href=${href({ place: 'learning', query: `run=${job.job_id}&run=${one.job_id}` })}>${one.name}</a>`)}</p>`}
    <${Tree} value=${simulation} />
    <details><summary>As JSON</summary><pre class="as-json" tabindex="0">${text}</pre></details>
  </section>`;
}

/** A setting as it is read. @param {any} one */
function written(one) {
  if (one === null || one?.length === 0) return one === null ? 'not set' : 'none';
  if (Array.isArray(one) && one.length > MOST_WRITTEN) return `${whole(one.length)} of them`;
  return typeof one === 'object' ? JSON.stringify(one) : String(one);
}

/** A section of settings, as a list of names and values. @param {{ value: Record<string, any> }} props */
function Tree({ value }) {
  const entries = Object.entries(value ?? {});
  const plain = entries.filter(([, one]) => one === null || typeof one !== 'object' || Array.isArray(one));
  const deep = entries.filter(([, one]) => one !== null && typeof one === 'object' && !Array.isArray(one) && Object.keys(one).length > 0);
  return html`${plain.length > 0 &&
    html`<dl class="settings-of">${plain.map(([name, one]) => html`<div key=${name}><dt>${name.replaceAll('_', ' ')}</dt><dd>${written(one)}</dd></div>`)}</dl>`}
    ${deep.map(([name, one]) => html`<details key=${name} class="section-of"><summary>${name.replaceAll('_', ' ')}</summary><${Tree} value=${one} /></details>`)}`;
}

/** @param {{ part: string | undefined, job: JobAnswer, again: () => void }} props */
function Part({ part, job, again }) {
  if (job.kind === 'batch_inference' && part === undefined) return html`<${Batch} job=${job} />`;
  if (part === 'metrics') return html`<${Overlay} jobs=${[job]} />`;
  if (part === 'logs') return html`<${Logs} job=${job} />`;
  if (part === 'configuration') return html`<${Configuration} job=${job} />`;
  return html`<${LivePlots} job=${job} onEnd=${again} />${job.status === 'failed' && html`<${Logs} job=${job} />`}`;
}

/** @param {{ id: string }} props */
export function Run({ id }) {
  const known = useLive(`/jobs/${encodeURIComponent(id)}`, isMoving);
  const [job, failure] = [known.found.value, known.failure.value];
  const parts = job?.kind === 'batch_inference' ? PARTS_OF_BATCH : PARTS;
  const [part, words] = parts.find(([one]) => one === route.value.part) ?? parts[0] ?? [];
  useEffect(() => {
    document.title = `${job?.name ?? 'Run'} · Anima`;
  }, [job?.name]);
  if (failure && !job) return html`<div class="page"><${Alert} failure=${failure} /><p><a href=${href({ place: 'learning' })}>All runs</a></p></div>`;
  if (!job) return html`<p class="waiting" role="status">Reading…</p>`;
  return html`<div class="page learning">
    <header class="title">
      <${MenuButton} />
      <h1>${job.name}</h1>
      <${Status} job=${job} />
      <${Acts} job=${job} again=${known.look} />
      <a href=${href({ place: 'learning' })}>All runs</a>
    </header>
    ${failure && html`<${Alert} failure=${failure} />`}
    <${Standing} job=${job} part=${part} />
    <nav class="tabs" aria-label=${`About ${job.name}`}>
      ${parts.map(([one, name]) => html`<a key=${name} href=${href({ place: 'learning', job: id, part: one })} aria-current=${name === words ? 'page' : undefined}>${name}</a>`)}
    </nav>
    <${Part} part=${part} job=${job} again=${known.look} />
  </div>`;
}
