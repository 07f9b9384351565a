// The drawer beside a talk: the passage behind a citation, or why an answer came out as it did.

import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.js';
import { Later } from './later.js';
import { Passage } from './passage.js';
import { closeDrawer, route } from './route.js';

const reasons = async () => (await import('../later/why.js')).Why;

export function Drawer() {
  const { why, passage } = route.value;
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    heading.current?.focus();
    return () => before?.isConnected && before.focus();
  }, []);
  return html`<button type="button" class="veil sheet-veil" tabindex="-1" aria-hidden="true" onClick=${closeDrawer} />
    <aside class="drawer" aria-labelledby="drawer-title">
      <header>
        <h2 id="drawer-title" tabindex="-1" ref=${heading}>${passage === undefined ? 'Why this answer' : 'Passage'}</h2>
        <button type="button" class="ghost" aria-label="Close" title="Close (Esc)" onClick=${closeDrawer}>
          <${Icon} name="close" />
        </button>
      </header>
      ${passage === undefined
        ? html`<${Later} load=${reasons} key=${why} responseId=${why ?? 0} />`
        : html`<${Passage} key=${passage} chunkId=${passage} />`}
    </aside>`;
}
