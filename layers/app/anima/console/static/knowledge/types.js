// What the API answers about documents, stores and searches. A contract test compares each with the schema of that name.

/**
 * @typedef {Object} DocumentAnswer
 * @property {number} document_id
 * @property {number} store_id
 * @property {string} purpose
 * @property {string} state
 * @property {string} title
 * @property {string | null} source_uri
 * @property {string | null} uri
 * @property {string | null} name
 * @property {string} doc_type
 * @property {string | null} mime_type
 * @property {number} size_bytes
 * @property {string} stage
 * @property {string | null} unit
 * @property {number} units_done
 * @property {number | null} units_total
 * @property {number | null} seconds_left
 * @property {number} chunks_done
 * @property {number | null} chunks_total
 * @property {Unread[]} unread
 * @property {number} attempts
 * @property {string | null} reason
 * @property {string | null} language
 * @property {string} created_at
 * @property {string} updated_at
 * @property {Record<string, any>} metadata
 */

/**
 * @typedef {Object} Unread
 * @property {string} what
 * @property {string} reason
 */

/**
 * @typedef {Object} ChunkAnswer
 * @property {number} chunk_id
 * @property {number} chunk_index
 * @property {string} text
 * @property {Record<string, any>} location
 */

/**
 * @typedef {Object} TicketAnswer
 * @property {string} upload_id
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {Record<string, string>} fields
 */

/**
 * @typedef {Object} StoreAnswer
 * @property {number} store_id
 * @property {string} store_name
 * @property {string} provider
 * @property {string | null} endpoint_url
 * @property {boolean} has_key
 * @property {string} embedding_model
 * @property {number} dimension
 * @property {string} metric
 * @property {string} purpose
 * @property {number} documents
 * @property {number} chunks
 * @property {StoreHealth} health
 */

/**
 * @typedef {Object} StoreHealth
 * @property {string} condition
 * @property {number} waiting
 * @property {string | null} last_error
 * @property {string | null} failed_at
 * @property {string | null} retry_at
 */

/**
 * @typedef {Object} CheckAnswer
 * @property {string} store_name
 * @property {boolean} reachable
 * @property {string | null} problem
 * @property {number} expected
 * @property {number} found
 * @property {number} waiting
 * @property {number} missing
 * @property {number} extra
 * @property {number} other_model
 * @property {boolean} mended
 */

/**
 * @typedef {Object} PublishedAnswer
 * @property {string} store_name
 * @property {number} documents
 * @property {number} chunks
 */

/**
 * @typedef {Object} Scores
 * @property {number | null} vector
 * @property {number | null} words
 * @property {number | null} trigram
 */

/**
 * @typedef {Object} Copy
 * @property {number} chunk_id
 * @property {number} document_id
 * @property {string} title
 */

/**
 * @typedef {Object} Why
 * @property {string[]} terms
 * @property {Record<string, string>} spelled
 * @property {string | null} speaker
 * @property {number[]} neighbours
 * @property {Copy[]} same_as
 */

/**
 * @typedef {Object} HitAnswer
 * @property {number} chunk_id
 * @property {number} document_id
 * @property {string} purpose
 * @property {string} title
 * @property {Record<string, any>} location
 * @property {string} text
 * @property {number} score
 * @property {Scores} scores
 * @property {Why} why
 */

/**
 * @typedef {Object} FoundChunks
 * @property {number} retrieval_id
 * @property {HitAnswer[]} hits
 * @property {boolean} nothing_found
 * @property {number | null} best_below
 * @property {number} floor
 * @property {string[]} warnings
 * @property {string[] | null} plan
 * @property {Record<string, number>} timings
 */

/**
 * @typedef {Object} RetrievalAnswer
 * @property {number} retrieval_id
 * @property {number | null} request_id
 * @property {string[]} purposes
 * @property {string | null} query_text
 * @property {string} mode
 * @property {number} top_k
 * @property {number | null} floor
 * @property {number[]} result_ids
 * @property {number[]} distances
 * @property {string} status
 * @property {number | null} latency_ms
 * @property {string[]} warnings
 * @property {string} retrieved_at
 */

/**
 * @typedef {Object} EstimateAnswer
 * @property {string} mode
 * @property {string | null} model
 * @property {number} tokens
 * @property {number} completion_tokens
 * @property {number} calls
 * @property {number | null} seconds
 * @property {number | null} money
 */

/**
 * @typedef {Object} SummaryAnswer
 * @property {number} summary_id
 * @property {string | null} instruction
 * @property {string} mode
 * @property {string | null} model
 * @property {string} state
 * @property {number} parts_done
 * @property {number} parts_total
 * @property {string | null} text
 * @property {SummaryCitation[]} citations
 * @property {string | null} reason
 * @property {string} created_at
 */

/**
 * @typedef {Object} SummaryCitation
 * @property {number} marker
 * @property {number} document_id
 * @property {number} chunk_id
 * @property {Record<string, any>} location
 * @property {string} quote
 */

export {};
