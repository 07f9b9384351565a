// A picture of an avatar: one that came with its card, or one that is chosen; it goes along with the card.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, remove, send } from '../js/api.js';

/** @import { AvatarAnswer } from '../js/types.js' */

/** @param {{ avatar: AvatarAnswer }} props */
export function Picture({ avatar }) {
  const shown = useSignal('');
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const path = `/avatars/${avatar.avatar_id}/picture`;
  /** @param {Blob | null} picture */
  const show = (picture) => {
    if (shown.value) URL.revokeObjectURL(shown.value);
    shown.value = picture ? URL.createObjectURL(picture) : '';
  };
  /** @param {() => Promise<Blob | null>} act */
  const attempt = async (act) => {
    try {
      failure.value = null;
      show(await act());
    } catch (error) {
      const known = asFailure(error);
      if (known.status !== 404) failure.value = known;
    }
  };
  useEffect(() => {
    void attempt(async () => (await send(path)).blob());
    return () => show(null);
  }, []);
  const put = (/** @type {File} */ file) =>
    attempt(async () => {
      await send(path, { method: 'PUT', headers: { 'Content-Type': file.type }, body: file });
      return file;
    });
  const clear = () =>
    attempt(async () => {
      await remove(path);
      return null;
    });
  return html`<section class="picture">
    <h2>Picture</h2>
    ${shown.value ? html`<img src=${shown.value} alt=${`Picture of ${avatar.name}`} />` : html`<p class="quiet">None yet: its portrait is drawn from its traits. A picture goes along with its card.</p>`}
    ${failure.value && html`<${Alert} failure=${failure.value} onClose=${() => (failure.value = null)} />`}
    <div class="row">
      <button type="button" onClick=${() => input.current?.click()}>${shown.value ? 'Choose another' : 'Choose a picture'}</button>
      ${shown.value && html`<button type="button" onClick=${clear}>Remove it</button>`}
    </div>
    <input
      ref=${input}
      type="file"
      hidden
      aria-label="A picture"
      accept="image/png,image/jpeg,image/webp,image/gif"
      onChange=${(/** @type {any} */ event) => event.target.files[0] && put(event.target.files[0])}
    />
  </section>`;
}
