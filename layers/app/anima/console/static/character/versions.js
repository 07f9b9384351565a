// The versions of an avatar's personality: what each changed, in words, and a way back.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get, send } from '../js/api.js';
import { sure } from '../js/ask.js';
import { avatars, said } from '../js/house.js';
import { When } from '../js/time.js';
import { Marked } from './marked.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { Change, VersionAnswer } from './types.js' */

/** A value as it is read. @param {any} value */
const spoken = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 1));

/** @type {Record<string, string>} */
const KINDS = { added: 'added', removed: 'taken out', changed: 'changed' };

/** @param {{ changes: Change[] }} props */
export function Changes({ changes }) {
  if (!changes.length) return html`<p class="quiet">Nothing is different.</p>`;
  return html`<dl class="changes">
    ${changes.map(
      (one) => html`<div>
        <dt>${one.path.replaceAll('_', ' ')} <span class="quiet">${KINDS[one.kind]}</span></dt>
        <dd>
          ${one.kind === 'changed'
            ? html`<${Marked} before=${spoken(one.before)} after=${spoken(one.after)} />`
            : one.kind === 'added'
              ? html`<ins>${spoken(one.after)}</ins>`
              : html`<del>${spoken(one.before)}</del>`}
        </dd>
      </div>`,
    )}
  </dl>`;
}

/** @param {{ avatarId: string, version: number }} props */
function Difference({ avatarId, version }) {
  const changes = useSignal(/** @type {Change[] | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  useEffect(() => {
    get(`/avatars/${avatarId}/versions/${version}/difference`)
      .then((/** @type {any} */ found) => (changes.value = found.changes))
      .catch((error) => (failure.value = asFailure(error)));
  }, []);
  if (failure.value) return html`<${Alert} failure=${failure.value} />`;
  if (!changes.value) return html`<p class="waiting" role="status">Comparing…</p>`;
  return html`<${Changes} changes=${changes.value} />`;
}

/** @param {{ avatar: AvatarAnswer, one: VersionAnswer, onRestored: (avatar: AvatarAnswer) => void, onFailure: (failure: Failure) => void }} props */
function One({ avatar, one, onRestored, onFailure }) {
  const open = useSignal(false);
  async function restore() {
    if (!(await sure(`Make version ${one.version} the personality of ${avatar.name} again? The present one stays among the versions.`, 'Restore it', 'Leave it'))) return;
    try {
      onRestored(await (await send(`/avatars/${avatar.avatar_id}/versions/${one.version}/restore`, { method: 'POST' })).json());
    } catch (error) {
      onFailure(asFailure(error));
    }
  }
  return html`<li data-active=${one.is_present}>
    <p>
      <strong>Version ${one.version}</strong>${one.is_present && html` <span class="mark" data-mark="done">the present one</span>`}
      <span class="quiet">${' · '}<${When} at=${one.created_at} />${one.restored_from ? `, brought back from version ${one.restored_from}` : ''}</span>
    </p>
    ${!one.is_present &&
    html`<div class="row">
        <button type="button" class="quiet-button" aria-expanded=${open.value} aria-label=${`Version ${one.version}: what is different now`} onClick=${() => (open.value = !open.value)}>What is different now</button>
        <button type="button" class="quiet-button" aria-label=${`Restore version ${one.version}`} onClick=${restore}>Restore it</button>
      </div>
      ${open.value && html`<${Difference} avatarId=${avatar.avatar_id} version=${one.version} />`}`}
  </li>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Versions({ avatar }) {
  const items = useSignal(/** @type {VersionAnswer[] | null} */ (null));
  const more = useSignal(/** @type {string | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const path = `/avatars/${avatar.avatar_id}/versions?limit=20`;
  const load = (/** @type {string | null} */ cursor) =>
    get(cursor ? `${path}&cursor=${encodeURIComponent(cursor)}` : path)
      .then((/** @type {any} */ found) => {
        items.value = [...(cursor ? (items.value ?? []) : []), ...found.items];
        more.value = found.next_cursor;
      })
      .catch((error) => (failure.value = asFailure(error)));
  useEffect(() => {
    void load(null);
  }, [avatar]);
  /** @param {AvatarAnswer} now */
  function restored(now) {
    avatars.value = (avatars.value ?? []).map((one) => (one.avatar_id === now.avatar_id ? now : one));
    said.value = 'That version is the personality again.';
    void load(null);
  }
  return html`<section>
    <h2>Versions of its personality</h2>
    <p class="quiet">Each time the personality is kept, the one before stays here; the last hundred are kept.</p>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${!items.value && !failure.value && html`<p class="waiting" role="status">Looking…</p>`}
    ${items.value &&
    html`<ol class="timeline versions">
      ${items.value.map(
        (one) =>
          html`<${One} key=${`${one.version}/${one.is_present}/${items.value?.[0]?.version}`} avatar=${avatar} one=${one} onRestored=${restored} onFailure=${(/** @type {Failure} */ told) => (failure.value = told)} />`,
      )}
    </ol>`}
    ${more.value && html`<button type="button" onClick=${() => load(more.value)}>Earlier ones</button>`}
  </section>`;
}
