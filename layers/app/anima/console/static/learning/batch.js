// A batch while it is answered: how far it is, what the cache saved, its first answers, and all of them as a file.

import { html } from 'htm/preact';
import { useAsked } from '../admin/asked.js';
import { send } from '../js/api.js';
import { href } from '../js/route.js';
import { Logs } from './logs.js';
import { figure, whole } from './numbers.js';

/** @import { JobAnswer } from './types.js' */

const MOST_SHOWN = 5;
const FIRST_BYTES = 65_535;

/** The configuration of a batch, with its lines as their number. @param {JobAnswer} job @returns {any} */
export function batchOf(job) {
  const { lines, ...rest } = job.configuration?.batch ?? {};
  return lines ? { ...rest, lines: `${whole(lines.length)} of them` } : rest;
}

/** @param {number} part @param {number} of */
function percent(part, of) {
  if (of <= 0) return '';
  const share = Math.round((100 * part) / of);
  return ` (${share === 0 && part > 0 ? 'under 1' : share} %)`;
}

/** What is counted, in words. @param {JobAnswer} job @returns {[string, string][]} */
function counts({ step, of, progress, result }) {
  const { tokens = 0, tokens_per_second: speed, cache_hits: hits = 0, cache_saved_tokens: saved = 0, failed = 0 } = { ...progress, ...result };
  const done = step ?? 0;
  return [
    ['lines done', `${whole(done)}${of ? ` of ${whole(of)}` : ''}`],
    ['at fault', `${whole(failed)}${failed ? percent(failed, done) : ''}`],
    ['tokens read and written', whole(tokens)],
    ['tokens/s', figure(speed)],
    ['answered from the cache', `${whole(hits)}${hits === 1 ? ' line' : ' lines'}${percent(hits, done)}`],
    ['tokens that the cache saved', `${whole(saved)}${percent(saved, tokens + saved)}`],
  ];
}

/** The first lines of its answers. @param {JobAnswer} job @returns {Promise<any[]>} */
async function firstOf(job) {
  const answer = await send(`/jobs/${job.job_id}/answers`, { headers: { Range: `bytes=0-${FIRST_BYTES}` } });
  const lines = (await answer.text()).split('\n').slice(0, MOST_SHOWN + 1);
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}

/** One answer as a person reads it. @param {any} row */
function answered(row) {
  if (row.error) return html`<span class="reason">No answer: ${row.error.reason}</span>`;
  if (Array.isArray(row.vector)) return html`<span class="quiet">a vector of ${whole(row.vector.length)} numbers</span>`;
  if (typeof row.vector === 'string') return html`<span class="quiet">a vector, as base64</span>`;
  return row.text ?? (row.loss === undefined ? '–' : `loss ${figure(row.loss)}`);
}

/** @param {{ job: JobAnswer }} props */
function Answers({ job }) {
  const known = useAsked(`answers/${job.job_id}`, () => firstOf(job));
  const [rows, failure] = [known.found.value, known.failure.value];
  if (failure) return html`<p class="quiet">${failure.message}${job.configuration?.batch?.output && html` They lie in <code>${job.configuration.batch.output}</code>.`}</p>`;
  if (!rows) return html`<p class="waiting" role="status">Reading…</p>`;
  return html`<p><a class="button" href=${`/api/v1/jobs/${job.job_id}/answers`} download>Save the answers</a></p>
    ${rows.length > 0 &&
    html`<table class="kept answers">
      <thead><tr><th scope="col">Id</th><th scope="col">${rows.length < (job.of ?? 0) ? 'First answers' : 'Answer'}</th></tr></thead>
      <tbody>${rows.map((/** @type {any} */ row, /** @type {number} */ index) => html`<tr key=${index}><th scope="row">${row.id ?? '–'}</th><td data-label="answer" class="words">${answered(row)}${row.cached && html` <span class="quiet">from the cache</span>`}</td></tr>`)}</tbody>
    </table>`}`;
}

/** @param {{ job: JobAnswer }} props */
export function Batch({ job }) {
  return html`<section>
      <h2>${job.status === 'completed' ? 'What was done' : 'How far it is'}</h2>
      <dl class="settings-of counts">${counts(job).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    </section>
    ${job.status === 'completed' && html`<section><h2>Answers</h2><${Answers} job=${job} /></section>`}
    ${job.status !== 'completed' && html`<p class="quiet">Its answers can be saved when it has come to its end${job.status === 'failed' && html`; or <a href=${href({ place: 'learning', job: 'batch', query: `like=${job.job_id}` })}>start one like it</a>`}.</p>`}
    ${job.status === 'failed' && html`<${Logs} job=${job} />`}`;
}
