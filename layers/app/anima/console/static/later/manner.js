// Why an answer sounds as it does: the feeling before and after it, what code kept of its conduct, which lore it was given.

import { html } from 'htm/preact';
import { Modulators } from '../character/feeling.js';
import { Dot } from '../js/portrait.js';

/** @import { Reply } from '../js/types.js' */

/** @param {Record<string, any>} affect */
const numbers = ({ valence, arousal }) =>
  [typeof valence === 'number' && `valence ${valence.toFixed(2)}`, typeof arousal === 'number' && `arousal ${arousal.toFixed(2)}`].filter(Boolean).join(', ');

/** @param {{ label: string, affect: Record<string, any> }} props */
function Moment({ label, affect }) {
  const { mood, intensity } = affect;
  return html`<div>
    <dt>${label}</dt>
    <dd><${Dot} affect=${affect} /> ${mood}${intensity ? `, ${Math.round(intensity * 100)} %` : ''} <span class="quiet">${numbers(affect)}</span></dd>
  </div>`;
}

/** @param {{ reply: Reply }} props */
export function Feeling({ reply }) {
  const { affect } = reply;
  const { before, mood, level, affinity, attention, concentrations } = affect;
  if (!mood && !level) return html`<p class="quiet">This avatar does not feel.</p>`;
  return html`<dl>
      ${before?.mood && html`<${Moment} label="Before" affect=${before} />`}
      ${mood && html`<${Moment} label=${before?.mood ? 'After' : 'Mood'} affect=${affect} />`}
      ${level && html`<div><dt>To you</dt><dd>${level}</dd></div>`}
      ${affinity !== undefined && affinity !== null && html`<div><dt>Affinity</dt><dd>${Number(affinity).toFixed(1)} of 100</dd></div>`}
      ${typeof attention === 'number' && html`<div><dt>Attention</dt><dd>${attention.toFixed(2)} times the usual</dd></div>`}
    </dl>
    ${concentrations && Object.keys(concentrations).length > 0 && html`<${Modulators} levels=${Object.entries(concentrations)} />`}`;
}

/** @type {Record<string, string>} */
const RULES = {
  max_sentences: 'Most sentences',
  max_questions: 'Most questions',
  emojis: 'Emojis',
  exclamations: 'Exclamation marks',
  lower_case: 'In lower case',
  opening: 'Began with',
  asked_back: 'Asked back',
  temperature: 'Temperature',
  top_p: 'Top p',
  max_reply_tokens: 'Most tokens',
};

/** @type {Record<string, string>} */
const WEIGHTS = { emotional: 'what moved', recent: 'what was lately', importance: 'what matters', people: 'people' };

const rounded = (/** @type {number} */ value) => String(Math.round(value * 100) / 100);

/** @param {any} value */
const told = (value) => (typeof value === 'number' ? rounded(value) : value === true ? 'yes' : `${value}`);

/** What code set for the answer and kept in it. @param {{ parameters: Record<string, any> }} props */
export function Conduct({ parameters }) {
  const { memory = {}, ...conduct } = parameters.conduct ?? {};
  const rules = Object.keys(RULES).filter((name) => ![undefined, null, '', false].includes(conduct[name]));
  const weights = Object.keys(WEIGHTS).filter((name) => typeof memory[name] === 'number' && rounded(memory[name]) !== '1');
  if (!rules.length) return null;
  return html`<section>
    <h3>Conduct that code kept</h3>
    <dl>
      ${rules.map((name) => html`<div key=${name}><dt>${RULES[name]}</dt><dd>${told(conduct[name])}</dd></div>`)}
      ${weights.length > 0 && html`<div><dt>Remembers more or less</dt><dd>${weights.map((name) => `${WEIGHTS[name]} × ${rounded(memory[name])}`).join(', ')}</dd></div>`}
    </dl>
  </section>`;
}

/** Background of its world that the talk called up. @param {{ parameters: Record<string, any> }} props */
export function Lore({ parameters }) {
  /** @type {(string | { name?: string, keys?: string[], content?: string })[]} */
  const lore = Array.isArray(parameters.lore) ? parameters.lore : [];
  if (!lore.length) return null;
  return html`<section>
    <h3>Lore it was given</h3>
    <ul class="derivation">${lore.map((one) => html`<li>${typeof one === 'string' ? one : one.name || one.keys?.join(', ') || one.content}</li>`)}</ul>
  </section>`;
}
