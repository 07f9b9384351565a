// Experiments: variants that are tried on people, what they have shown with its uncertainty, and their end.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { post } from '../js/api.js';
import { When } from '../js/time.js';
import { filledIn, useAsked } from './asked.js';

/** @type {Record<string, string>} */
const METRICS = { liked: 'share that was liked', rating: 'rating', latency: 'milliseconds', cost: 'cost', errors: 'share that failed', safety: 'share that was stopped for safety' };

/** @param {any} measured */
function figure(measured) {
  if (!measured || measured.value === null || measured.value === undefined) return 'nothing yet';
  const short = (/** @type {number} */ value) => Number(value.toPrecision(3)).toLocaleString();
  const range = measured.low === null || measured.low === undefined ? '' : ` (${short(measured.low)} to ${short(measured.high)})`;
  return `${short(measured.value)}${range}`;
}

/** @param {any} verdict @param {string} name */
const judged = (verdict, name) => (verdict.better.includes(name) ? 'surely better' : verdict.worse.includes(name) ? 'surely worse' : 'not known');

/** @param {{ id: number }} props */
function Report({ id }) {
  const { found, failure } = useAsked(`/experiments/${id}`);
  if (failure.value) return html`<${Alert} failure=${failure.value} />`;
  const report = found.value?.report;
  if (!report) return null;
  const shown = ['liked', 'rating', 'latency', 'cost', 'errors', 'safety'].filter((metric) => report.variants.some((/** @type {any} */ one) => metric in one.metrics));
  const { variants, verdict } = report;
  const row = (/** @type {string} */ name, /** @type {(one: any, at: number) => any} */ tell) => html`<tr key=${name}>
    <th scope="row">${name}</th>${variants.map((/** @type {any} */ one, /** @type {number} */ at) => html`<td key=${one.name} data-label=${one.name}>${tell(one, at)}</td>`)}
  </tr>`;
  return html`<table class="kept">
      <thead><tr><th scope="col">Variant</th>${variants.map((/** @type {any} */ one) => html`<th scope="col" key=${one.name}>${one.name}</th>`)}</tr></thead>
      <tbody>
        ${row('people', (one) => one.people)} ${row('answers', (one) => one.answers)}
        ${shown.map((metric) => row(METRICS[metric], (one) => figure(one.metrics[metric])))}
        ${row('against the first', (one, at) => (at === 0 ? '–' : judged(verdict, one.name)))}
      </tbody>
    </table>
    <p class="quiet">In brackets: where it lies with 95 %. Compared by: ${METRICS[verdict.metric]}.</p>`;
}

/** @param {{ one: any, change: (act: () => Promise<any>, told: string) => Promise<boolean> }} props */
function Entry({ one, change }) {
  const open = useSignal(false);
  const stop = () => change(() => post(`/experiments/${one.exp_id}/stop`, { reason: 'stopped in the console' }), `${one.name} has ended.`);
  return html`<li>
    <h3>${one.name}<span class="quiet"> since <${When} at=${one.start_ts} />${one.end_ts ? ', ended' : ''}</span></h3>
    ${one.ended?.reason && html`<p class="quiet">${one.ended.reason}</p>`}
    <div class="row">
      <button type="button" class="quiet-button" aria-expanded=${open.value} onClick=${() => (open.value = !open.value)}>What it has shown</button>
      ${!one.end_ts && html`<button type="button" class="quiet-button" onClick=${stop}>End it</button>`}
    </div>
    ${open.value && html`<${Report} id=${one.exp_id} />`}
  </li>`;
}

/** @param {Record<string, string>} given @param {'a' | 'b'} which */
function variant(given, which) {
  const fields = Object.entries({ name: given[`${which}-name`], model: given[`${which}-model`], prompt: given[`${which}-prompt`] });
  return Object.fromEntries(fields.filter(([, value]) => value));
}

/** @param {{ which: 'a' | 'b', title: string }} props */
function Variant({ which, title }) {
  return html`<fieldset>
    <legend>${title}</legend>
    <label>Name <input name=${`${which}-name`} required maxlength="40" autocomplete="off" /></label>
    <label>Prompt <input name=${`${which}-prompt`} placeholder="greeting@2" autocomplete="off" /></label>
    <label>Model <input name=${`${which}-model`} placeholder="provider:name" autocomplete="off" /></label>
  </fieldset>`;
}

export function Experiments() {
  const { found, failure, change } = useAsked('/experiments?limit=100');
  const begin = async (/** @type {Event} */ event) => {
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const given = filledIn(event);
    const body = { name: given.name, metric: given.metric, variants: [variant(given, 'a'), variant(given, 'b')] };
    if (await change(() => post('/experiments', body), `${given.name} has begun.`)) form.reset();
  };
  return html`
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    <section>
      <h2>What is and was tried</h2>
      ${found.value?.items.length === 0 && html`<p class="quiet">Nothing yet. Each person is given one variant and keeps it.</p>`}
      <ul class="plain-list">${found.value?.items.map((/** @type {any} */ one) => html`<${Entry} key=${one.exp_id} one=${one} change=${change} />`)}</ul>
    </section>
    <section>
      <h2>Try two variants</h2>
      <form class="stack" onSubmit=${begin}>
        <label>Name <input name="name" required maxlength="100" autocomplete="off" /></label>
        <label>Compared by <select name="metric">${Object.entries(METRICS).map(([key, label]) => html`<option value=${key}>${label}</option>`)}</select></label>
        <${Variant} which="a" title="As it is" />
        <${Variant} which="b" title="Instead" />
        <button class="button">Begin</button>
      </form>
    </section>
  `;
}
