// A snapshot that is brought back: first what would happen, part by part, then the same for good.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, send } from '../js/api.js';
import { said } from '../js/house.js';
import { When } from '../js/time.js';
import { welcome } from './invite.js';

/** @import { TakenOut } from './types.js' */

/** Whether a file is a snapshot: by its first words, or by the first file of an archive. @param {File} file */
export async function isSnapshot(file) {
  const head = await file.slice(0, 512).text();
  return head.startsWith('PK') ? head.includes('snapshot.json') : /"anima-snapshot"/.test(head) || /"format"\s*:\s*"anima-snapshot"/.test(await file.slice(-4096).text());
}

/** @type {Record<string, string>} */
const PARTS = {
  facts: 'facts',
  fact_mentions: 'where facts were said',
  episodes: 'what happened',
  entities: 'people and places',
  sessions: 'talks',
  messages: 'messages',
  versions: 'versions of the personality',
  feelings: 'how it feels',
  feelings_history: 'how it felt',
  moods: 'moods of talks',
  affinity: 'closeness',
  style: 'your way of writing',
  media: 'pictures and recordings',
};

/** @param {{ parts: TakenOut['parts'] }} props */
function Parts({ parts }) {
  const known = Object.entries(parts).filter(([, one]) => one.rows > 0);
  if (!known.length) return html`<p class="quiet">The snapshot holds nothing but the avatar itself.</p>`;
  return html`<table class="kept parts">
    <thead><tr><th scope="col">Part</th><th scope="col" class="number">In the file</th><th scope="col" class="number">New here</th><th scope="col" class="number">Changed</th></tr></thead>
    <tbody>
      ${known.map(
        ([name, one]) => html`<tr key=${name}>
          <th scope="row">${PARTS[name] ?? name.replaceAll('_', ' ')}</th>
          <td class="number" data-label="in the file">${one.rows}</td>
          <td class="number" data-label="new">${one.added}</td>
          <td class="number" data-label="changed">${one.changed}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** The key that signed a snapshot from elsewhere, where that is why it was refused. @param {Failure | null} failure */
const signer = (failure) => (failure?.slug === 'signed-elsewhere' ? (failure.message.match(/trust=(\S+?)\.?$/)?.[1] ?? '') : '');

/** @param {{ file: File, into?: { id: string, name: string }, onDone: () => void }} props */
export function SnapshotImport({ file, into, onDone }) {
  const plan = useSignal(/** @type {TakenOut | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const busy = useSignal(true);
  const name = useSignal('');
  const trust = useSignal('');
  /** @param {boolean} dry @returns {Promise<TakenOut>} */
  async function bring(dry) {
    const query = new URLSearchParams({ dry_run: String(dry) });
    if (into) query.set('into', into.id);
    if (name.value.trim()) query.set('name', name.value.trim());
    if (trust.value) query.set('trust', trust.value);
    const headers = { 'Content-Type': file.name.endsWith('.zip') ? 'application/zip' : 'application/json' };
    return (await send(`/snapshots?${query}`, { method: 'POST', headers, body: file })).json();
  }
  /** @param {boolean} dry */
  async function attempt(dry) {
    busy.value = true;
    failure.value = null;
    try {
      const found = await bring(dry);
      if (dry) plan.value = found;
      else {
        said.value = `${found.name} is here.`;
        await welcome(found.avatar_id ?? into?.id ?? '');
        onDone();
      }
    } catch (error) {
      failure.value = asFailure(error);
    }
    busy.value = false;
  }
  useEffect(() => {
    void attempt(true);
  }, []);
  const elsewhere = signer(failure.value);
  const shown = plan.value;
  return html`<form
    class="stack brought"
    aria-label="The snapshot"
    onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      void attempt(!shown);
    }}
  >
    <h3>${file.name}</h3>
    ${busy.value && !shown && html`<p class="waiting" role="status">Looking what would happen…</p>`}
    ${shown &&
    html`<p>
        ${shown.created || !shown.avatar_id ? html`<strong>${shown.name}</strong> would come here as a new avatar.` : html`It would be merged into <strong>${shown.name}</strong>: what is newer counts.`}${' '}
        <span class="quiet">Made <${When} at=${shown.made_at} />, ${shown.own ? 'signed here' : `signed by ${shown.signed_by}`}.</span>
      </p>
      <${Parts} parts=${shown.parts} />
      ${shown.notes.map((one) => html`<p class="note">${one}</p>`)}`}
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${elsewhere &&
    html`<label class="choice">
      <input type="checkbox" checked=${trust.value === elsewhere} onChange=${(/** @type {any} */ event) => (trust.value = event.target.checked ? elsewhere : '')} />
      I know who made it: trust the key ${elsewhere}
    </label>`}
    ${!into && (failure.value?.slug === 'name-taken' || name.value) && html`<label>Another name <input maxlength="100" autocomplete="off" value=${name.value} onInput=${(/** @type {any} */ event) => (name.value = event.target.value)} /></label>`}
    <div class="row">
      ${shown
        ? html`<button class="primary" disabled=${busy.value}>${busy.value ? 'Bringing it back…' : 'Do it'}</button>`
        : failure.value && html`<button class="primary" disabled=${busy.value}>Look again</button>`}
      <button type="button" onClick=${onDone}>Change nothing</button>
    </div>
  </form>`;
}
