// A switch: it stays as somebody set it until the answer is there, and shows then what is so.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useRef } from 'preact/hooks';

/** @param {{ on: boolean, set: (on: boolean) => Promise<any> }} props */
export function Switch({ on, set }) {
  const wished = useSignal(/** @type {boolean | null} */ (null));
  const last = useRef(0);
  const changed = async (/** @type {any} */ event) => {
    const mine = (last.current += 1);
    wished.value = event.target.checked;
    try {
      await set(event.target.checked);
    } finally {
      if (last.current === mine) wished.value = null;
    }
  };
  return html`<input type="checkbox" role="switch" checked=${wished.value ?? on} onChange=${changed} />`;
}
