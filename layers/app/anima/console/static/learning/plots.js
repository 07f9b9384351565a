// Concentrations and hyper-parameters of a run as they are sent, ten times a second, on one shared cursor.
// The live page of a run that stands alone shows the same: nothing here needs the console.

import { chart, lineColour, moved } from './chart.js';
import { csv, figure, resetsIn, save, whole } from './numbers.js';
import { Ring, marked } from './ring.js';
import { listen } from './source.js';

/** @typedef {{ url: string, label?: string, log?: boolean, onEnd?: (told: any) => void, onLog?: (on: boolean) => void }} Source */
/** @typedef {{ title: string, says?: string, unit?: string, log?: boolean, choice?: boolean, names: (name: string) => boolean }} Kind */
/** @typedef {{ kind: Kind, element: HTMLElement, place: HTMLElement, keys: HTMLElement, names: string[], outputs: HTMLElement[], drawn: ReturnType<typeof chart> | null }} Panel */

const KEPT = 6000;
const DRAW_MS = 100;
const MOST_NAMES = 64;
const C = 'concentrations.';
/** Beside the plots in words, or of no use as a curve. */
const UNDRAWN = new Set(['step', 'episode', 't', 'time', 'of']);

/** @param {...string} names */
const exactly = (...names) => (/** @type {string} */ name) => names.includes(name);

/** @type {Kind[]} */
const KINDS = [
  { title: 'Concentrations', unit: 'nM', choice: true, names: (name) => name.startsWith(C) },
  { title: 'Learning rate', says: 'log scale; raw is before the cap', log: true, names: exactly('learning_rate', 'learning_rate_raw') },
  { title: 'Discount γ', names: exactly('discount', 'discount_raw') },
  { title: 'Epsilon ε', says: 'share of random actions', names: exactly('epsilon') },
  { title: 'Temperature', says: 'of a softmax policy', names: exactly('temperature') },
  { title: 'Attention gain', says: 'times the usual', names: exactly('attention_gain') },
  { title: 'Replay factor', says: 'times the usual', names: exactly('replay_factor') },
  { title: 'Return', says: 'of the episode so far; mean of the last 100', names: exactly('return', 'return_mean') },
  { title: 'TD error δ', says: 'how far the prediction was wrong', names: exactly('td_error') },
];

const STATES = { connecting: 'Connecting…', waiting: 'Waiting for its first step…', live: 'Live', away: 'The server does not answer; trying again. These are the last values.', ended: 'Ended: these are its last values.', paused: 'Paused: these are its last values.', none: 'It wrote no values for its plots.' };

let mounted = 0;

/** Whether the physics is the literal one, which destroys learning. @param {string} label */
export const isPathological = (label) => label.includes('pathological');

/** @template {keyof HTMLElementTagNameMap} T @param {T} tag @param {string} [name] its class @param {string} [text] @returns {HTMLElementTagNameMap[T]} */
function made(tag, name = '', text = '') {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

/** The numbers of a sample by their names. @param {any} sample @returns {[string, number][]} */
function numbers(sample) {
  const { concentrations, targets, ...rest } = sample;
  const all = [...Object.entries(rest), ...Object.entries(targets ?? {}), ...Object.entries(concentrations ?? {}).map(([name, value]) => /** @type {[string, any]} */ ([C + name, value]))];
  return all.filter(([name, value]) => typeof value === 'number' && !UNDRAWN.has(name)).slice(0, MOST_NAMES);
}

/** The steps since the sample before at which the agent took the world to have changed. @param {any} sample @returns {number[]} */
const resetsOf = ({ resets, reset, step }) => (Array.isArray(resets) ? resets : reset === true ? [step] : []);

/** What a line is called beside its plot. @param {string} name */
const told = (name) => (name.startsWith(C) ? name.slice(C.length) : name.replaceAll('_', ' '));

class Plots {
  /** @param {HTMLElement} element @param {Source} source */
  constructor(element, source) {
    mounted += 1;
    this.group = `plots-${mounted}`;
    this.source = source;
    this.ring = new Ring(KEPT);
    /** @type {Panel[]} */
    this.panels = [];
    /** @type {import('./ring.js').Drawn} */
    this.drawn = { x: [], columns: new Map() };
    /** @type {number | null} */
    this.cursor = null;
    this.sample = /** @type {any} */ ({});
    /** Steps at which the agent took the world to have changed. @type {number[]} */
    this.resets = [];
    this.timer = 0;
    this.log = source.log ?? false;
    this.build(element);
    this.connect();
  }

  /** @param {HTMLElement} element */
  build(element) {
    this.root = made('div', 'plots');
    this.root.tabIndex = 0;
    this.root.setAttribute('role', 'group');
    this.root.setAttribute('aria-label', 'Live plots: arrow keys move the cursor');
    this.head = made('div', 'plots-head');
    this.state = made('span', 'live-state');
    this.state.setAttribute('role', 'status');
    this.at = made('span', 'quiet live-at');
    this.file = made('button', 'quiet-button', 'Save as CSV');
    this.file.type = 'button';
    this.file.hidden = true;
    this.file.addEventListener('click', () => this.save());
    this.head.append(this.state);
    if (this.source.label) this.head.append(made('span', isPathological(this.source.label) ? 'physics pathological' : 'physics', this.source.label));
    this.head.append(this.at, this.file);
    this.grid = made('div', 'plots-grid');
    this.changes = made('p', 'quiet resets');
    this.changes.hidden = true;
    this.root.append(this.head, this.changes, this.grid);
    this.root.addEventListener('keydown', (event) => this.key(event));
    element.append(this.root);
  }

  connect() {
    this.hangUp?.();
    this.hangUp = listen(this.source.url, {
      onSample: (sample) => this.take(sample),
      onState: (state, word) => this.tell(state, word),
    });
  }

  /** @param {import('./source.js').State} state @param {any} word */
  tell(state, word) {
    if (!this.state) return;
    const shown = this.named(state, word?.status);
    this.state.dataset.state = shown;
    this.state.textContent = STATES[shown];
    if (state === 'ended') this.source.onEnd?.(word);
  }

  /** What a state is called by what has come until now. @param {import('./source.js').State} state @param {unknown} status */
  named(state, status) {
    if (this.ring.length === 0 && (state === 'live' || state === 'ended')) return state === 'live' ? 'waiting' : 'none';
    return state === 'ended' && status === 'paused' ? 'paused' : state;
  }

  /** @param {any} sample */
  take(sample) {
    if (typeof sample?.step !== 'number' || !Number.isFinite(sample.step)) return;
    // what is none of the usual and always zero is not in use
    this.ring.push(sample.step, numbers(sample).filter(([name, value]) => value !== 0 || this.ring.columns.has(name) || KINDS.some((kind) => kind.names(name))));
    if (this.state?.dataset.state === 'waiting') this.tell('live', null);
    this.sample = sample;
    this.resets = marked(this.resets, resetsOf(sample), sample.step, this.ring.step(0));
    if (!this.timer) this.timer = setTimeout(() => this.draw(), DRAW_MS);
  }

  draw() {
    this.timer = 0;
    if (this.file) this.file.hidden = false;
    const width = this.grid?.firstElementChild?.clientWidth ?? 800;
    this.drawn = this.ring.drawn(Math.max(2 * width, 400));
    this.arrange();
    const marks = this.resets.map((x) => ({ x }));
    for (const panel of this.panels) panel.drawn?.set(this.drawn.x, panel.names.map((name) => this.drawn.columns.get(name) ?? []), marks);
    if (this.changes) {
      this.changes.hidden = marks.length === 0;
      this.changes.textContent = resetsIn(this.resets);
    }
    this.read();
  }

  /** Gives each name its panel, and builds those anew whose names have changed. */
  arrange() {
    const names = [...this.ring.columns.keys()];
    const known = new Set(this.panels.flatMap((panel) => panel.names));
    if (names.every((name) => known.has(name))) return;
    for (const name of names.filter((one) => !known.has(one))) {
      const kind = KINDS.find((one) => one.names(name)) ?? { title: told(name), names: exactly(name) };
      let panel = this.panels.find((one) => one.kind.title === kind.title);
      if (!panel) {
        panel = this.panel(kind);
        this.panels.push(panel);
      }
      panel.names.push(name);
      panel.drawn?.stop();
      panel.drawn = null;
    }
    const order = (/** @type {Panel} */ panel) => (KINDS.indexOf(panel.kind) + KINDS.length + 1) % (KINDS.length + 1);
    this.panels.sort((one, other) => order(one) - order(other));
    this.grid?.replaceChildren(...this.panels.map((panel) => panel.element));
    for (const panel of this.panels) if (!panel.drawn) this.fill(panel);
  }

  /** @param {Kind} kind @returns {Panel} */
  panel(kind) {
    const element = made('figure', 'plot-panel');
    const title = made('figcaption', 'plot-title', kind.title);
    if (kind.unit || kind.says) title.append(' ', made('span', 'quiet', kind.unit ?? kind.says));
    const place = made('div', 'plot');
    place.setAttribute('role', 'img');
    place.setAttribute('aria-label', `${kind.title}${kind.unit ? ` in ${kind.unit}` : ''}, by step`);
    const keys = made('p', 'plot-keys');
    if (kind.choice) title.append(this.choice());
    element.append(title, place, keys);
    return { kind, element, place, keys, names: [], outputs: [], drawn: null };
  }

  /** A tick for those whose levels lie far apart. */
  choice() {
    const label = made('label', 'tick', 'log scale');
    const box = made('input');
    box.type = 'checkbox';
    box.checked = this.log;
    box.addEventListener('change', () => {
      this.log = box.checked;
      for (const panel of this.panels.filter((one) => one.kind.choice)) {
        panel.drawn?.stop();
        this.fill(panel);
      }
      this.draw();
      this.source.onLog?.(this.log);
    });
    label.prepend(box);
    return label;
  }

  /** @param {Panel} panel */
  fill(panel) {
    const raw = (/** @type {string} */ name) => name.endsWith('_raw');
    const lines = panel.names.map((name, index) => ({ label: told(name), colour: lineColour(index), dash: raw(name) ? [5, 4] : undefined }));
    panel.outputs = lines.map(() => made('output'));
    panel.keys.replaceChildren(
      ...lines.map((line, index) => {
        const key = made('span', `key ${line.colour}`, `${line.label} `);
        key.append(panel.outputs[index] ?? '');
        return key;
      }),
    );
    panel.drawn = chart(panel.place, { lines, group: this.group, log: panel.kind.choice ? this.log : panel.kind.log, height: panel.kind.title === 'Concentrations' ? 220 : 130, onCursor: (index) => this.point(index) });
  }

  /** @param {number | null} index */
  point(index) {
    if (index === this.cursor) return;
    this.cursor = index;
    this.read();
  }

  /** Writes the values under the cursor, or the last ones, beside the plots. */
  read() {
    const index = this.cursor !== null && this.cursor < this.drawn.x.length ? this.cursor : null;
    for (const { names, outputs, kind } of this.panels) {
      names.forEach((name, line) => {
        const value = index === null ? this.ring.last(name) : this.drawn.columns.get(name)?.[index];
        const output = outputs[line];
        if (output) output.textContent = `${figure(value)}${kind.unit ? ` ${kind.unit}` : ''}`;
      });
    }
    const episode = typeof this.sample.episode === 'number' ? `, episode ${whole(this.sample.episode)}` : '';
    if (this.at) this.at.textContent = index === null ? `step ${whole(this.sample.step)}${episode}` : `at step ${whole(this.drawn.x[index])}`;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.target !== this.root) return;
    const to = moved(event, this.cursor, this.drawn.x.length);
    if (to === undefined) return;
    event.preventDefault();
    this.cursor = to;
    for (const panel of this.panels) panel.drawn?.point(to === null ? null : (this.drawn.x[to] ?? null));
    this.cursor = to;
    this.read();
  }

  save() {
    const names = [...this.ring.columns.keys()];
    const rows = Array.from({ length: this.ring.length }, (_, index) => [this.ring.step(index), ...names.map((name) => this.ring.finite(this.ring.column(name), index))]);
    save('live.csv', csv([['step', ...names.map((name) => (name.startsWith(C) ? `${told(name)} (nM)` : name))], ...rows]));
  }

  stop() {
    this.hangUp?.();
    clearTimeout(this.timer);
    for (const panel of this.panels) panel.drawn?.stop();
    this.root?.remove();
  }
}

/**
 * Shows the live plots of a run in an element. `stop` ends it; `again` listens anew, with what was drawn kept.
 * @param {HTMLElement} element @param {Source} source `onEnd` is told what the server says of the end; `log`: whether
 * concentrations begin on a log scale, `onLog` when that is changed
 */
export function mountPlots(element, source) {
  const plots = new Plots(element, source);
  return { stop: () => plots.stop(), again: () => plots.connect() };
}
