// A new run: a ready file or that of another run, edited as JSON with each error at its line, and where it shall run.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { asFailure, get, newKey, send } from '../js/api.js';
import { said } from '../js/house.js';
import { go, href } from '../js/route.js';
import { Beginning, Where } from './beginning.js';
import { Editor } from './editor.js';
import { simulationOf } from './jobs.js';
import { fault, placeOf } from './json_places.js';
import { ask, asked } from './query.js';

/** @import { Failure } from '../js/api.js' */
/** @import { Problem } from './editor.js' */

const FIRST = 'cartpole';

/** @param {{ ready: any[], room: any, job: any }} props */
function Form({ ready, room, job }) {
  const named = asked().get('ready') ?? FIRST;
  const chosen = ready.find((one) => one.name === named) ?? ready[0];
  const given = job ? simulationOf(job.configuration) : chosen?.simulation;
  const text = useSignal('');
  const problems = useSignal(/** @type {Problem[]} */ ([]));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);
  const key = useRef(newKey());
  useEffect(() => {
    text.value = JSON.stringify(given ?? {}, null, 2);
    problems.value = [];
  }, [given]);
  const start = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const broken = fault(text.value);
    problems.value = broken ? [{ path: '', ...broken }] : [];
    failure.value = null;
    if (broken) return;
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const body = { kind: 'simulation', name: String(form.get('name')).trim() || undefined, simulation: JSON.parse(text.value), backend: form.get('backend') || undefined, gpus: form.get('gpus') ? Number(form.get('gpus')) : undefined };
    busy.value = true;
    try {
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key.current };
      const made = await (await send('/jobs', { method: 'POST', headers, body: JSON.stringify(body) })).json();
      said.value = `${made.name} is asked for.`;
      go({ place: 'learning', job: made.job_id });
    } catch (error) {
      failure.value = asFailure(error);
      key.current = newKey();
      problems.value = failure.value.errors.map((one) => ({ ...one, ...placeOf(text.value, one.path) }));
    } finally {
      busy.value = false;
    }
  };
  return html`<form class="stack new-run" onSubmit=${start}>
    ${job
      ? html`<p>The file of <a href=${href({ place: 'learning', job: job.job_id })}>${job.name}</a>, to be changed. <a href=${href({ place: 'learning', job: 'new' })}>Begin with a ready one instead</a></p>`
      : html`<label>Begin with
          <select value=${chosen?.name} onChange=${(/** @type {any} */ event) => ask((query) => query.set('ready', event.target.value))}>
            ${ready.map((one) => html`<option key=${one.name} value=${one.name} selected=${one === chosen}>${one.title ?? one.name.replaceAll('_', ' ')}</option>`)}
          </select>
        </label>`}
    <${Editor} id="simulation" label="Simulation file" rows="22" text=${text} problems=${problems.value} />
    <div class="fields">
      <label>Name <input name="name" maxlength="200" placeholder=${job ? job.name : (chosen?.name ?? '')} /></label>
      <${Where} room=${room} gpus="as it says" />
    </div>
    ${failure.value && (problems.value.length === 0 || !failure.value.errors.length) && html`<${Alert} failure=${failure.value} />`}
    <div class="row"><button class="primary" disabled=${busy.value}>Start</button><a href=${href({ place: 'learning' })}>Not now</a></div>
  </form>`;
}

export function NewRun() {
  const form = (/** @type {any} */ found) => html`<${Form} ready=${found.further.items} room=${found.room} job=${found.job} />`;
  return html`<${Beginning} title="New run" name="new" further=${() => get('/jobs/ready')} form=${form} />`;
}
