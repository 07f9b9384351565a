// The metrics of several runs over each other: one plot for each metric, one cursor over all, smoothed as one likes.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { Alert } from '../js/alert.js';
import { chart, lineColour, moved } from './chart.js';
import { metricsOf, overlaid, smoothed } from './curves.js';
import { calledIn, isMoving, useLive } from './jobs.js';
import { csv, figure, resetsIn, save, whole } from './numbers.js';
import { MOST_METRICS, ask, asked, toggle } from './query.js';

/** @import { Signal } from '@preact/signals' */
/** @import { Curve, Overlaid } from './curves.js' */
/** @import { JobAnswer } from './types.js' */

const USUAL = 'return_mean';
let groups = 0;

/** Everything over the steps of all: [steps, raw…, smoothed…]. @param {Curve[]} curves */
function joined(curves) {
  const tables = curves.map(({ x, y, smooth }) => /** @type {import('uplot').AlignedData} */ ([x, y, smooth]));
  const [x = [], ...columns] = tables.length ? uPlot.join(tables) : [[]];
  const raw = columns.filter((_, index) => index % 2 === 0);
  const smooth = columns.filter((_, index) => index % 2 === 1);
  return { x: /** @type {number[]} */ ([...x]), columns: /** @type {(number | null)[][]} */ ([...raw, ...smooth]) };
}

/** The last value at or before a place of a column. @param {(number | null | undefined)[] | undefined} column @param {number} index */
function valueAt(column, index) {
  for (let at = index; at >= 0; at -= 1) if (column?.[at] !== null && column?.[at] !== undefined) return column[at];
  return null;
}

/** @param {{ one: Overlaid, jobs: JobAnswer[], weight: number, group: string, step: Signal<number | null>, keyed: Signal<number | null> }} props `keyed`: where the keyboard put the cursor */
function Panel({ one, jobs, weight, group, step, keyed }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const drawn = useRef(/** @type {ReturnType<typeof chart> | null} */ (null));
  const table = useMemo(() => joined(one.curves.map((curve) => ({ ...curve, smooth: smoothed(curve.y, weight) }))), [one, weight]);
  const xs = useRef(table.x);
  xs.current = table.x;
  const colours = one.curves.map(({ job }) => lineColour(jobs.findIndex((one) => one.job_id === job.job_id)));
  const marks = one.curves.flatMap(({ resets }, index) => resets.map((x) => ({ x, colour: colours[index] }))).sort((mark, other) => mark.x - other.x);
  const log = asked().getAll('log').includes(one.metric);
  const set = colours.join() + log;
  useEffect(() => {
    if (!place.current || colours.length === 0) return undefined;
    const raw = one.curves.map((curve, index) => ({ label: curve.job.name, colour: colours[index] ?? '', width: 1, alpha: 0.35 }));
    const smooth = raw.map((line) => ({ ...line, width: 2, alpha: 1 }));
    const onCursor = (/** @type {number | null} */ index) => (step.value = index === null ? null : (xs.current[index] ?? null));
    drawn.current = chart(place.current, { lines: [...raw, ...smooth], group, log, height: 200, onCursor });
    drawn.current.set(table.x, table.columns, marks);
    return () => drawn.current?.stop();
  }, [set]);
  useEffect(() => {
    drawn.current?.set(table.x, table.columns, marks);
  }, [table]);
  useEffect(() => {
    drawn.current?.point(keyed.value);
  }, [keyed.value]);
  const at = step.value;
  const index = at === null ? table.x.length - 1 : table.x.findLastIndex((x) => x <= at);
  return html`<figure class="plot-panel">
    <figcaption class="plot-title">
      ${one.metric}
      <label class="tick"><input type="checkbox" checked=${log} onChange=${() => toggle('log', one.metric, !log)} />log scale</label>
    </figcaption>
    ${one.curves.length === 0 && html`<p class="quiet">None of these runs measured it yet.</p>`}
    <div ref=${place} class="plot" role="img" aria-label=${`${one.metric} by step of ${one.curves.length} runs`}></div>
    <p class="plot-keys">
      ${one.curves.map((curve, line) => html`<span key=${curve.job.job_id} class=${`key ${colours[line]}`}>${calledIn(curve.job, jobs)} <output>${figure(valueAt(table.columns[line], index))}</output>${weight > 0 && ` (smoothed ${figure(valueAt(table.columns[one.curves.length + line], index))})`}</span>`)}
    </p>
  </figure>`;
}

/** @param {{ metrics: string[], chosen: string[], weight: number, saving: () => void }} props */
function Controls({ metrics, chosen, weight, saving }) {
  return html`<div class="controls">
    <label class="smoothing">Smoothing <input type="range" min="0" max="0.99" step="0.01" value=${weight} onInput=${(/** @type {any} */ event) => ask((query) => query.set('smooth', event.target.value))} /><output>${weight.toFixed(2)}</output></label>
    <details class="chooser">
      <summary>Metrics (${chosen.length})</summary>
      <div class="row filters">
        ${metrics.map((metric) => {
          const on = chosen.includes(metric);
          const change = () =>
            ask((query) => {
              query.delete('metric');
              for (const one of on ? chosen.filter((each) => each !== metric) : [...chosen, metric]) query.append('metric', one);
            });
          return html`<label key=${metric} class="tick"><input type="checkbox" checked=${on} disabled=${on ? chosen.length === 1 : chosen.length >= MOST_METRICS} onChange=${change} />${metric}</label>`;
        })}
      </div>
    </details>
    <button type="button" class="quiet-button" onClick=${saving}>Save as CSV</button>
  </div>`;
}

/** Of what was read last, that which is still wanted. @param {Overlaid[]} plots @param {string[]} chosen @param {JobAnswer[]} jobs */
function chosenOf(plots, chosen, jobs) {
  const wanted = new Set(jobs.map((job) => job.job_id));
  const known = plots.filter(({ metric }) => chosen.includes(metric));
  if (plots.every(({ curves }) => curves.every(({ job }) => wanted.has(job.job_id)))) return known;
  return known.map(({ metric, curves }) => ({ metric, curves: curves.filter(({ job }) => wanted.has(job.job_id)) }));
}

/** @param {{ jobs: JobAnswer[] }} props */
export function Overlay({ jobs }) {
  const group = useMemo(() => `overlay-${(groups += 1)}`, []);
  const step = useSignal(/** @type {number | null} */ (null));
  const keyed = useSignal(/** @type {number | null} */ (null));
  const ids = jobs.map((job) => job.job_id + (job.run_id ? '+' : '')).join();
  const wanted = asked().getAll('metric').slice(0, MOST_METRICS);
  const weight = Math.min(Math.max(Number(asked().get('smooth') ?? 0.6) || 0, 0), 0.99);
  const key = `curves/${ids}/${wanted.join('\n')}`;
  const known = useLive(key, () => jobs.some(isMoving), async () => {
    const metrics = await metricsOf(jobs);
    const usual = metrics.includes(USUAL) ? [USUAL] : metrics.slice(0, 1);
    const chosen = wanted.length ? wanted : usual;
    return { metrics, chosen, plots: chosen.length ? await overlaid(jobs, chosen) : [] };
  });
  // what was shown stays until what was chosen next has come
  const before = useRef(/** @type {any} */ (null));
  before.current = known.found.value ?? before.current;
  const [found, failure] = [before.current, known.failure.value];
  if (failure && !found) return html`<${Alert} failure=${failure} />`;
  if (!found) return html`<p class="waiting" role="status">Reading…</p>`;
  if (found.metrics.length === 0) return html`<p class="quiet">Nothing is measured yet: the first values come after some hundred steps.</p>`;
  const chosen = wanted.length ? wanted : found.chosen;
  const plots = chosenOf(found.plots, chosen, jobs);
  const changed = (plots[0]?.curves ?? []).filter(({ resets }) => resets.length > 0);
  const steps = [...new Set(plots.flatMap(({ curves }) => curves.flatMap(({ x }) => x)))].sort((one, other) => one - other);
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (event.target !== event.currentTarget) return;
    const to = moved(event, step.value === null ? null : steps.findLastIndex((x) => x <= (step.value ?? 0)), steps.length);
    if (to === undefined) return;
    event.preventDefault();
    step.value = keyed.value = to === null ? null : (steps[to] ?? null);
  };
  const saving = () => {
    const rows = plots.flatMap(({ metric, curves }) => curves.flatMap(({ job, x, y }) => smoothed(y, weight).map((value, index) => [job.name, metric, x[index], y[index], value])));
    save('curves.csv', csv([['run', 'metric', 'step', 'value', 'smoothed'], ...rows]));
  };
  return html`<${Controls} metrics=${found.metrics} chosen=${chosen} weight=${weight} saving=${saving} />
    <div class="plots" tabindex="0" role="group" aria-label="Curves: arrow keys move the cursor" onKeyDown=${pressed}>
      <p class="quiet" role="status">${step.value === null ? 'Last values; point at a curve for others.' : `at step ${whole(step.value)}`}</p>
      ${changed.map(({ job, resets }) => html`<p key=${job.job_id} class="quiet resets">${resetsIn(resets, calledIn(job, jobs))}</p>`)}
      <div class="plots-grid wide">${plots.map((one) => html`<${Panel} key=${one.metric} one=${one} jobs=${jobs} weight=${weight} group=${group} step=${step} keyed=${keyed} />`)}</div>
    </div>`;
}
