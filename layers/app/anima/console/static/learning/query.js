// What the place of learning keeps in its address: runs, metrics, smoothing, columns.

import { go, route } from '../js/route.js';

export const asked = () => new URLSearchParams(route.value.query);

/** Changes the address without a new entry in the history. @param {(query: URLSearchParams) => void} change */
export function ask(change) {
  const query = asked();
  change(query);
  go({ ...route.value, query: query.toString() || undefined }, { replace: true });
}

/** Adds a value of a name to the address, or takes it away. @param {string} name @param {string} value @param {boolean} on */
export function toggle(name, value, on) {
  ask((query) => {
    const others = query.getAll(name).filter((one) => one !== value);
    query.delete(name);
    for (const one of on ? [...others, value] : others) query.append(name, one);
  });
}

/** How many metrics are drawn below each other. */
export const MOST_METRICS = 8;
