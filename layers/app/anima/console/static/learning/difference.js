// How two runs were set up differently: path by path.

import { html } from 'htm/preact';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { calledIn } from './jobs.js';

/** @import { JobAnswer } from './types.js' */

/** A list that is longer is not written out. */
const MOST_WRITTEN = 32;

/** A value as a person reads it. @param {any} value */
function told(value) {
  if (Array.isArray(value) && value.length > MOST_WRITTEN) return `${value.length.toLocaleString('en')} of them`;
  if (value === null || value === undefined) return 'not set';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** @param {{ jobs: JobAnswer[] }} props two of them */
export function Difference({ jobs }) {
  const [left, right] = jobs;
  const [one, other] = jobs.map((job) => calledIn(job, jobs));
  const known = useAsked(`/jobs/${left?.job_id}/difference?with=${right?.job_id}`);
  const [found, failure] = [known.found.value, known.failure.value];
  return html`<section>
    <h2>How they were set up differently</h2>
    ${failure && html`<${Alert} failure=${failure} />`}
    ${found?.items.length === 0 && html`<p>Not at all: both have the same configuration.</p>`}
    ${found?.items.length > 0 &&
    html`<table class="kept set-up">
      <thead><tr><th scope="col">Setting</th><th scope="col">${one}</th><th scope="col">${other}</th></tr></thead>
      <tbody>
        ${found.items.map(
          (/** @type {any} */ { path, a, b }) => html`<tr key=${path}><th scope="row"><code>${path}</code></th><td data-label=${one}>${told(a)}</td><td data-label=${other}>${told(b)}</td></tr>`,
        )}
      </tbody>
    </table>`}
  </section>`;
}
