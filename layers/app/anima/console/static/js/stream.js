// Server-sent events of an answer that is read with fetch.

/** @typedef {{ name: string, data: any }} StreamEvent */

/** The events of an answer, as they come; comments that keep the line alive are left out.
 * @param {Response} answer @returns {AsyncGenerator<StreamEvent>} */
export async function* events(answer) {
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const frames = (rest + value).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const found = read(frame);
        if (found) yield found;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} frame @returns {StreamEvent | null} */
function read(frame) {
  let name = 'message';
  let data = '';
  for (const line of frame.split('\n')) {
    if (line.startsWith('event: ')) name = line.slice(7);
    else if (line.startsWith('data: ')) data += line.slice(6);
  }
  return data ? { name, data: JSON.parse(data) } : null;
}
