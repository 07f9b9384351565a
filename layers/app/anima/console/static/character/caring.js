// Help and pauses: the country whose help lines are shown, minor mode, reminders of a break.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get, post } from '../js/api.js';
import { sure } from '../js/ask.js';
import { said } from '../js/house.js';
import { Resources, inWords } from '../later/care.js';
import { Switch } from '../later/switch.js';

/** @import { HelpAnswer, PersonAnswer } from './types.js' */

const names = new Intl.DisplayNames('en', { type: 'region' });

/** Whom one can call, and the countries that are known. @param {string | null} country */
function useHelp(country) {
  const help = useSignal(/** @type {HelpAnswer | null} */ (null));
  useEffect(() => {
    get(`/safety/resources${country ? `?country=${country}` : ''}`)
      .then((/** @type {any} */ found) => (help.value = found))
      .catch(() => (help.value = null));
  }, [country]);
  return help.value;
}

/** @param {{ help: HelpAnswer }} props */
function HelpLines({ help }) {
  const lines = help.lines.length ? help.lines : help.international;
  return html`<details>
    <summary>Whom one can call${help.country ? ` in ${inWords(help.country)}` : ''}</summary>
    <${Resources} resources=${lines} emergency=${help.emergency} />
    <p class="quiet">Checked on ${help.checked}.</p>
  </details>`;
}

export function Caring() {
  const safety = useSignal(/** @type {PersonAnswer | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const attempt = async (/** @type {() => Promise<any>} */ act, /** @type {string} */ told = '') => {
    try {
      failure.value = null;
      safety.value = await act();
      if (told) said.value = told;
    } catch (error) {
      failure.value = asFailure(error);
    }
  };
  useEffect(() => {
    void attempt(() => get('/users/me/safety'));
  }, []);
  const put = (/** @type {any} */ body, /** @type {string} */ told) => attempt(() => post('/users/me/safety', body, 'PUT'), told);
  const minor = async () => {
    if (await sure('Turn minor mode on? Only an admin can turn it off again.', 'Turn it on', 'Leave it')) await put({ minor: true }, 'Minor mode is on.');
  };
  const shown = safety.value;
  const help = useHelp(shown?.country ?? null);
  const codes = new Set([...(help?.countries ?? []), ...(shown?.country ? [shown.country] : [])]);
  const countries = [...codes].map((code) => [code, names.of(code) ?? code]).sort(([, one = ''], [, other = '']) => one.localeCompare(other));
  return html`<section id="safety">
    <h2>Help and pauses</h2>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${shown &&
    html`<div class="stack">
      <label>
        Country whose help lines are shown when somebody needs them
        <select value=${shown.country ?? ''} onChange=${(/** @type {any} */ event) => put({ country: event.target.value || null }, 'That was kept.')}>
          <option value="">as the browser says</option>
          ${countries.map(([code, name]) => html`<option value=${code} selected=${code === shown.country}>${name}</option>`)}
        </select>
      </label>
      ${help && html`<${HelpLines} help=${help} />`}
      <div class="switches">
        <label>
          <${Switch} on=${shown.breaks} set=${(/** @type {boolean} */ on) => put({ breaks: on }, on ? 'On.' : 'Off.')} />
          <span>Remind me of a pause</span><span class="quiet">after a long talk without one</span>
        </label>
      </div>
      ${shown.age === 'minor'
        ? html`<p role="status"><strong>Minor mode is on.</strong> Talks stay free of what is not fit for minors, pauses are suggested, and you are told now and then that this is an AI. ${shown.age_by === 'statement' ? 'It was turned on by something you said. ' : ''}Only an admin can turn it off.</p>`
        : html`<div><p class="quiet">In minor mode talks stay free of what is not fit for minors, pauses are suggested, and avatars say now and then that they are an AI.</p>
            <div class="row"><button type="button" onClick=${minor}>Turn minor mode on…</button></div></div>`}
    </div>`}
  </section>`;
}
