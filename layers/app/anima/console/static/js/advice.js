// What a person can do about an error, beside what the server says of it.

/** @import { Failure } from './api.js' */

/** @type {Record<string, string>} */
const ADVICE = {
  unreachable: 'See whether Anima is running (“make run” starts it), then ask again.',
  'no-model': 'Give it a model: set OPENAI_API_KEY or OLLAMA_HOST, or let the local one start, then start Anima again.',
  'model-unavailable':
    'The model is still loading, or its server has stopped. Wait a moment and ask again; if it stays away, start Anima again.',
  'model-not-configured': 'Choose another model for this avatar, or configure this one.',
  'model-auth-failed': 'Check the key of the model (OPENAI_API_KEY), then start Anima again.',
  'model-quota-exceeded': 'Wait a little and ask again, or look at the account of the model.',
  'model-timeout': 'Ask again, perhaps for less at once.',
  'model-refused': 'Say it in other words.',
  'context-too-long': 'Begin a new talk, or send a shorter message.',
  'too-large': 'Send less at once; a long text is better dropped here as a file.',
  'session-not-found': 'It may have been deleted. Begin a new talk.',
  'avatar-not-found': 'It may have been deleted. Choose another one.',
  'still-running': 'The first try is still being answered. Wait a moment.',
  'too-many-attempts': 'Wait a little before the next try.',
  'wrong-credentials':
    'The first start of Anima printed a name and a password; where they are lost, “anima user link NAME” makes a way in.',
  'database-unavailable': 'Wait a moment and try again.',
};

/** @param {Failure} failure */
export function advice(failure) {
  return ADVICE[failure.slug] ?? (failure.requestId ? `In the log this is request ${failure.requestId}.` : '');
}
