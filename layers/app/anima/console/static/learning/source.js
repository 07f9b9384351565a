// The live samples of a run as server-sent events; a connection that was lost is made again until the run has ended.

const SOON_MS = 500;
const LATEST_MS = 10_000;

/** @typedef {'connecting' | 'live' | 'away' | 'ended'} State */
/** @typedef {{ onSample: (sample: any) => void, onState: (state: State, told?: any) => void }} Listener */

/** @param {string} text */
function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Listens until it is stopped, or the run has ended. @param {string} url @param {Listener} listener @returns {() => void} the end of it */
export function listen(url, { onSample, onState }) {
  /** @type {EventSource | null} */
  let line = null;
  let timer = 0;
  let failures = 0;
  const hangUp = () => {
    clearTimeout(timer);
    line?.close();
    line = null;
  };
  const connect = () => {
    line = new EventSource(url);
    line.addEventListener('open', () => {
      failures = 0;
      onState('live');
    });
    line.addEventListener('sample', (event) => {
      const sample = read(event.data);
      if (sample) onSample(sample);
    });
    line.addEventListener('end', (event) => {
      hangUp();
      onState('ended', read(event.data));
    });
    line.addEventListener('error', () => {
      hangUp();
      failures += 1;
      // the server ends a long connection by itself: once is no news
      if (failures > 1) onState('away');
      timer = setTimeout(connect, Math.min(SOON_MS * 2 ** (failures - 1), LATEST_MS));
    });
  };
  onState('connecting');
  connect();
  return hangUp;
}
