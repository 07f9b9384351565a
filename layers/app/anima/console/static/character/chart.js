// How an avatar felt over time: valence and arousal as two lines with one cursor. Drawn by uPlot, fetched when it is shown.

import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { theme } from '../js/theme.js';

/** @import { PointOut } from './types.js' */

const DAY_S = 86_400;
const days = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });
const hours = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false });
const clock = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** The colour that a token has now, as a canvas needs it. @param {string} name */
function colour(name) {
  const probe = document.createElement('i');
  probe.className = `probe ${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** @param {PointOut[]} points oldest first @returns {[number[], number[], number[]]} */
const columns = (points) => [points.map((one) => Date.parse(one.at) / 1000), points.map((one) => one.valence), points.map((one) => one.arousal)];

/** The moments of the axis: each day where it begins, else the time; what would say the same again is left out. @param {number[]} splits */
function labels(splits) {
  const long = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > 3 * DAY_S;
  const told = splits.map((at, index) => {
    const [now, then] = [at, splits[index - 1]].map((one) => (one === undefined ? '' : days.format(new Date(one * 1000))));
    return long || now !== then ? (now ?? '') : hours.format(new Date(at * 1000));
  });
  return told.map((one, index) => (one === told[index - 1] ? '' : one));
}

/** @param {number} width @param {(index: number | null | undefined) => void} onCursor @returns {import('uplot').Options} */
function options(width, onCursor) {
  const axis = { stroke: () => colour('ink-2'), grid: { stroke: () => colour('line'), width: 1 }, ticks: { show: false }, font: '12px Inter, sans-serif' };
  const points = { show: true, size: 5 };
  return {
    width,
    height: 170,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
    scales: { y: { range: [-1.05, 1.05] } },
    axes: [
      { ...axis, space: 70, values: (_, splits) => labels(splits) },
      { ...axis, size: 36, splits: [-1, -0.5, 0, 0.5, 1] },
    ],
    series: [
      {},
      { label: 'valence', stroke: () => colour('accent'), width: 2, points: { ...points, fill: () => colour('accent') } },
      { label: 'arousal', stroke: () => colour('warn'), width: 2, dash: [5, 4], points: { ...points, fill: () => colour('warn') } },
    ],
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx)] },
  };
}

/** What the chart says in words, for those who do not see it. @param {PointOut[]} points */
function summary(points) {
  const mean = (/** @type {'valence' | 'arousal'} */ name) => (points.reduce((sum, one) => sum + one[name], 0) / points.length).toFixed(2);
  const last = points.at(-1);
  return `${points.length} moments; valence ${mean('valence')} and arousal ${mean('arousal')} on average; last ${last?.mood}, valence ${last?.valence.toFixed(2)}.`;
}

/** @param {{ points: PointOut[] }} props oldest first */
export function FeelingsChart({ points }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const pointed = useRef(signal(/** @type {PointOut | null} */ (null))).current;
  const dark = theme.value;
  useEffect(() => {
    const element = place.current;
    if (!element || points.length < 2) return undefined;
    let gone = false;
    let end = () => {};
    void import('uplot').then(({ default: Plot }) => {
      if (gone) return;
      const plot = new Plot(
        options(element.clientWidth, (index) => (pointed.value = points[index ?? -1] ?? null)),
        columns(points),
        element,
      );
      const sized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 170 }));
      const scheme = matchMedia('(prefers-color-scheme: dark)');
      const redraw = () => plot.redraw(false, true);
      sized.observe(element);
      scheme.addEventListener('change', redraw);
      end = () => {
        sized.disconnect();
        scheme.removeEventListener('change', redraw);
        plot.destroy();
      };
    });
    return () => {
      gone = true;
      end();
    };
  }, [points, dark]);
  if (points.length < 2) return html`<p class="quiet">A curve is drawn once there are two moments to join.</p>`;
  const shown = pointed.value ?? points.at(-1);
  return html`<figure class="feelings-chart">
    <div ref=${place} class="plot" role="img" aria-label=${summary(points)} />
    <figcaption class="quiet">
      <span class="series valence">valence ${shown?.valence.toFixed(2)}</span>
      <span class="series arousal">arousal ${shown?.arousal.toFixed(2)}</span>
      <span>${shown && `${shown.mood}, ${clock.format(new Date(shown.at))}`}</span>
    </figcaption>
  </figure>`;
}
