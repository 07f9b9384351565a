// What the API answers about personalities, feelings, versions, files, ways of writing and safety, as far as the page
// reads it. A contract test compares each with the schema of that name.

/** @typedef {Record<string, any>} Personality the JSON of docs/personality.md */

/** @typedef {{ path: string, message: string, line?: number | null, column?: number | null }} Problem of a text, lines and columns from 1 */

/**
 * @typedef {Object} Verdict
 * @property {boolean} valid
 * @property {Problem[]} errors
 */

/**
 * @typedef {Object} CompiledPrompt
 * @property {string} prompt
 * @property {string} level
 * @property {Record<string, any>} sampling
 * @property {Record<string, any>} conduct
 */

/**
 * @typedef {Object} Ready
 * @property {string} name
 * @property {string} description
 * @property {string} language
 * @property {Personality} personality
 */

/** @typedef {{ path: string, kind: 'added' | 'removed' | 'changed', before: any, after: any }} Change */

/**
 * @typedef {Object} VersionAnswer
 * @property {number} version
 * @property {string} personality_name
 * @property {number | null} restored_from
 * @property {string} created_at
 * @property {boolean} is_present
 */

/**
 * @typedef {Object} StateOut
 * @property {string} mood
 * @property {number} intensity
 * @property {number} valence
 * @property {number} arousal
 * @property {Record<string, number>} emotions
 * @property {Record<string, number>} concentrations
 * @property {number} attention
 * @property {string} as_of
 */

/**
 * @typedef {Object} PointOut
 * @property {string} at
 * @property {number} valence
 * @property {number} arousal
 * @property {string} mood
 * @property {string} cause
 */

/** @typedef {Pick<LineAnswer, 'name' | 'phone' | 'text' | 'url' | 'hours'>} Resource */

/**
 * @typedef {{ kind: string, resources: Resource[], emergency: string | null, country: string | null, replaced: string | null,
 *   break: boolean, disclosed: boolean, minor: boolean }} Care what was done for somebody's safety with an answer
 */

/**
 * @typedef {Object} LineAnswer
 * @property {string} name
 * @property {string} phone
 * @property {string} text
 * @property {string} url
 * @property {string} hours
 */

/**
 * @typedef {Object} HelpAnswer
 * @property {string | null} country
 * @property {string} emergency
 * @property {LineAnswer[]} lines
 * @property {LineAnswer[]} international
 * @property {string[]} countries
 * @property {string} checked
 */

/**
 * @typedef {Object} PersonAnswer
 * @property {string | null} country
 * @property {'unknown' | 'minor' | 'adult'} age
 * @property {string | null} age_by
 * @property {boolean} breaks
 */

/**
 * @typedef {Object} SettingAnswer
 * @property {string} key
 * @property {any} value
 * @property {any[]} accepts
 * @property {string} description
 * @property {string | null} updated_at
 */

/**
 * @typedef {Object} CountAnswer
 * @property {string} month
 * @property {string} kind
 * @property {string | null} country
 * @property {number} count
 */

/**
 * @typedef {Object} ReportAnswer
 * @property {number} year
 * @property {Record<string, number>} total
 * @property {CountAnswer[]} items
 */

/**
 * @typedef {Object} CardAnswer
 * @property {string} format
 * @property {string} name
 * @property {string} creator
 * @property {string} character_version
 * @property {string[]} tags
 * @property {string} notes
 * @property {number} greetings
 * @property {number} lore_entries
 * @property {boolean} picture
 */

/**
 * @typedef {Object} TakenOut
 * @property {string | null} avatar_id
 * @property {string} name
 * @property {boolean} created
 * @property {string} made_at
 * @property {string} signed_by
 * @property {boolean} own
 * @property {Record<string, { rows: number, added: number, changed: number }>} parts
 * @property {string[]} notes
 */

/** @typedef {{ value: string | null, measured: string | null, corrected: string | null }} Trait */

/**
 * @typedef {Object} StyleOut
 * @property {boolean} enabled
 * @property {number} messages
 * @property {boolean} settled
 * @property {Record<string, Trait>} traits
 * @property {string[]} phrases
 */

export {};
