// Stores by purpose: where passages lie, how much is in each, how it is, and what can be done about it.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { post, remove, user } from '../js/api.js';
import { sure } from '../js/ask.js';
import { attempt, said } from '../js/house.js';
import { href } from '../js/route.js';
import { When } from '../js/time.js';
import { NewStore } from './new_store.js';
import { loadStores, purposes, stores } from './purposes.js';

/** @import { CheckAnswer, PublishedAnswer, StoreAnswer } from './types.js' */

const CONDITIONS = /** @type {Record<string, string>} */ ({ ready: 'ready', waiting: 'is being filled', failing: 'cannot be reached' });
const LOOK_AGAIN_MS = 3000;

/** What a check found, in words. @param {CheckAnswer} seen */
function found(seen) {
  if (seen.problem) return seen.problem;
  const wrong = [
    seen.missing && `${seen.missing} missing`,
    seen.extra && `${seen.extra} that do not belong there`,
    seen.other_model && `${seen.other_model} of another embedding model`,
  ].filter(Boolean);
  const waiting = seen.waiting ? ` ${seen.waiting} are on their way.` : '';
  if (!wrong.length) return `All ${seen.expected} vectors are there.${waiting}`;
  return `${seen.found} of ${seen.expected} vectors are there: ${wrong.join(', ')}. ${seen.mended ? 'They are being put right.' : ''}${waiting}`;
}

/** @param {{ store: StoreAnswer }} props */
function Acts({ store }) {
  const seen = useSignal(/** @type {CheckAnswer | null} */ (null));
  const note = useSignal('');
  const at = `/vector-stores/${store.store_id}`;
  const check = (/** @type {boolean} */ mend) =>
    attempt(async () => {
      seen.value = await post(`${at}/check`, { mend });
      note.value = found(/** @type {CheckAnswer} */ (seen.value));
      await loadStores();
    });
  const drop = () =>
    attempt(async () => {
      const what = `Delete the store “${store.store_name}” with its ${store.documents} documents? Nothing of them stays, here or on its engine.`;
      if (!(await sure(what, 'Delete'))) return;
      await remove(at);
      said.value = 'Deleted.';
      await loadStores();
    });
  const publish = () =>
    attempt(async () => {
      const ask = `Publish “${store.store_name}”? A copy of it, as it is now, can be searched by everybody here.`;
      if (!(await sure(ask, 'Publish', 'Not now'))) return;
      /** @type {PublishedAnswer} */
      const made = await post(`${at}/publish`, {});
      note.value = `Everybody can search it now: ${made.documents} documents, ${made.chunks} passages.`;
    });
  const withdraw = () =>
    attempt(async () => {
      await remove(`${at}/publish`);
      note.value = 'Nobody else can search it any more.';
    });
  const mendable = seen.value && !seen.value.mended && (seen.value.missing || seen.value.extra || seen.value.other_model);
  const button = (/** @type {string} */ name, /** @type {() => void} */ act) =>
    html`<button type="button" class="quiet-button" aria-label=${`${name} ${store.store_name}`} onClick=${act}>${name}</button>`;
  return html`<div class="row acts">
      ${button('Check', () => check(false))} ${mendable && button('Put right', () => check(true))}
      ${user.value?.roles.includes('admin') && store.provider === 'pgvector' && html`${button('Publish', publish)} ${button('Withdraw', withdraw)}`}
      ${button('Delete', drop)}
    </div>
    ${note.value && html`<p class="quiet" role="status">${note.value}</p>`}`;
}

/** @param {{ store: StoreAnswer }} props */
function Row({ store }) {
  const { condition, waiting, last_error: error, failed_at: failed, retry_at: retry } = store.health;
  const filter = new URLSearchParams({ purpose: store.purpose }).toString();
  return html`<tr>
    <th scope="row">
      ${store.store_name}
      <span class="quiet">${store.provider}${store.endpoint_url ? `, ${store.endpoint_url}` : ''}</span>
    </th>
    <td class="number"><a href=${href({ place: 'documents', query: filter })}>${store.documents.toLocaleString('en')}</a></td>
    <td class="number">${store.chunks.toLocaleString('en')}</td>
    <td>
      <span class="mark" data-mark=${condition === 'ready' ? 'done' : condition === 'failing' ? 'failed' : 'running'}>${CONDITIONS[condition] ?? condition}</span>
      ${waiting > 0 && html`<span class="quiet">${waiting} vectors wait</span>`}
      ${condition === 'failing' && error && html`<span class="quiet">${error}${failed && html`, <${When} at=${failed} />`}${retry && html`; tried again <${When} at=${retry} />`}</span>`}
    </td>
    <td class="quiet" title=${store.embedding_model}>${store.embedding_model.split('@')[0]}, ${store.dimension}</td>
    <td><${Acts} store=${store} /></td>
  </tr>`;
}

export function Stores() {
  useEffect(() => {
    void attempt(loadStores);
    const timer = setInterval(() => {
      if (stores.value?.some((one) => one.health.condition !== 'ready')) void loadStores().catch(() => {});
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  if (!stores.value) return html`<p class="waiting" role="status">Looking at the stores…</p>`;
  return html`
    <p class="quiet">Documents lie in the store of their purpose. A search looks in one purpose, or in several side by side.</p>
    <div class="scroll-x" tabindex="0" role="region" aria-label="Stores">
      <table>
        <thead>
          <tr>
            <th scope="col">Store</th><th scope="col" class="number">Documents</th><th scope="col" class="number">Passages</th>
            <th scope="col">Health</th><th scope="col">Embedding model</th><th scope="col"><span class="unseen">What to do</span></th>
          </tr>
        </thead>
        ${purposes.value.map(
          (purpose) => html`<tbody key=${purpose}>
            <tr class="purpose"><th colspan="6" scope="rowgroup">${purpose}</th></tr>
            ${(stores.value ?? []).filter((one) => one.purpose === purpose).map((one) => html`<${Row} key=${one.store_id} store=${one} />`)}
          </tbody>`,
        )}
      </table>
    </div>
    <${NewStore} />
  `;
}
