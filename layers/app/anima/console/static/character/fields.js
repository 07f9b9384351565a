// Fields of a personality, each bound to a path of its JSON: text, lists, choices, sliders.

import { html } from 'htm/preact';
import { useId } from 'preact/hooks';
import { leaning, valueAt, withValue } from './traits.js';

/** @import { Personality } from './types.js' */

/** @typedef {{ data: Personality, onChange: (data: Personality, path: string) => void, path: string, label: string }} Bound */

/** @param {Bound & { hint?: string, rows?: number, max?: number, required?: boolean }} props */
export function Text({ data, onChange, path, label, hint, rows, max = 500, required }) {
  const value = valueAt(data, path) ?? '';
  const set = (/** @type {any} */ event) => onChange(withValue(data, path, event.target.value), path);
  return html`<label>
    ${label} ${hint && html`<span class="hint">${hint}</span>`}
    ${rows
      ? html`<textarea rows=${rows} maxlength=${max} value=${value} onInput=${set} />`
      : html`<input maxlength=${max} autocomplete="off" required=${required} value=${value} onInput=${set} />`}
  </label>`;
}

/** A list, one a line. @param {Bound & { hint?: string, rows?: number }} props */
export function Lines({ data, onChange, path, label, hint, rows = 3 }) {
  const value = (valueAt(data, path) ?? []).join('\n');
  /** @param {any} event an empty line in the middle is one that is being written */
  const set = (event) => {
    const lines = event.target.value.split('\n').slice(0, 20);
    onChange(withValue(data, path, lines.some((/** @type {string} */ one) => one.trim()) ? lines : undefined), path);
  };
  /** @param {any} event */
  const tidy = (event) => {
    const lines = event.target.value.split('\n').map((/** @type {string} */ one) => one.trim()).filter(Boolean);
    if (lines.join('\n') !== value) onChange(withValue(data, path, lines.length ? lines : undefined), path);
  };
  return html`<label>
    ${label} <span class="hint">${hint ?? 'one a line'}</span>
    <textarea rows=${rows} value=${value} onInput=${set} onBlur=${tidy} />
  </label>`;
}

/** @param {Bound & { options: [string, string][], none?: string }} props */
export function Choice({ data, onChange, path, label, options, none = 'not said' }) {
  const value = valueAt(data, path) ?? '';
  return html`<label>
    ${label}
    <select value=${value} onChange=${(/** @type {any} */ event) => onChange(withValue(data, path, event.target.value || undefined), path)}>
      <option value="" selected=${value === ''}>${none}</option>
      ${options.map(([name, words]) => html`<option value=${name} selected=${name === value}>${words}</option>`)}
    </select>
  </label>`;
}

/**
 * A slider with both ends in words; what is not set stands in the middle and can be let go again.
 * @param {Bound & { least?: number, most?: number, step?: number, low: string, high: string, share?: boolean }} props
 */
export function Slider({ data, onChange, path, label, least = 0, most = 1, step = 0.05, low, high, share }) {
  const id = useId();
  const given = valueAt(data, path);
  const set = typeof given === 'number';
  const value = set ? given : (least + most) / 2;
  const told = !set ? 'not set' : share ? `${Math.round(value * 100)} %, ${leaning(value, low, high)}` : String(value);
  return html`<div class="slider" data-set=${set}>
    <label for=${id}>${label}</label>
    <output for=${id}>${told}</output>
    <input
      id=${id}
      type="range"
      min=${least}
      max=${most}
      step=${step}
      value=${value}
      aria-valuetext=${told}
      onInput=${(/** @type {any} */ event) => onChange(withValue(data, path, Number(event.target.value)), path)}
    />
    <span class="ends"><span>${low}</span><span>${high}</span></span>
    ${set && html`<button type="button" class="quiet-button" aria-label=${`${label}: not set`} onClick=${() => onChange(withValue(data, path, undefined), path)}>let go</button>`}
  </div>`;
}
