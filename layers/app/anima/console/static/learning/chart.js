// One plot of a group that shares its cursor, drawn by uPlot in the colours of the page.

import Plot from 'uplot';
import { short } from './numbers.js';

/** @typedef {{ label: string, colour: string, dash?: number[], width?: number, alpha?: number }} Line */
/** @typedef {{ x: number, colour?: string }} Mark a step at which the agent took the world to have changed */
/** @typedef {{ lines: Line[], group: string, log?: boolean, height?: number, onCursor?: (index: number | null) => void }} Options */

const WORD = 'reset';

/** @type {Map<string, string>} */
const seen = new Map();

/** The colour that a property of the style sheet has now, as a canvas needs it. @param {string} name */
function colour(name) {
  const known = seen.get(name);
  if (known) return known;
  const probe = document.createElement('i');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  seen.set(name, found);
  return found;
}

/** The colour of the line with this number, as a property of the style sheet. @param {number} index */
export const lineColour = (index) => `series-${(index % 8) + 1}`;

/** The range of an axis: some air, and some height for what never changes. @param {boolean} log @returns {import('uplot').Range.Function} */
const range = (log) => (_, least, greatest) => {
  if (least === null || greatest === null || !Number.isFinite(least + greatest)) return log ? [0.1, 1] : [0, 1];
  if (log) return Plot.rangeLog(least, greatest, 10, false);
  const air = (greatest - least || Math.abs(greatest) || 1) * 0.08;
  return [least - air, greatest + air];
};

/** The powers of ten of a log axis, every one or every few. @param {number} least @param {number} greatest */
function powers(least, greatest) {
  const [from, to] = [Math.ceil(Math.log10(least) - 1e-9), Math.floor(Math.log10(greatest) + 1e-9)];
  const every = Math.max(1, Math.ceil((to - from) / 5));
  return Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, index) => 10 ** (from + index * every));
}

/** Thin dashed lines over a plot, each with its word where there is room for it. @param {import('uplot')} plot @param {Mark[]} marks in their order */
function drawMarks({ ctx, bbox, scales, valToPos }, marks) {
  const [one, right] = [devicePixelRatio, bbox.left + bbox.width];
  let free = bbox.left;
  ctx.save();
  ctx.font = `${11 * one}px Inter, sans-serif`;
  [ctx.textBaseline, ctx.textAlign] = ['top', 'left'];
  ctx.lineWidth = one;
  ctx.setLineDash([2 * one, 3 * one]);
  const wide = ctx.measureText(WORD).width + 4 * one;
  for (const { x, colour: name } of marks.filter((mark) => mark.x >= (scales.x?.min ?? 0) && mark.x <= (scales.x?.max ?? 0))) {
    const at = Math.round(valToPos(x, 'x', true)) + 0.5;
    ctx.strokeStyle = ctx.fillStyle = colour(name ?? 'ink-2');
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    const from = at + wide > right ? at - wide : at + 3 * one;
    if (from < free) continue;
    ctx.fillText(WORD, from, bbox.top);
    free = Math.max(at, from + wide);
  }
  ctx.restore();
}

/** @param {number} width @param {Options} given @param {() => Mark[]} marks @returns {import('uplot').Options} */
function options(width, { lines, group, log = false, height = 150, onCursor }, marks) {
  const axis = { stroke: () => colour('ink-2'), grid: { stroke: () => colour('line'), width: 1 }, ticks: { show: false }, font: '12px Inter, sans-serif' };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 }, sync: { key: group, setSeries: false } },
    scales: { x: { time: false }, y: { distr: log ? 3 : 1, range: range(log) } },
    axes: [
      { ...axis, space: 70, size: 26, label: 'steps', labelSize: 14, labelGap: -2, labelFont: axis.font, values: (_, splits) => splits.map(short) },
      { ...axis, size: 56, space: 28, values: (_, splits) => splits.map(short), ...(log && { splits: (_, __, least, greatest) => powers(least, greatest), filter: (_, splits) => splits }) },
    ],
    series: [
      {},
      ...lines.map((line) => ({ label: line.label, stroke: () => colour(line.colour), width: line.width ?? 1.5, dash: line.dash, alpha: line.alpha ?? 1, spanGaps: true, points: { show: false } })),
    ],
    hooks: { setCursor: [(plot) => onCursor?.(plot.cursor.idx ?? null)], draw: [(plot) => drawMarks(plot, marks())] },
  };
}

/** Draws a plot into an element and keeps it as wide. @param {HTMLElement} element @param {Options} given */
export function chart(element, given) {
  const width = () => Math.max(element.clientWidth, 120);
  let marks = /** @type {Mark[]} */ ([]);
  const plot = new Plot(options(width(), given, () => marks), [[], ...given.lines.map(() => [])], element);
  const sized = new ResizeObserver(() => {
    if (plot.width !== width()) plot.setSize({ width: width(), height: given.height ?? 150 });
  });
  sized.observe(element);
  const unpainted = repainted(() => plot.redraw(false, true));
  return {
    /** @param {number[]} x @param {(number | null | undefined)[][]} columns @param {Mark[]} [marked] in their order */
    set(x, columns, marked = []) {
      marks = marked;
      plot.setData([x, ...columns]); // on a log axis what is zero or below leaves the plot at its bottom
    },
    /** Puts the cursor on a value of x, without telling; null takes it away. @param {number | null} x */
    point(x) {
      plot.setCursor(x === null ? { left: -10, top: -10 } : { left: plot.valToPos(x, 'x'), top: 0 }, false);
    },
    stop() {
      sized.disconnect();
      unpainted();
      plot.destroy();
    },
  };
}

/** Calls when the colours of the page change. @param {() => void} then @returns {() => void} the end of it */
function repainted(then) {
  const anew = () => {
    seen.clear();
    then();
  };
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const chosen = new MutationObserver(anew);
  scheme.addEventListener('change', anew);
  chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => {
    scheme.removeEventListener('change', anew);
    chosen.disconnect();
  };
}

/** Moves a cursor by the keyboard: its new number among so many, null to take it away, undefined for another key.
 * @param {KeyboardEvent} event @param {number | null} now @param {number} many @returns {number | null | undefined} */
export function moved(event, now, many) {
  const at = now ?? many - 1;
  const far = event.shiftKey ? 10 : 1;
  /** @type {Record<string, number | null>} */
  const keys = { ArrowLeft: at - far, ArrowRight: at + far, Home: 0, End: many - 1, Escape: null };
  if (!(event.key in keys) || many === 0 || (event.key === 'Escape' && now === null)) return undefined;
  const to = keys[event.key];
  return to === null || to === undefined ? null : Math.min(Math.max(to, 0), many - 1);
}
