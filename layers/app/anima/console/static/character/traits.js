// The usual parts of a personality, each with what it does in words: what the form and the wizard show of them.

/** Traits with what a low and a high value do. @type {[string, string, string, string][]} */
export const BIG_FIVE = [
  ['openness', 'Openness', 'stays with what is known, plain words', 'follows ideas, varied words'],
  ['conscientiousness', 'Conscientiousness', 'spontaneous, loose', 'orderly, keeps to what matters'],
  ['extraversion', 'Extraversion', 'few words, asks little', 'talkative, asks and exclaims'],
  ['agreeableness', 'Agreeableness', 'contradicts, dry', 'warm, seeks agreement'],
  ['neuroticism', 'Neuroticism', 'even, hard to shake', 'feels strongly, remembers what hurt'],
];

/** @type {[string, string][]} */
export const HUMOUR = [
  ['witty', 'witty: short and quick'],
  ['sarcastic', 'sarcastic: dry, says less'],
  ['wholesome', 'wholesome: kind and merry'],
  ['dark', 'dark: laughs at what is grave'],
  ['absurd', 'absurd: odd turns, freer words'],
];

/** @type {[string, string][]} */
export const LOVE = [
  ['words', 'words: says what it feels'],
  ['time', 'time: asks, keeps what was lately'],
  ['gifts', 'gifts: keeps what matters to you'],
  ['touch', 'touch: keeps what moved you'],
  ['service', 'service: keeps what helps you'],
];

/** @type {[string, string][]} */
export const ATTACHMENT = [
  ['secure', 'secure: at ease, near or far'],
  ['anxious', 'anxious: asks back, remembers feelings'],
  ['avoidant', 'avoidant: few questions, keeps a distance'],
  ['fearful', 'fearful: wants closeness, holds back'],
];

/** @type {[string, string][]} */
export const VERBOSITY = [
  ['brief', 'brief: up to three sentences'],
  ['moderate', 'moderate: up to six'],
  ['detailed', 'detailed: as many as it needs'],
];

/** @type {[string, string][]} */
export const AMOUNT = [
  ['none', 'none'],
  ['few', 'few'],
  ['many', 'many'],
];

/** Numbers of `advanced_parameters`: key, name, least, most, step, low end, high end. @type {[string, string, number, number, number, string, string][]} */
export const PARAMETERS = [
  ['temperature', 'Temperature', 0, 2, 0.05, 'the same words again', 'unexpected words'],
  ['top_p', 'Top p', 0.05, 1, 0.05, 'only the likeliest words', 'rare words too'],
  ['mimicry', 'Mimicry', 0, 1, 0.05, 'writes its own way', 'writes as you do'],
  ['proactivity', 'Proactivity', 0, 1, 0.05, 'leaves the lead to you', 'leads the talk'],
  ['max_sentences', 'Most sentences', 1, 20, 1, 'one', 'twenty'],
];

/** How far a share is from the middle, in words. @param {number} value @param {string} low @param {string} high */
export function leaning(value, low, high) {
  if (Math.abs(value - 0.5) < 0.08) return 'in the middle';
  const far = Math.abs(value - 0.5) > 0.3 ? 'very much' : 'rather';
  return `${far}: ${value < 0.5 ? low : high}`;
}

/** A copy of a personality with one value set, or taken out where it says nothing.
 * @param {Record<string, any>} data @param {string} path as in `big_five.openness` @param {any} value @returns {Record<string, any>} */
export function withValue(data, path, value) {
  const [key = '', ...rest] = path.split('.');
  const copy = { ...data };
  const inner = rest.length ? withValue(data[key] ?? {}, rest.join('.'), value) : value;
  const nothing = inner === undefined || inner === '' || (typeof inner === 'object' && inner !== null && Object.keys(inner).length === 0);
  if (nothing) delete copy[key];
  else copy[key] = inner;
  return copy;
}

/** @param {Record<string, any>} data @param {string} path @returns {any} */
export const valueAt = (data, path) => path.split('.').reduce((/** @type {any} */ at, key) => at?.[key], data);
