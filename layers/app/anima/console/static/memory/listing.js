// A list that is read in pages, again whenever its address or a memory has changed; late answers are dropped.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Failure, asFailure, get } from '../js/api.js';
import { attempt } from '../js/house.js';
import { changed } from './changes.js';

/** @import { Signal } from '@preact/signals' */

/**
 * @template T
 * @typedef {{ items: Signal<T[] | null>, more: Signal<string | null>, failure: Signal<Failure | null>, further: () => Promise<void> }} Listing
 */

/**
 * @template T
 * @param {string} path with its query but for limit and cursor
 * @param {number} [limit]
 * @returns {Listing<T>}
 */
export function useListing(path, limit = 50) {
  const items = useSignal(/** @type {T[] | null} */ (null));
  const more = useSignal(/** @type {string | null} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const asked = useRef(0); // what was asked for before may arrive after it
  const shown = useRef('');
  const page = (/** @type {string | null} */ cursor) =>
    get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
  useEffect(() => {
    const turn = ++asked.current;
    if (shown.current !== path) items.value = null;
    failure.value = null;
    page(null)
      .then((/** @type {any} */ found) => {
        if (turn !== asked.current) return;
        shown.current = path;
        items.value = found.items;
        more.value = found.next_cursor;
      })
      .catch((error) => {
        if (turn === asked.current) failure.value = asFailure(error);
      });
  }, [path, changed.value]);
  const further = () =>
    attempt(async () => {
      const turn = asked.current;
      const found = await page(more.value);
      if (turn !== asked.current) return;
      items.value = [...(items.value ?? []), ...found.items];
      more.value = found.next_cursor;
    });
  return { items, more, failure, further };
}
