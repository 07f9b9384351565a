// Keeps the end of a growing text in view, until the person scrolls up.

import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';

const NEAR = 40;
const INTENT = ['wheel', 'touchmove', 'keydown', 'pointerdown', 'pointerup', 'pointercancel'];
const INTENT_MS = 800;

/** @typedef {ReturnType<typeof useFollow>} Follow */

/** A scroller that follows what is added at its end. */
export function useFollow() {
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const following = useMemo(() => signal(true), []);
  const last = useRef(0);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element?.firstElementChild) return undefined;
    const toEnd = () => {
      if (following.value) element.scrollTop = element.scrollHeight;
    };
    // what shrinks moves the page up too: only a hand on wheel, key, finger or scroll bar says that one wants to read
    let meant = -Infinity;
    /** @param {Event} event the scroll bar is held for as long as one likes */
    const means = (event) => {
      meant = event.type === 'pointerdown' ? Infinity : performance.now();
    };
    const scrolled = () => {
      const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
      const up = element.scrollTop < last.current - 1 && performance.now() - meant < INTENT_MS;
      if (atEnd) following.value = true;
      else if (up) following.value = false;
      last.current = element.scrollTop;
    };
    const grown = new ResizeObserver(toEnd);
    grown.observe(element.firstElementChild);
    grown.observe(element);
    element.addEventListener('scroll', scrolled, { passive: true });
    for (const name of INTENT) element.addEventListener(name, means, { passive: true });
    return () => {
      grown.disconnect();
      for (const name of INTENT) element.removeEventListener(name, means);
      element.removeEventListener('scroll', scrolled);
    };
  }, []);

  const toLatest = () => {
    following.value = true;
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  return { scroller, following, toLatest };
}

/** Shows a message that an address points to. @param {number | undefined} messageId @param {boolean} loaded */
export function useShown(messageId, loaded) {
  useEffect(() => {
    if (messageId === undefined || !loaded) return;
    const found = document.getElementById(`message-${messageId}`);
    found?.scrollIntoView({ block: 'center' });
    found?.classList.add('shown');
  }, [messageId, loaded]);
}
