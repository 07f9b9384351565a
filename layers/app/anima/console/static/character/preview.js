// What a personality becomes: the prompt and the conduct for a closeness, a mood, a feeling and a way of writing.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, post } from '../js/api.js';
import { Marked } from './marked.js';

/** @import { CompiledPrompt, Personality } from './types.js' */

const WAIT_MS = 200;

/** @typedef {{ affinity: number, mood: string, intensity: number, felt: boolean, valence: number, arousal: number, written: boolean, words: number, formality: number, emoji: number }} Setting */

/** @type {Setting} */
const USUAL = { affinity: 20, mood: '', intensity: 0.6, felt: false, valence: 0.5, arousal: 0.4, written: false, words: 12, formality: 0.3, emoji: 0.2 };

/** What a person reads instead of the name of a rule of conduct. @type {Record<string, string>} */
const RULES = {
  max_sentences: 'Most sentences',
  max_questions: 'Most questions',
  emojis: 'Emojis',
  exclamations: 'Exclamation marks',
  temperature: 'Temperature',
  top_p: 'Top p',
  max_reply_tokens: 'Most tokens',
  asks_back: 'Asks back',
  opening_share: 'Begins with words of its own',
  lower_case: 'Writes in lower case',
  'memory.emotional': 'Weight of memories that moved',
  'memory.recent': 'Weight of what was lately',
  'memory.importance': 'Weight of what matters',
  'memory.people': 'Weight of people',
};

/** @param {any} value */
function told(value) {
  if (value === null || value === undefined) return 'as it comes';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : String(value);
}

/** The rules of conduct, flat. @param {CompiledPrompt} compiled @returns {Record<string, string>} */
function rules(compiled) {
  const given = compiled.conduct;
  const inner = Object.entries(given.memory ?? {}).map(([name, value]) => [`memory.${name}`, value]);
  const found = [...Object.entries(given), ...inner].filter(([name]) => typeof name === 'string' && name in RULES);
  return Object.fromEntries(found.map(([name, value]) => [name, told(value)]));
}

/** @param {{ label: string, value: number, least?: number, most: number, step: number, told: string, onInput: (value: number) => void }} props */
function Knob({ label, value, least = 0, most, step, told: words, onInput }) {
  const id = useId();
  return html`<div class="slider" data-set="true">
    <label for=${id}>${label}</label><output for=${id}>${words}</output>
    <input id=${id} type="range" min=${least} max=${most} step=${step} value=${value} aria-valuetext=${words} onInput=${(/** @type {any} */ event) => onInput(Number(event.target.value))} />
  </div>`;
}

const percent = (/** @type {number} */ share) => `${Math.round(share * 100)} %`;

/** @param {{ setting: Setting, moods: string[], level: string, set: (changes: Partial<Setting>) => void }} props */
function Knobs({ setting, moods, level, set }) {
  const { affinity, mood, intensity, felt, valence, arousal, written, words, formality, emoji } = setting;
  const tick = (/** @type {'felt' | 'written'} */ name, /** @type {string} */ text) =>
    html`<label class="tick"><input type="checkbox" checked=${setting[name]} onChange=${(/** @type {any} */ event) => set({ [name]: event.target.checked })} />${text}</label>`;
  return html`<div class="knobs">
    <${Knob} label="Closeness" value=${affinity} most=${100} step=${1} told=${`${affinity}${level ? `, ${level}` : ''}`} onInput=${(/** @type {number} */ to) => set({ affinity: to })} />
    ${moods.length > 0 &&
    html`<label class="mood-of">
      Mood
      <select value=${mood} onChange=${(/** @type {any} */ event) => set({ mood: event.target.value })}>
        <option value="">none</option>
        ${moods.map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
    </label>`}
    ${mood && html`<${Knob} label="How strong" value=${intensity} most=${1} step=${0.05} told=${percent(intensity)} onInput=${(/** @type {number} */ to) => set({ intensity: to })} />`}
    ${tick('felt', 'with a feeling')}
    ${felt &&
    html`<${Knob} label="Valence" least=${-1} value=${valence} most=${1} step=${0.1} told=${valence < 0 ? `${valence}, unpleasant` : `${valence}, pleasant`} onInput=${(/** @type {number} */ to) => set({ valence: to })} />
      <${Knob} label="Arousal" value=${arousal} most=${1} step=${0.1} told=${arousal < 0.4 ? `${arousal}, calm` : `${arousal}, stirred`} onInput=${(/** @type {number} */ to) => set({ arousal: to })} />`}
    ${tick('written', 'to somebody whose way of writing is known')}
    ${written &&
    html`<${Knob} label="Words in a message" least=${1} value=${words} most=${80} step=${1} told=${`${words} words`} onInput=${(/** @type {number} */ to) => set({ words: to })} />
      <${Knob} label="Formality" value=${formality} most=${1} step=${0.05} told=${percent(formality)} onInput=${(/** @type {number} */ to) => set({ formality: to })} />
      <${Knob} label="Emojis in a message" value=${emoji} most=${3} step=${0.1} told=${String(emoji)} onInput=${(/** @type {number} */ to) => set({ emoji: to })} />`}
  </div>`;
}

/** What is asked for a setting. @param {Personality} data @param {string} name @param {Setting} setting @param {string[]} moods */
function question(data, name, setting, moods) {
  const { affinity, mood, intensity, felt, valence, arousal, written, words, formality, emoji } = setting;
  return {
    personality: data,
    name: name || null,
    affinity,
    ...(moods.includes(mood) ? { mood: { name: mood, intensity } } : {}),
    ...(felt ? { emotions: { valence, arousal } } : {}),
    ...(written ? { style: { words, formality, emoji } } : {}),
  };
}

/** The prompt for the setting, and the one before the last thing that was moved: a slider that is drawn counts as one move.
 * @param {Personality | null} data @param {string} name @param {Setting} setting @param {string[]} moods @param {string} moved what was moved last */
function useCompiled(data, name, setting, moods, moved) {
  const now = useSignal(/** @type {CompiledPrompt | null} */ (null));
  const before = useSignal(/** @type {CompiledPrompt | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const turn = useRef(0);
  const last = useRef('');
  const asked = data && JSON.stringify(question(data, name, setting, moods));
  useEffect(() => {
    if (!asked) return undefined;
    const mine = ++turn.current;
    const timer = setTimeout(
      () =>
        post('/personalities/compile', JSON.parse(asked))
          .then((/** @type {any} */ found) => {
            if (mine !== turn.current) return;
            if (last.current !== moved || !before.value) before.value = now.value ?? found;
            last.current = moved;
            now.value = found;
            failure.value = null;
          })
          .catch((error) => {
            if (mine === turn.current) failure.value = asFailure(error);
          }),
      now.value ? WAIT_MS : 0,
    );
    return () => clearTimeout(timer);
  }, [asked]);
  return { now, before, failure };
}

/** @param {{ before: CompiledPrompt, now: CompiledPrompt }} props */
function Conduct({ before, now }) {
  const [was, is] = [rules(before), rules(now)];
  return html`<dl class="conduct">
    ${Object.entries(is).map(
      ([name, value]) => html`<div key=${name} data-changed=${was[name] !== value || undefined}>
        <dt>${RULES[name]}</dt>
        <dd>${was[name] !== value && was[name] !== undefined && html`<del>${was[name]}</del> `}${was[name] === value ? value : html`<ins>${value}</ins>`}</dd>
      </div>`,
    )}
  </dl>`;
}

/** The prompt with what changed marked, the first mark in view. @param {{ before: string, after: string }} props */
function Prompt({ before, after }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const mark = box.current?.querySelector('ins, del');
    if (box.current && mark) box.current.scrollTop += mark.getBoundingClientRect().top - box.current.getBoundingClientRect().top - 60;
  }, [before, after]);
  return html`<div class="prompt" ref=${box} tabindex="0" role="region" aria-label="The prompt"><${Marked} before=${before} after=${after} /></div>`;
}

/** @param {{ data: Personality | null, name: string, edited?: string }} props edited: the path that was edited last */
export function Preview({ data, name, edited = '' }) {
  const setting = useSignal(USUAL);
  const moved = useSignal('');
  const text = useRef('');
  if (edited !== text.current) {
    text.current = edited;
    moved.value = `text/${edited}`;
  }
  const moods = (data?.moods ?? []).map((/** @type {any} */ one) => String(one?.name ?? '')).filter(Boolean);
  const { now, before, failure } = useCompiled(data, name, setting.value, moods, moved.value);
  /** @param {Partial<Setting>} changes */
  const set = (changes) => {
    moved.value = Object.keys(changes)[0] ?? '';
    setting.value = { ...setting.value, ...changes };
  };
  const shown = now.value;
  return html`<section class="preview" aria-label="What it becomes">
    <h2>What it becomes</h2>
    <${Knobs} setting=${setting.value} moods=${moods} level=${shown?.level ?? ''} set=${set} />
    ${failure.value && html`<${Alert} failure=${failure.value} />`}
    ${!shown && !failure.value && html`<p class="waiting" role="status">Compiling…</p>`}
    ${shown &&
    html`<h3>The prompt</h3>
      <p class="quiet">Marked is what your last change did.</p>
      <${Prompt} before=${before.value?.prompt ?? shown.prompt} after=${shown.prompt} />
      <h3>Kept by code, whatever the model does</h3>
      <${Conduct} before=${before.value ?? shown} now=${shown} />`}
  </section>`;
}
