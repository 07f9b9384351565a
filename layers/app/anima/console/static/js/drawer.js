// The drawer beside the work: the passage behind a citation, why an answer came out as it did, or one memory.

import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.js';
import { Later } from './later.js';
import { closeDrawer, route } from './route.js';

const reasons = async () => (await import('../later/why.js')).Why;
const cited = async () => (await import('../later/passage.js')).Passage;
const known = async () => (await import('../memory/fact.js')).FactDetail;
const feels = async () => (await import('../character/feeling.js')).FeelingNow;
const happened = async () => (await import('../memory/episode.js')).EpisodeDetail;

/** @import { Route } from './route.js' */

/** Title and content. @param {Route} route @returns {[string, any]} */
function inside({ why, passage, fact, episode, avatar, feeling }) {
  const style = 'css/lists.css css/memory.css';
  if (fact) return ['What is known', html`<${Later} load=${known} style=${style} key=${fact} avatarId=${avatar} factId=${fact} />`];
  if (episode) {
    return ['What happened', html`<${Later} load=${happened} style=${style} key=${episode} avatarId=${avatar} episodeId=${episode} />`];
  }
  if (feeling) return ['How it feels', html`<${Later} load=${feels} style="css/character.css vendor/uplot.css" key=${avatar} avatarId=${avatar} />`];
  if (passage !== undefined) return ['Passage', html`<${Later} load=${cited} key=${passage} chunkId=${passage} />`];
  return ['Why this answer', html`<${Later} load=${reasons} style=${style} key=${why} responseId=${why ?? 0} />`];
}

export function Drawer() {
  const [title, content] = inside(route.value);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    heading.current?.focus();
    return () => before?.isConnected && before.focus();
  }, []);
  return html`<button type="button" class="veil sheet-veil" tabindex="-1" aria-hidden="true" onClick=${closeDrawer} />
    <aside class="drawer" aria-labelledby="drawer-title">
      <header>
        <h2 id="drawer-title" tabindex="-1" ref=${heading}>${title}</h2>
        <button type="button" class="ghost" aria-label="Close" title="Close (Esc)" onClick=${closeDrawer}>
          <${Icon} name="close" />
        </button>
      </header>
      ${content}
    </aside>`;
}
