// The stores that there are, and by them the purposes that something can be brought in for and looked for in.

import { computed, signal } from '@preact/signals';
import { get } from '../js/api.js';

/** @import { StoreAnswer } from './types.js' */

export const stores = signal(/** @type {StoreAnswer[] | null} */ (null));

const FIRST = ['context', 'findings', 'analysis'];

export const purposes = computed(() => {
  const found = new Set((stores.value ?? []).map((one) => one.purpose));
  return [...FIRST.filter((one) => found.has(one) || !stores.value), ...[...found].filter((one) => !FIRST.includes(one)).sort()];
});

export async function loadStores() {
  stores.value = (await get('/vector-stores?limit=200')).items;
}
