// What runs measured, as curves: read, smoothed, and laid over each other.

import { get } from '../js/api.js';
import { MOST_METRICS } from './query.js';

/** @import { JobAnswer } from './types.js' */

/** @typedef {{ job: JobAnswer, x: number[], y: (number | null)[], smooth: (number | null)[], resets: number[] }} Curve `resets`: steps at which the agent took the world to have changed */
/** @typedef {{ metric: string, curves: Curve[] }} Overlaid */

const POINTS = 500;
/** Measured at no other steps than those at which the agent took the world to have changed. */
const RESET = 'reset';

/** A metric by one word: those of training by their name. @param {{ name: string, scope: string }} series */
export const keyOf = ({ name, scope }) => (scope === 'train' ? name : `${scope}/${name}`);

/** The metrics of several runs, those first that most of them have. @param {JobAnswer[]} jobs @returns {Promise<string[]>} */
export async function metricsOf(jobs) {
  /** @type {Map<string, number>} */
  const counted = new Map();
  for (const { series } of await Promise.all(jobs.map((job) => measured(job, 'points=1')))) {
    for (const one of series) counted.set(keyOf(one), (counted.get(keyOf(one)) ?? 0) + 1);
  }
  counted.delete(RESET);
  return [...counted].sort(([one, many], [other, more]) => more - many || one.localeCompare(other)).map(([key]) => key);
}

/** @param {JobAnswer} job @param {string} query @returns {Promise<{ series: any[] }>} nothing of a run that has not begun */
async function measured(job, query) {
  return job.run_id ? get(`/jobs/${job.job_id}/metrics?${query}`) : { series: [] };
}

/** The chosen metrics of several runs. @param {JobAnswer[]} jobs @param {string[]} metrics @returns {Promise<Overlaid[]>} */
export async function overlaid(jobs, metrics) {
  const query = new URLSearchParams({ points: String(POINTS) });
  for (const key of [...metrics.slice(0, MOST_METRICS), RESET]) query.append('name', key.replace(/^(test|validation)\//, ''));
  const found = await Promise.all(jobs.map((job) => measured(job, query.toString())));
  return metrics.map((metric) => ({
    metric,
    curves: jobs.flatMap((job, index) => {
      const series = found[index]?.series.find((one) => keyOf(one) === metric);
      return series ? [curve(job, series.buckets, resetsOf(job, found[index]?.series ?? []))] : [];
    }),
  }));
}

/** @param {JobAnswer} job @param {any[]} buckets @param {number[]} resets @returns {Curve} */
const curve = (job, buckets, resets) => ({ job, x: buckets.map((one) => one.last_step), y: buckets.map((one) => one.mean), smooth: [], resets });

/** As it measured them, else as its result has the last of them. @param {JobAnswer} job @param {any[]} series @returns {number[]} */
function resetsOf(job, series) {
  const told = series.find((one) => keyOf(one) === RESET);
  if (!told) return job.result?.resets ?? [];
  return [...new Set(told.buckets.flatMap((/** @type {any} */ one) => [one.first_step, one.last_step]))];
}

/** An exponential moving average that does not begin at zero. @param {(number | null)[]} values @param {number} weight of what was before, 0 to 1 */
export function smoothed(values, weight) {
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}
