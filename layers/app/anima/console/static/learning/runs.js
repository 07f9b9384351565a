// All runs in a table of chosen columns; those that are ticked are laid over each other, and two are compared.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { get } from '../js/api.js';
import { attempt, said } from '../js/house.js';
import { MenuButton } from '../js/rail.js';
import { href } from '../js/route.js';
import { all } from '../models/told.js';
import { COLUMNS, Chooser, cell, columns } from './columns.js';
import { Difference } from './difference.js';
import { isMoving, useLive, waitsFor } from './jobs.js';
import { csv, save } from './numbers.js';
import { Overlay } from './overlay.js';
import { ask, asked, toggle } from './query.js';

/** @import { JobAnswer } from './types.js' */

const SHOWN = 50;
const MOST_SELECTED = 8;

/** @param {{ jobs: JobAnswer[], selected: string[] }} props */
function Table({ jobs, selected }) {
  const shown = columns();
  return html`<table class="kept runs">
    <thead>
      <tr>
        <th scope="col">Run</th>
        ${shown.map(({ name, words, number }) => html`<th key=${name} scope="col" class=${number ? 'number' : ''}>${words}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${jobs.map((job) => {
        const on = selected.includes(job.job_id);
        return html`<tr key=${job.job_id} data-selected=${on}>
          <th scope="row">
            <input type="checkbox" aria-label=${`Compare ${job.name}`} checked=${on} disabled=${!on && selected.length >= MOST_SELECTED} onChange=${() => toggle('run', job.job_id, !on)} />
            <a href=${href({ place: 'learning', job: job.job_id })}>${job.name}</a>
          </th>
          ${shown.map((column) => html`<td key=${column.name} data-label=${column.words.toLowerCase()} class=${column.number ? 'number' : ''}>${cell(column, job)}</td>`)}
        </tr>`;
      })}
    </tbody>
  </table>`;
}

/** What is lent of this place, and what waits for it. @param {{ jobs: JobAnswer[] }} props */
function Room({ jobs }) {
  const known = useAsked('/jobs/capacity');
  const found = known.found.value;
  const changes = jobs.filter(isMoving).map((job) => job.job_id + job.status).join();
  useEffect(() => {
    void known.look();
  }, [changes]);
  if (!found) return null;
  const waiting = jobs.filter((job) => job.status === 'queued');
  return html`<p class="quiet">
    ${found.gpus ? `${found.gpus_free} of ${found.gpus} GPUs free. ` : 'No GPU is lent out here. '}
    ${waiting.length === 0 ? 'Nothing waits.' : `${waiting.length === 1 ? 'One run waits' : `${waiting.length} runs wait`} ${waiting[0] ? waitsFor(waiting[0]) : ''}.`}
  </p>`;
}

function Files() {
  const everything = () => all('/jobs');
  const asCsv = () =>
    attempt(async () => {
      const jobs = await everything();
      save('runs.csv', csv([['job_id', 'name', ...COLUMNS.map(({ name }) => name), 'error'], ...jobs.map((job) => [job.job_id, job.name, ...COLUMNS.map(({ value }) => value(job)), job.error])]));
      said.value = 'runs.csv is saved.';
    });
  const asJson = () =>
    attempt(async () => {
      save('runs.json', JSON.stringify(await everything(), null, 2), 'application/json');
      said.value = 'runs.json is saved.';
    });
  return html`<span class="row files">
    <button type="button" class="quiet-button" onClick=${asCsv}>Save as CSV</button>
    <button type="button" class="quiet-button" onClick=${asJson}>as JSON</button>
  </span>`;
}

/** The newest runs, and those that the address names wherever they are. @param {string[]} selected */
async function listed(selected) {
  const page = /** @type {{ items: JobAnswer[], next_cursor: string | null }} */ (await get(`/jobs?limit=${SHOWN}`));
  const there = new Set(page.items.map((job) => job.job_id));
  const others = await Promise.all(selected.filter((id) => !there.has(id)).map((id) => get(`/jobs/${encodeURIComponent(id)}`).catch(() => null)));
  return { items: [...page.items, ...others.filter(Boolean)], more: page.next_cursor !== null };
}

export function Runs() {
  const selected = asked().getAll('run').slice(0, MOST_SELECTED);
  const known = useLive('/jobs', ({ items }) => items.some(isMoving), () => listed(asked().getAll('run')));
  const [found, failure] = [known.found.value, known.failure.value];
  useEffect(() => {
    document.title = 'Learning · Anima';
  }, []);
  const jobs = /** @type {JobAnswer[]} */ (found?.items ?? []);
  const chosen = selected.flatMap((id) => jobs.find((job) => job.job_id === id) ?? []);
  const trained = chosen.filter(({ kind }) => kind === 'simulation');
  return html`<div class="page learning">
    <header class="title">
      <${MenuButton} /><h1>Learning</h1>
      ${jobs.length > 0 && html`<a class="button" href=${href({ place: 'visualisation' })}>Watch live</a>`}
      <a class="button" href=${href({ place: 'learning', job: 'batch' })}>Start a batch</a>
      <a class="button primary" href=${href({ place: 'learning', job: 'new' })}>Start a run</a>
    </header>
    ${failure && html`<${Alert} failure=${failure} />`}
    ${!found && !failure && html`<p class="waiting" role="status">Reading…</p>`}
    ${found && jobs.length === 0 && html`<p class="empty">No run yet. <a href=${href({ place: 'learning', job: 'new' })}>Start one</a> from a ready file, here or by <code>anima train cartpole.json</code>, and watch it learn. Or have a file of prompts answered, as a <a href=${href({ place: 'learning', job: 'batch' })}>batch</a>.</p>`}
    ${jobs.length > 0 &&
    html`<section>
        <${Room} jobs=${jobs} />
        <${Table} jobs=${jobs} selected=${selected} />
        <div class="row under"><${Chooser} /><${Files} /></div>
        ${found.more && html`<p class="quiet">The newest ${SHOWN} are shown; the files hold all.</p>`}
      </section>
      ${chosen.length === 0
        ? html`<p class="quiet">Tick runs to lay their curves over each other; tick two to see how they were set up differently.</p>`
        : html`<section>
            <div class="row between"><h2>${chosen.length === 1 ? chosen[0]?.name : `${chosen.length} runs over each other`}</h2><button type="button" class="quiet-button" onClick=${() => ask((query) => query.delete('run'))}>Untick all</button></div>
            ${trained.length > 0 ? html`<${Overlay} jobs=${trained} />` : html`<p class="quiet">Batches have no curves; tick two to see how they were set up differently.</p>`}
          </section>`}
      ${chosen.length === 2 && html`<${Difference} key=${selected.join()} jobs=${chosen} />`}`}
  </div>`;
}
