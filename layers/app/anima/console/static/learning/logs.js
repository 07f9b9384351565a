// The last lines that a run wrote.

import { html } from 'htm/preact';
import { Alert } from '../js/alert.js';
import { get } from '../js/api.js';
import { isMoving, useLive } from './jobs.js';
import { save } from './numbers.js';

/** @import { JobAnswer } from './types.js' */

const PAGE = 200;
const MOST = 2000;

/** Its lines, as many as are kept. @param {string} id */
async function lines(id) {
  /** @type {{ seq: number, line: string }[]} */
  const found = [];
  let more = true;
  while (more && found.length < MOST) {
    const page = /** @type {any} */ (await get(`/jobs/${id}/logs?limit=${PAGE}&after=${found.at(-1)?.seq ?? 0}`));
    found.push(...page.items);
    more = page.items.length === PAGE;
  }
  return found;
}

/** @param {{ job: JobAnswer }} props */
export function Logs({ job }) {
  const known = useLive(`logs/${job.job_id}`, () => isMoving(job), () => lines(job.job_id));
  const [found, failure] = [known.found.value, known.failure.value];
  const text = (found ?? []).map((/** @type {any} */ one) => one.line).join('\n');
  return html`<section>
    <div class="row between">
      <h2>Logs</h2>
      ${text && html`<button type="button" class="quiet-button" onClick=${() => save(`${job.name}.log`, `${text}\n`, 'text/plain')}>Save as text</button>`}
    </div>
    ${failure && html`<${Alert} failure=${failure} />`}
    ${found?.length === 0 && html`<p class="quiet">${isMoving(job) ? 'It has written nothing yet.' : 'It wrote nothing but how far it was.'}</p>`}
    ${text && html`<pre class="log" tabindex="0" aria-label="Lines it wrote">${text}</pre>`}
  </section>`;
}
