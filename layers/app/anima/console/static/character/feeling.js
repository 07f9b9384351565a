// How an avatar feels: now, in a word and a colour; how close the two are; what moves it; and how it felt before.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, get } from '../js/api.js';
import { affinities, avatarOf, loadAffinity } from '../js/house.js';
import { Dot, Portrait } from '../js/portrait.js';
import { href } from '../js/route.js';
import { When } from '../js/time.js';
import { FeelingsChart } from './chart.js';

/** @import { AvatarAnswer } from '../js/types.js' */
/** @import { PointOut, StateOut } from './types.js' */

/** What each modulator does, in a few words. @type {Record<string, string>} */
const MODULATORS = {
  dopamine: 'reward: seeks more of it',
  serotonin: 'evenness: calm and patient',
  norepinephrine: 'alertness: attends to what is new',
  acetylcholine: 'attention: learns what is said',
  gaba: 'quiet: settles down',
  oxytocin: 'closeness: trusts',
};

/** @param {number} value from -1 to 1 */
const pleasant = (value) => (value > 0.15 ? 'pleasant' : value < -0.15 ? 'unpleasant' : 'neither pleasant nor not');
/** @param {number} value from 0 to 1 */
const stirred = (value) => (value > 0.65 ? 'stirred' : value > 0.35 ? 'awake' : 'calm');

/** Strongest first. @param {StateOut['emotions']} emotions @returns {[string, number][]} */
function inOrder(emotions) {
  return Object.entries(emotions)
    .filter(([, strength]) => strength >= 0.05)
    .sort(([, one], [, other]) => other - one)
    .slice(0, 5);
}

/** Mood, feelings and what moves them. @param {{ state: StateOut }} props */
export function Affect({ state }) {
  const emotions = inOrder(state.emotions);
  const levels = Object.entries(state.concentrations);
  return html`<p class="mood"><${Dot} affect=${state} /><strong>${state.mood}</strong>${state.intensity ? html` <span class="quiet">${Math.round(state.intensity * 100)} %</span>` : null}</p>
    <dl>
      <div><dt>Valence</dt><dd>${state.valence.toFixed(2)}, ${pleasant(state.valence)}</dd></div>
      <div><dt>Arousal</dt><dd>${state.arousal.toFixed(2)}, ${stirred(state.arousal)}</dd></div>
      ${emotions.length > 0 && html`<div><dt>It feels</dt><dd>${emotions.map(([name, strength]) => `${name} ${Math.round(strength * 100)} %`).join(', ')}</dd></div>`}
      <div><dt>Attention</dt><dd>${state.attention.toFixed(2)} times the usual</dd></div>
    </dl>
    ${levels.length > 0 && html`<${Modulators} levels=${levels} />`}`;
}

/** @param {{ levels: [string, number][] }} props concentrations in nM */
export function Modulators({ levels }) {
  return html`<details class="modulators">
    <summary>What moves it</summary>
    <dl>
      ${levels.map(
        ([name, level]) => html`<div key=${name}><dt>${name} <span class="quiet">${MODULATORS[name] ?? ''}</span></dt><dd>${level.toFixed(level < 10 ? 2 : 0)} nM</dd></div>`,
      )}
    </dl>
  </details>`;
}

/** @param {{ avatar: AvatarAnswer }} props */
function Closeness({ avatar }) {
  const found = affinities.value[avatar.avatar_id];
  useEffect(() => {
    loadAffinity(avatar.avatar_id).catch(() => {});
  }, [avatar.avatar_id]);
  if (!found) return null;
  const { next_level: next, history = [] } = found;
  return html`<div class="closeness">
    <p><strong>${found.level}</strong> <span class="quiet">${found.affinity.toFixed(1)} of 100${next ? `; ${next.level} from ${next.from}` : ''}</span></p>
    <meter class="share" min="0" max="100" value=${found.affinity} aria-label=${`Closeness: ${found.affinity.toFixed(0)} of 100, ${found.level}`} />
    ${history.length > 1 && html`<p class="quiet">${history.map((one, index) => html`${index > 0 && ' → '}${one.level} <${When} at=${one.at} />`)}</p>`}
  </div>`;
}

/** @type {[string, string, number][]} */
const SPANS = [
  ['day', 'a day', 1],
  ['week', 'a week', 7],
  ['month', 'a month', 31],
  ['all', 'as long as it is known', 3650],
];

/** @param {string} avatarId @param {number} days */
const historyOf = (avatarId, days) => `/avatars/${avatarId}/state/history?from=${encodeURIComponent(new Date(Date.now() - days * 86_400_000).toISOString())}`;

/** @param {PointOut[]} points */
function csv(points) {
  const cell = (/** @type {any} */ value) => (/[",\n]/.test(String(value ?? '')) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ''));
  const rows = points.map((one) => [one.at, one.mood, one.valence, one.arousal, one.cause].map(cell).join(','));
  return ['at,mood,valence,arousal,cause', ...rows].join('\r\n');
}

/** @param {PointOut[]} points @param {string} name */
function saveCsv(points, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv(points)], { type: 'text/csv' }));
  link.download = `feelings-${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const MOST = 2000;

/** Everything of a span, oldest first. @param {string} avatarId @param {number} days @returns {Promise<PointOut[]>} */
async function pointsOf(avatarId, days) {
  /** @type {PointOut[]} */
  let found = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    const page = /** @type {any} */ (await get(`${historyOf(avatarId, days)}&limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`));
    found = found.concat(page.items);
    cursor = page.next_cursor;
  } while (cursor && found.length < MOST);
  return found.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

/** @param {{ avatar: AvatarAnswer }} props */
function History({ avatar }) {
  const span = useSignal('week');
  const points = useSignal(/** @type {PointOut[] | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const days = SPANS.find(([name]) => name === span.value)?.[2] ?? 7;
  useEffect(() => {
    failure.value = null;
    pointsOf(avatar.avatar_id, days)
      .then((found) => (points.value = found))
      .catch((error) => (failure.value = asFailure(error)));
  }, [avatar.avatar_id, days]);
  const found = points.value;
  return html`<div class="history">
    <div class="row">
      <label>Over <select value=${span.value} onChange=${(/** @type {any} */ event) => (span.value = event.target.value)}>${SPANS.map(([name, words]) => html`<option value=${name}>${words}</option>`)}</select></label>
      ${found && found.length > 0 && html`<button type="button" class="quiet-button" onClick=${() => saveCsv(found, avatar.name)}>as CSV</button>`}
    </div>
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${found && (found.length ? html`<${FeelingsChart} points=${found} />` : html`<p class="quiet">Nothing yet: talk with ${avatar.name}, and each message may move it.</p>`)}
  </div>`;
}

/** @param {{ avatarId: string }} props */
function useState({ avatarId }) {
  const state = useSignal(/** @type {StateOut | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  useEffect(() => {
    get(`/avatars/${avatarId}/state`)
      .then((/** @type {any} */ found) => (state.value = found))
      .catch((error) => (failure.value = asFailure(error)));
  }, [avatarId]);
  return { state: state.value, failure: failure.value };
}

/** @param {{ avatar: AvatarAnswer }} props */
export function Feelings({ avatar }) {
  const { state, failure } = useState({ avatarId: avatar.avatar_id });
  return html`<section class="feelings">
    <div class="portrait-of"><${Portrait} avatar=${avatar} size=${140} affect=${state} /></div>
    <div class="stack">
      <div>
        <h2>Now</h2>
        ${failure && html`<${Alert} failure=${failure} />`}
        ${state && html`<${Affect} state=${state} /><p class="quiet">as of <${When} at=${state.as_of} /></p>`}
      </div>
      <div><h2>Closeness</h2><${Closeness} avatar=${avatar} /></div>
      <div><h2>How it felt</h2><${History} avatar=${avatar} /></div>
      <p class="quiet">A private talk changes only its own mood: nothing of it is written here.</p>
    </div>
  </section>`;
}

/** The same beside a talk, in the drawer. @param {{ avatarId: string }} props */
export function FeelingNow({ avatarId }) {
  const avatar = avatarOf(avatarId);
  const { state, failure } = useState({ avatarId });
  if (!avatar) return null;
  return html`<div class="why feelings-now">
    <section class="portrait-of"><${Portrait} avatar=${avatar} size=${112} affect=${state} /></section>
    <section><h3>Now</h3>${failure && html`<${Alert} failure=${failure} />`}${state && html`<${Affect} state=${state} />`}</section>
    <section><h3>Closeness</h3><${Closeness} avatar=${avatar} /></section>
    <section><h3>How it felt</h3><${History} avatar=${avatar} /><p class="quiet"><a href=${href({ place: 'avatar', avatar: avatarId, part: 'feelings' })}>All of it</a></p></section>
  </div>`;
}
