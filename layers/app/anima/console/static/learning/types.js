// What the API answers about training jobs, as far as the page reads it.

/**
 * @typedef {Object} JobAnswer
 * @property {string} job_id
 * @property {string} kind
 * @property {string} name
 * @property {string | null} label which physics it trains by
 * @property {string} status
 * @property {Record<string, any>} configuration
 * @property {string} backend
 * @property {number} gpus
 * @property {string | null} run_id
 * @property {number} attempt
 * @property {number} most_attempts
 * @property {number | null} step
 * @property {number | null} of
 * @property {Record<string, any>} progress
 * @property {string | null} waiting_for
 * @property {string | null} error
 * @property {number | null} exit_code
 * @property {Record<string, any> | null} result
 * @property {string | null} heartbeat_at
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} ended_at
 * @property {Record<string, any> | null} registered_model
 */

export {};
