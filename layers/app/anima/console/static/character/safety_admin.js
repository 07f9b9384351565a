// Safety of this place, for admins: what is on, and how often it was needed, counted without words or names.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get, post } from '../js/api.js';
import { said } from '../js/house.js';
import { MenuButton } from '../js/rail.js';
import { When } from '../js/time.js';

/** @import { ReportAnswer, SettingAnswer } from './types.js' */

/** @type {Record<string, string>} */
const NAMES = {
  'safety.crisis': 'Help in a crisis',
  'safety.disclosure': 'Say that it is an AI',
  'safety.minors': 'Protect minors',
  'safety.breaks': 'Reminders of a pause',
  'safety.break_minutes': 'Minutes until a pause',
  'safety.output': 'Check what the model writes',
};

/** @type {Record<string, string>} */
const VALUES = { true: 'on', false: 'off', off: 'off', always: 'now and then, and when asked', doubt: 'when somebody asks or doubts', everyone: 'for everybody', minors: 'for minors' };

/** @type {Record<string, string>} */
const KINDS = { concern: 'Concern', crisis: 'Crisis', crisis_other: 'Crisis of somebody else', minor_sexual: 'Refused to a minor', ai_doubt: 'Asked whether it is an AI' };

/** @param {{ one: SettingAnswer, onSet: (key: string, value: any) => void }} props */
function Row({ one, onSet }) {
  const id = one.key.replaceAll('.', '-');
  const chosen = (/** @type {any} */ event) => onSet(one.key, one.accepts.find((value) => String(value) === event.target.value));
  const [least, most] = one.accepts;
  return html`<tr>
    <th scope="row"><label for=${id}>${NAMES[one.key] ?? one.key}</label><p class="quiet">${one.description}</p></th>
    <td>
      ${typeof one.value === 'number'
        ? html`<input id=${id} type="number" min=${least} max=${most} required value=${one.value} onChange=${(/** @type {any} */ event) => event.target.reportValidity() && onSet(one.key, event.target.valueAsNumber)} />`
        : html`<select id=${id} value=${String(one.value)} onChange=${chosen}>
            ${one.accepts.map((value) => html`<option value=${String(value)} selected=${value === one.value}>${VALUES[String(value)] ?? value}</option>`)}
          </select>`}
      <p class="quiet">${one.updated_at ? html`set <${When} at=${one.updated_at} />` : 'as it came'}</p>
    </td>
  </tr>`;
}

function Settings() {
  const items = useSignal(/** @type {SettingAnswer[] | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const attempt = async (/** @type {() => Promise<any>} */ act) => {
    try {
      failure.value = null;
      items.value = (await act()).items;
    } catch (error) {
      failure.value = asFailure(error);
    }
  };
  useEffect(() => {
    void attempt(() => get('/settings'));
  }, []);
  const set = async (/** @type {string} */ key, /** @type {any} */ value) => {
    await attempt(() => post('/settings', { values: { [key]: value } }, 'PUT'));
    if (!failure.value) said.value = 'That was kept.';
  };
  return html`<section>
    <h2>What is on</h2>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${items.value &&
    html`<table class="kept settings safety-settings">
      <thead><tr><th scope="col">What</th><th scope="col">Now</th></tr></thead>
      <tbody>${items.value.map((one) => html`<${Row} key=${one.key} one=${one} onSet=${set} />`)}</tbody>
    </table>`}
  </section>`;
}

function Counts() {
  const year = useSignal(new Date().getFullYear());
  const report = useSignal(/** @type {ReportAnswer | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  useEffect(() => {
    get(`/safety/report?year=${year.value}`)
      .then((/** @type {any} */ found) => (report.value = found))
      .catch((error) => (failure.value = asFailure(error)));
  }, [year.value]);
  const this_year = new Date().getFullYear();
  const totals = Object.entries(report.value?.total ?? {});
  return html`<section>
    <h2>How often it was needed</h2>
    <div class="row">
      <label>Year <select value=${year.value} onChange=${(/** @type {any} */ event) => (year.value = Number(event.target.value))}>${[0, 1, 2].map((back) => html`<option value=${this_year - back}>${this_year - back}</option>`)}</select></label>
    </div>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${report.value && !totals.length && html`<p class="quiet">Not once in ${report.value.year}.</p>`}
    ${totals.length > 0 &&
    html`<dl class="counts">${totals.map(([kind, count]) => html`<div key=${kind}><dt>${KINDS[kind] ?? kind.replaceAll('_', ' ')}</dt><dd>${count}</dd></div>`)}</dl>
      <details>
        <summary>By month and country</summary>
        <table class="kept">
          <thead><tr><th scope="col">Month</th><th scope="col">What</th><th scope="col">Country</th><th scope="col" class="number">Times</th></tr></thead>
          <tbody>
            ${report.value?.items.map(
              (one) => html`<tr>
                <td data-label="month">${one.month}</td><td data-label="what">${KINDS[one.kind] ?? one.kind}</td><td data-label="country">${one.country ?? 'not known'}</td><td class="number" data-label="times">${one.count}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </details>`}
    <p class="quiet">Only numbers are kept: no words, no names, no talks.</p>
  </section>`;
}

export function Safety() {
  useEffect(() => {
    document.title = 'Safety · Anima';
  }, []);
  return html`<div class="page safety">
    <header class="title"><${MenuButton} /><h1>Safety</h1></header>
    <${Settings} />
    <${Counts} />
  </div>`;
}
