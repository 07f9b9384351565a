// What the API answers about memory. A contract test compares each with the schema of that name.

/**
 * @typedef {Object} FactOut
 * @property {string} id
 * @property {string} category
 * @property {string} key
 * @property {any} value
 * @property {string} text
 * @property {string} status
 * @property {number} mention_count
 * @property {string} first_mentioned
 * @property {string} last_updated
 * @property {boolean} is_active
 * @property {string | null} superseded_by
 * @property {string | null} true_from
 * @property {string | null} true_until
 * @property {string} learned_at
 * @property {string | null} ended_at
 * @property {boolean} pinned
 * @property {string} origin
 * @property {{ entity_id: string, name: string } | null} entity
 * @property {FactSource} source
 */

/**
 * @typedef {Object} FactSource
 * @property {number | null} message_id
 * @property {number | null} session_id
 * @property {string} evidence
 */

/**
 * @typedef {Object} MentionOut
 * @property {number} message_id
 * @property {number} session_id
 * @property {string} date
 * @property {string} evidence
 * @property {boolean} gone
 */

/** @typedef {FactOut & { history: FactOut[], mentions: MentionOut[] }} WholeFact */

/**
 * @typedef {Object} EpisodeOut
 * @property {string} id
 * @property {string} type
 * @property {string} title
 * @property {string} summary
 * @property {number} importance
 * @property {string} sentiment
 * @property {string} timestamp
 * @property {number} times_recalled
 * @property {string | null} last_recalled
 * @property {string | null} forget_at
 * @property {boolean} pinned
 * @property {string} origin
 * @property {EpisodeSource} source
 */

/**
 * @typedef {Object} EpisodeSource
 * @property {number[]} message_ids
 * @property {number | null} session_id
 */

/**
 * @typedef {Object} EntityOut
 * @property {string} entity_id
 * @property {string} kind
 * @property {string} name
 * @property {string[]} aliases
 * @property {string | null} relation
 * @property {number} mention_count
 * @property {string} first_seen
 * @property {string} last_seen
 */

/**
 * @typedef {Object} ChangeOut
 * @property {string} change_id
 * @property {string} action
 * @property {string} title
 * @property {string} made_at
 * @property {string | null} undone_at
 */

/**
 * @typedef {Object} Hit
 * @property {'fact' | 'episode' | 'message'} kind
 * @property {string} id
 * @property {string} text
 * @property {number} score
 * @property {Record<string, number>} scores
 * @property {HitSource} source
 */

/**
 * @typedef {Object} HitSource
 * @property {number | null} message_id
 * @property {number | null} session
 * @property {string} date
 * @property {string} speaker
 */

/**
 * @typedef {Object} GapOut
 * @property {string} gap_id
 * @property {string} kind
 * @property {string} question
 * @property {number} score
 * @property {string} state
 * @property {number} mention_count
 * @property {Record<string, string>} looked_in
 * @property {FindingOut | null} finding
 * @property {GapSource} source
 * @property {string} last_seen
 * @property {string | null} researched_at
 * @property {string | null} told_at
 */

/**
 * @typedef {Object} GapSource
 * @property {number} message_id
 * @property {number} session_id
 */

/**
 * @typedef {Object} FindingOut
 * @property {number} document_id
 * @property {string} text
 * @property {string} title
 * @property {string | null} source_uri
 */

/**
 * @typedef {Object} CuriosityOut
 * @property {boolean} on
 * @property {number} searches_a_day
 * @property {number} searches_today
 * @property {number} turns_between
 */

/**
 * @typedef {Object} SleepOut
 * @property {string} state
 * @property {string | null} ended_at
 * @property {number} seconds
 * @property {number} tokens
 * @property {string | null} reason
 * @property {SleepStep[]} steps
 */

/**
 * @typedef {Object} SleepStep
 * @property {string} name
 * @property {string} state
 * @property {Record<string, number>} counts
 */

/**
 * @typedef {Object} TranscriptAnswer
 * @property {number} document_id
 * @property {string} title
 * @property {string} state
 * @property {string} stage
 * @property {string | null} reason
 * @property {string | null} origin
 * @property {number} sessions
 * @property {number} messages
 * @property {Record<string, number>} counts
 * @property {string} created_at
 */

export {};
