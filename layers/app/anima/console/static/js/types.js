// What the API answers, as far as the page reads it. A contract test compares each with the schema of that name.

/**
 * @typedef {Object} UserAnswer
 * @property {number} user_id
 * @property {string} username
 * @property {string | null} email
 * @property {string | null} full_name
 * @property {string[]} roles
 * @property {string} created_at
 */

/**
 * @typedef {Object} AvatarAnswer
 * @property {string} avatar_id
 * @property {string} name
 * @property {string} bio
 * @property {string} personality_name
 * @property {Record<string, any>} personality
 * @property {string | null} model
 * @property {Record<string, boolean>} switches
 * @property {Record<string, string | string[]>} egress
 */

/**
 * @typedef {Object} AffinityAnswer
 * @property {string} level
 * @property {number} affinity
 * @property {number} total_messages
 * @property {string | null} last_interaction
 * @property {{ level: string, from: number } | null} [next_level]
 * @property {{ level: string, points: number, at: string }[]} [history]
 */

/**
 * @typedef {Object} SessionAnswer
 * @property {number} session_id
 * @property {string | null} avatar_id
 * @property {string | null} avatar_name
 * @property {string | null} title
 * @property {boolean} private
 * @property {string} started_at
 */

/**
 * @typedef {Object} MessageAnswer
 * @property {number} message_id
 * @property {number | null} parent_message_id
 * @property {string} role
 * @property {string} content
 * @property {string} created_at
 * @property {number | null} response_id
 * @property {number} citations
 * @property {string | null} state
 * @property {Branch} branch
 */

/**
 * @typedef {Object} Branch
 * @property {number} index
 * @property {number} of
 * @property {number[]} siblings
 */

/**
 * @typedef {Object} CitationView
 * @property {number} marker
 * @property {number} document_id
 * @property {number} chunk_id
 * @property {string} title
 * @property {string | null} source_uri
 * @property {Record<string, any>} location
 * @property {string} quote
 */

/**
 * @typedef {Object} MemoryUsed
 * @property {string} kind
 * @property {string} id
 * @property {string} text
 * @property {number} score
 * @property {Record<string, number>} [scores]
 * @property {{ message_id: number | null, session_id: number | null, date: string, speaker: string, derivation?: string[], fact_ids?: string[] }} source
 */

/**
 * @typedef {Object} AnswerView
 * @property {number | null} session_id
 * @property {number | null} message_id
 * @property {number | null} parent_message_id
 * @property {number | null} response_id
 * @property {number} request_id
 * @property {string} content
 * @property {string} finish
 * @property {CitationView[]} citations
 * @property {MemoryUsed[]} memories
 * @property {Record<string, any>} affect
 * @property {Record<string, any>} model
 * @property {Record<string, any>} usage
 * @property {Record<string, number>} timings
 * @property {string} created_at
 * @property {EgressView | null} egress
 * @property {import('../character/types.js').Care | null} [safety]
 * @property {ToolView[]} [tools]
 * @property {MediaRefView[]} media_refs
 */

/**
 * @typedef {Object} ToolView
 * @property {number | null} invocation_id
 * @property {string} plugin
 * @property {string} name
 * @property {any} arguments
 * @property {string} state
 * @property {string} text
 * @property {string | null} error
 * @property {number[]} media
 * @property {number} latency_ms
 */

/**
 * @typedef {Object} MediaRefView
 * @property {number} media_id
 * @property {string} media_type
 * @property {string} mime_type
 * @property {string} url
 */

/**
 * @typedef {Object} EgressView
 * @property {string[]} kept_local
 * @property {number} left_out
 * @property {string[]} barred
 * @property {string | null} model
 */

/** @typedef {AnswerView & { feedback: { rating: number, comment: string | null } | null }} Reply */

/**
 * @typedef {Object} OpenedChunk
 * @property {number} chunk_id
 * @property {number} document_id
 * @property {number} chunk_index
 * @property {string} text
 * @property {Record<string, any>} location
 * @property {string} title
 * @property {string | null} source_uri
 * @property {number | null} previous_chunk_id
 * @property {string | null} previous_text
 * @property {number | null} next_chunk_id
 * @property {string | null} next_text
 */

/**
 * @typedef {Object} Problem
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} detail
 * @property {string} request_id
 * @property {{ path: string, message: string }[]} errors
 */

/**
 * @template T
 * @typedef {{ items: T[], next_cursor: string | null }} Page
 */

export {};
