// A new batch: lines that a model answers one by one, from a file or pasted, and which model that is.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { asFailure, newKey, send } from '../js/api.js';
import { said } from '../js/house.js';
import { go, href } from '../js/route.js';
import { all } from '../models/told.js';
import { linesOf, tooMuch } from './batch_lines.js';
import { Beginning, Where } from './beginning.js';
import { Editor, Problems } from './editor.js';
import { whole } from './numbers.js';
import { asked } from './query.js';

/** @import { Failure } from '../js/api.js' */
/** @import { Problem } from './editor.js' */

/** Who answers: its name, what it is called, and what its model is, in words. @type {[string, string, string][]} */
const ENGINES = [
  ['local', 'the model of this machine', 'Left empty: the one of the settings.'],
  ['openai', 'a provider of the settings', 'As the provider calls it.'],
  ['transformer', 'a transformer of the registry', 'NAME, or NAME@VERSION.'],
  ['embeddings', 'embeddings: each text becomes a vector', 'Left empty: the one of the settings.'],
];

/** The fields of a form, those that are numbers as such. @param {HTMLFormElement} form @returns {Record<string, any>} */
function filled(form) {
  const given = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value !== '');
  return Object.fromEntries(given.map(([name, value]) => [name, ['temperature', 'max_tokens', 'gpus'].includes(String(name)) ? Number(value) : value]));
}

/** The order as the API takes it. @param {Record<string, any>} given @param {any[]} lines @param {any} further settings */
function order({ kind, model, provider, temperature, max_tokens: most, cache, attention, name, backend, gpus }, lines, further) {
  const engine = { kind, model, provider, ...further.engine };
  const parameters = { temperature, max_tokens: most, ...further.parameters };
  const batch = { cache: Boolean(cache), attention: attention ? true : undefined, ...further, engine, parameters, lines: further.input && lines.length === 0 ? undefined : lines };
  return JSON.stringify({ kind: 'batch_inference', name, backend, gpus, batch });
}

/** Further settings, as JSON. @param {string} text @returns {{ found: any, wrong: string }} */
function settingsIn(text) {
  try {
    const found = JSON.parse(text.trim() || '{}');
    if (found !== null && typeof found === 'object' && !Array.isArray(found)) return { found, wrong: '' };
  } catch {
    // said below
  }
  return { found: {}, wrong: 'Further settings are one JSON object, such as {"concurrency": 4}.' };
}

/** What a batch before this one said, as the fields have it. @param {any} job */
function before(job) {
  const { engine = { kind: 'local' }, parameters = {}, lines = [], cache = true, attention = false, ...rest } = job?.configuration?.batch ?? {};
  const { temperature = '', max_tokens: most = '', ...others } = parameters;
  const { kind, model = '', provider = '', ...more } = engine;
  const further = { ...rest, ...(Object.keys(others).length && { parameters: others }), ...(Object.keys(more).length && { engine: more }) };
  for (const name of ['input', 'output']) delete further[name];
  return { kind, model, provider, temperature, most, cache, attention, text: lines.map((/** @type {any} */ one) => JSON.stringify(one)).join('\n'), further: job ? JSON.stringify(further, null, 2) : '' };
}

/** A file whose lines are taken into the text. @param {{ take: (text: string, name: string) => void }} props */
function FromFile({ take }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const chosen = async () => {
    const file = input.current?.files?.[0];
    if (file) take(await file.text(), file.name);
    if (input.current) input.current.value = '';
  };
  return html`<button type="button" class="quiet-button" onClick=${() => input.current?.click()}>Take them from a file</button>
    <input ref=${input} type="file" hidden accept=".jsonl,.ndjson,.json,.txt" aria-label="A file of lines" onChange=${chosen} />`;
}

/** @param {{ models: any[], kind: { value: string }, first: any }} props */
function Engine({ models, kind, first }) {
  const [, , words] = ENGINES.find(([name]) => name === kind.value) ?? ENGINES[0] ?? ['', '', ''];
  const needed = ['openai', 'transformer'].includes(kind.value);
  return html`<label>Answered by
      <select name="kind" value=${kind.value} onChange=${(/** @type {any} */ event) => (kind.value = event.target.value)}>
        ${ENGINES.map(([name, what]) => html`<option key=${name} value=${name} selected=${name === kind.value}>${what}</option>`)}
      </select>
    </label>
    ${kind.value === 'openai' && html`<label>Provider <input name="provider" maxlength="100" autocomplete="off" placeholder="openai" defaultValue=${first.provider} /></label>`}
    <div>
      <label>Model <input name="model" maxlength="200" autocomplete="off" required=${needed} list=${kind.value === 'transformer' ? 'registered' : undefined} aria-describedby="model-note" defaultValue=${first.model} /></label>
      <p class="quiet" id="model-note">${words}</p>
      <datalist id="registered">${models.map((one) => html`<option key=${one.model_id} value=${`${one.name}@${one.version}`} />`)}</datalist>
    </div>
    ${kind.value !== 'embeddings' &&
    html`<div>
        <label>Temperature <input name="temperature" type="number" min="0" max="10" step="any" aria-describedby="temperature-note" defaultValue=${first.temperature} /></label>
        <p class="quiet" id="temperature-note">0: always the likeliest word; what is asked twice is answered once.</p>
      </div>
      <label>Longest answer, in tokens <input name="max_tokens" type="number" min="1" placeholder=${kind.value === 'transformer' ? '64' : '512'} defaultValue=${first.most} /></label>`}`;
}

/** @param {{ models: any[], room: any, job: any }} props */
function Form({ models, room, job }) {
  const first = before(job);
  const kind = useSignal(first.kind);
  const text = useSignal(/** @type {string} */ (first.text));
  const further = useSignal(first.further);
  const file = useSignal('');
  const problems = useSignal(/** @type {Problem[]} */ ([]));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(false);
  const key = useRef(newKey());
  const read = () => linesOf(text.value, kind.value === 'embeddings' ? 'text' : 'prompt');
  const count = text.value.split('\n').filter((line) => line.trim()).length;
  const wrong = (/** @type {string} */ message) => [{ path: '', message, start: 0, end: 0, line: 0 }];
  const ask = async (/** @type {string} */ body) => {
    busy.value = true;
    try {
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key.current };
      const made = await (await send('/jobs', { method: 'POST', headers, body })).json();
      said.value = `${made.name} is asked for.`;
      go({ place: 'learning', job: made.job_id });
    } catch (error) {
      failure.value = asFailure(error);
      key.current = newKey();
      problems.value = failure.value.errors.map((one) => ({ ...one, start: 0, end: 0, line: 0 }));
    } finally {
      busy.value = false;
    }
  };
  const start = (/** @type {Event} */ event) => {
    event.preventDefault();
    const [{ lines, problems: found }, settings] = [read(), settingsIn(further.value)];
    const body = order(filled(/** @type {HTMLFormElement} */ (event.currentTarget)), lines, settings.found);
    const reason = settings.wrong || (settings.found.input && lines.length === 0 ? '' : tooMuch(lines, body));
    failure.value = null;
    problems.value = found.length ? found : reason ? wrong(reason) : [];
    if (problems.value.length === 0) void ask(body);
  };
  const take = (/** @type {string} */ content, /** @type {string} */ name) => {
    [text.value, file.value, problems.value] = [content, name.replace(/\.[^.]*$/, ''), []];
    said.value = `${name} is read.`;
  };
  return html`<form class="stack new-run" onSubmit=${start}>
    ${job && html`<p>As <a href=${href({ place: 'learning', job: job.job_id })}>${job.name}</a> was, to be changed.</p>`}
    <div class="fields"><${Engine} models=${models} kind=${kind} first=${first} /></div>
    <div class="lines-of">
      <p class="row between"><span class="quiet" role="status">${count === 0 ? 'No line yet' : count === 1 ? '1 line' : `${whole(count)} lines`}</span><${FromFile} take=${take} /></p>
      <${Editor} id="lines" label="Lines" rows="12" text=${text} problems=${problems.value.filter(({ line }) => line > 0)} described="lines-note" placeholder=${'Name a sea.\nName a lake.'} />
      <p class="quiet" id="lines-note">Each line is answered by itself. Plain lines are ${kind.value === 'embeddings' ? 'texts' : 'prompts'}; lines of JSON have an <code>id</code> and ${kind.value === 'embeddings' ? html`a <code>text</code>` : kind.value === 'transformer' ? html`a <code>prompt</code>` : html`a <code>prompt</code> or <code>messages</code>`}.</p>
    </div>
    <p class="ticks">
      <label class="tick"><input type="checkbox" name="cache" defaultChecked=${first.cache} />Ask what is the same only once</label>
      ${kind.value === 'transformer' && html`<label class="tick"><input type="checkbox" name="attention" defaultChecked=${first.attention} />Keep its attention</label>`}
    </p>
    <details>
      <summary>Further settings</summary>
      <label for="further">As JSON, by the names of the documentation</label>
      <textarea id="further" class="json" rows="4" spellcheck="false" autocapitalize="off" aria-describedby="further-note" placeholder=${'{"concurrency": 4, "parameters": {"seed": 1}}'} value=${further.value} onInput=${(/** @type {any} */ event) => (further.value = event.target.value)}></textarea>
      <p class="quiet" id="further-note">A file of the object store takes the place of lines as <code>input</code>.</p>
    </details>
    <div class="fields">
      <label>Name <input name="name" maxlength="200" placeholder=${job?.name ?? 'batch inference'} defaultValue=${file.value} /></label>
      <${Where} room=${room} gpus="0" />
    </div>
    <${Problems} problems=${problems.value.filter(({ line }) => line === 0)} />
    ${failure.value && problems.value.length === 0 && html`<${Alert} failure=${failure.value} />`}
    <div class="row"><button class="primary" disabled=${busy.value}>Start</button><a href=${href({ place: 'learning' })}>Not now</a></div>
  </form>`;
}

export function NewBatch() {
  const form = (/** @type {any} */ found) => html`<${Form} models=${found.further} room=${found.room} job=${found.job} />`;
  return html`<${Beginning} title="New batch" name="batch" further=${() => all('/registry/models').catch(() => [])} form=${form} />`;
}
