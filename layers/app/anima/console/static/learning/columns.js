// The columns of the table of runs, of which a person chooses.

import { html } from 'htm/preact';
import { When } from '../js/time.js';
import { duration } from '../js/words.js';
import { BACKENDS, Status, simulationOf, waitsFor } from './jobs.js';
import { figure, whole } from './numbers.js';
import { asked, ask } from './query.js';

/** @import { JobAnswer } from './types.js' */

/** @typedef {{ name: string, words: string, number?: boolean, value: (job: JobAnswer) => string | number | null, shown?: (job: JobAnswer) => any }} Column */

/** Seconds that it has run. @param {JobAnswer} job */
function lasted({ started_at: from, ended_at: to }) {
  return from ? (Date.parse(to ?? new Date().toISOString()) - Date.parse(from)) / 1000 : null;
}

/** @param {{ job: JobAnswer }} props */
function Progress({ job }) {
  const unit = job.kind === 'batch_inference' ? 'lines' : 'steps';
  if (!job.of) return html`${whole(job.step ?? 0)} ${unit}`;
  const share = Math.min(1, (job.step ?? 0) / job.of);
  return html`<progress value=${share} aria-hidden="true"></progress> <span class="figures">${Math.floor(share * 100)} %</span> <span class="quiet">of ${whole(job.of)} ${unit}</span>`;
}

/** @param {string | null} at */
const when = (at) => (at ? html`<${When} at=${at} />` : '–');

/** @type {Column[]} */
export const COLUMNS = [
  { name: 'status', words: 'State', value: (job) => job.status, shown: (job) => html`<${Status} job=${job} />${waitsFor(job) && html`<span class="quiet">${waitsFor(job)}</span>`}` },
  { name: 'progress', words: 'Progress', value: (job) => job.step, shown: (job) => html`<${Progress} job=${job} />` },
  { name: 'speed', words: 'Steps/s', number: true, value: (job) => job.progress?.steps_per_second ?? null },
  { name: 'return', words: 'Mean return', number: true, value: (job) => job.progress?.return_mean ?? null },
  { name: 'started', words: 'Started', value: (job) => job.started_at, shown: (job) => when(job.started_at) },
  { name: 'backend', words: 'Runs on', value: (job) => job.backend, shown: (job) => BACKENDS[job.backend] ?? job.backend },
  { name: 'environment', words: 'Environment', value: (job) => simulationOf(job.configuration)?.environment?.id ?? null },
  { name: 'physics', words: 'Profile', value: (job) => job.label },
  { name: 'episode', words: 'Episodes', number: true, value: (job) => job.progress?.episode ?? null },
  { name: 'lasted', words: 'Lasted', number: true, value: lasted, shown: (job) => (lasted(job) === null ? '–' : duration(lasted(job) ?? 0)) },
  { name: 'attempt', words: 'Attempt', number: true, value: (job) => job.attempt },
  { name: 'kind', words: 'Kind', value: (job) => job.kind, shown: (job) => job.kind.replaceAll('_', ' ') },
  { name: 'created', words: 'Asked for', value: (job) => job.created_at, shown: (job) => when(job.created_at) },
];

const USUAL = ['status', 'progress', 'speed', 'return', 'started', 'backend'];

/** Those that the address names, else the usual ones. */
export function columns() {
  const named = asked().getAll('column');
  const wanted = named.length ? named : USUAL;
  return COLUMNS.filter(({ name }) => wanted.includes(name));
}

/** What a column shows of a job. @param {Column} column @param {JobAnswer} job */
export function cell({ value, shown, number }, job) {
  if (shown) return shown(job);
  const found = value(job);
  return number ? figure(/** @type {number | null} */ (found)) : (found ?? '–');
}

export function Chooser() {
  const shown = new Set(columns().map(({ name }) => name));
  const choose = (/** @type {string} */ name, /** @type {boolean} */ on) =>
    ask((query) => {
      if (on) shown.add(name);
      else shown.delete(name);
      query.delete('column');
      const wanted = COLUMNS.map((one) => one.name).filter((one) => shown.has(one));
      if (wanted.join() !== USUAL.join()) for (const one of wanted) query.append('column', one);
    });
  return html`<details class="chooser">
    <summary>Columns</summary>
    <div class="row filters">
      ${COLUMNS.map(
        ({ name, words }) => html`<label key=${name} class="tick"><input type="checkbox" checked=${shown.has(name)} onChange=${(/** @type {any} */ event) => choose(name, event.target.checked)} />${words}</label>`,
      )}
    </div>
  </details>`;
}
