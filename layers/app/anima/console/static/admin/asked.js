// What every part of the admin's place does: it asks for something, shows what went wrong, and asks again after a change.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { asFailure, get } from '../js/api.js';
import { said } from '../js/house.js';

/** @import { Failure } from '../js/api.js' */

/**
 * Something of the service, what went wrong, and a way to change it.
 * @param {string} path what is asked for; another one is asked for anew
 * @param {() => Promise<any>} [ask] how, where it is not one answer as it is
 */
export function useAsked(path, ask = () => get(path)) {
  const found = useSignal(/** @type {any} */ (null));
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const attempt = async (/** @type {() => Promise<any>} */ act) => {
    try {
      failure.value = null;
      return await act();
    } catch (error) {
      failure.value = asFailure(error);
      return undefined;
    }
  };
  const now = useRef(path);
  now.current = path;
  const read = async () => {
    const answer = await ask();
    if (now.current === path) found.value = answer;
  };
  const look = () => attempt(read);
  useEffect(() => {
    found.value = null;
    void look();
  }, [path]);
  /** Does something, looks again, and says what was done. */
  const change = async (/** @type {() => Promise<any>} */ act, /** @type {string} */ told) => {
    await attempt(async () => {
      await act();
      await read();
      said.value = told;
    });
    return failure.value === null;
  };
  return { found, failure, look, change };
}

/** The fields of a form that were filled in. @param {Event} event @returns {Record<string, string>} */
export function filledIn(event) {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
  const fields = [...form.entries()].map(([name, value]) => [name, String(value).trim()]);
  return Object.fromEntries(fields.filter(([, value]) => value !== ''));
}
