// How the person writes, as avatars know it: what was measured, what was corrected, off, forgotten.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get, post, remove } from '../js/api.js';
import { sure } from '../js/ask.js';
import { said } from '../js/house.js';
import { Switch } from '../later/switch.js';

/** @import { StyleOut, Trait } from './types.js' */

/** Each with its name and what it may be; a language or a greeting is only read. @type {[string, string, [string, string][]][]} */
const TRAITS = [
  ['length', 'Messages', [['short', 'short'], ['medium', 'medium'], ['long', 'long']]],
  ['formality', 'Formality', [['low', 'low: as among friends'], ['medium', 'in between'], ['high', 'high']]],
  ['emoji', 'Emojis', [['none', 'none'], ['some', 'some'], ['many', 'many']]],
  ['punctuation', 'Punctuation', [['sparse', 'sparse'], ['normal', 'usual'], ['expressive', 'expressive!!']]],
  ['case', 'Capitals', [['lower', 'all in lower case'], ['normal', 'usual']]],
  ['address', 'In French', [['tu', 'tu'], ['vous', 'vous']]],
  ['rhythm', 'Rhythm', [['quick', 'quick'], ['steady', 'steady'], ['slow', 'slow']]],
];

/** @param {{ name: string, label: string, options: [string, string][], trait: Trait, onSet: (name: string, value: string | null) => void }} props */
function Row({ name, label, options, trait, onSet }) {
  const worded = (/** @type {string | null} */ value) => options.find(([one]) => one === value)?.[1] ?? value ?? 'not known yet';
  return html`<tr>
    <th scope="row"><label for=${`style-${name}`}>${label}</label></th>
    <td data-label="measured">${worded(trait.measured)}</td>
    <td data-label="counts">
      <select id=${`style-${name}`} value=${trait.corrected ?? ''} onChange=${(/** @type {any} */ event) => onSet(name, event.target.value || null)}>
        <option value="" selected=${!trait.corrected}>as measured</option>
        ${options.map(([value, words]) => html`<option value=${value} selected=${trait.corrected === value}>${words}</option>`)}
      </select>
    </td>
  </tr>`;
}

/** @param {{ style: StyleOut, onSet: (name: string, value: string | null) => void }} props */
function Known({ style, onSet }) {
  const rows = TRAITS.filter(([name]) => style.traits[name]);
  const language = style.traits.language?.value;
  const little = [language && `You write in ${new Intl.DisplayNames('en', { type: 'language' }).of(language)}.`, style.phrases.length > 0 && `Little words of yours: ${style.phrases.join(', ')}.`].filter(Boolean);
  return html`<table class="kept settings">
      <thead><tr><th scope="col">What</th><th scope="col">Measured</th><th scope="col">What counts</th></tr></thead>
      <tbody>${rows.map(([name, label, options]) => html`<${Row} key=${name} name=${name} label=${label} options=${options} trait=${style.traits[name]} onSet=${onSet} />`)}</tbody>
    </table>
    <p class="quiet">
      ${style.messages ? `It rests on ${style.messages === 1 ? 'one message' : `your last ${style.messages} messages`}${style.settled ? '' : ': too few to be sure'}. ` : 'Nothing is measured yet. '}
      ${little.join(' ')}
    </p>`;
}

export function Writing() {
  const style = useSignal(/** @type {StyleOut | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const attempt = async (/** @type {() => Promise<any>} */ act, /** @type {string} */ told = '') => {
    try {
      failure.value = null;
      style.value = await act();
      if (told) said.value = told;
    } catch (error) {
      failure.value = asFailure(error);
    }
  };
  useEffect(() => {
    void attempt(() => get('/users/me/style'));
  }, []);
  const put = (/** @type {any} */ body, /** @type {string} */ told) => attempt(() => post('/users/me/style', body, 'PUT'), told);
  const forget = async () => {
    if (!(await sure('Forget how you write? What was said before is not learnt from again.', 'Forget it'))) return;
    await attempt(async () => {
      await remove('/users/me/style');
      return get('/users/me/style');
    }, 'Forgotten.');
  };
  const shown = style.value;
  return html`<section id="writing">
    <h2>Your way of writing</h2>
    <p>Avatars come towards you a little: shorter where you are short, without emojis where you use none. No words of yours are kept for it, and nothing of private talks.</p>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${!shown && !failure.value && html`<p class="waiting" role="status">Reading…</p>`}
    ${shown &&
    html`<div class="switches">
        <label>
          <${Switch} on=${shown.enabled} set=${(/** @type {boolean} */ on) => put({ enabled: on }, on ? 'On.' : 'Off.')} />
          <span>Learn how I write</span><span class="quiet">off: nothing is measured and nothing of it is used</span>
        </label>
      </div>
      ${shown.enabled && html`<${Known} style=${shown} onSet=${(/** @type {string} */ name, /** @type {string | null} */ value) => put({ corrected: { [name]: value } }, 'That counts now.')} />`}
      <div class="row"><button type="button" class="danger" onClick=${forget}>Forget how I write</button></div>`}
  </section>`;
}
