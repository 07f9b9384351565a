export * from "./client.js";
export * from "./errors.js";
export * from "./jobs.js";
export type { Retries } from "./retries.js";
export type { components, paths } from "./schema.js";
export * from "./streams.js";
export { Talk, type Frame, type TalkOptions } from "./talk.js";
export type { Options, Tokens } from "./wire.js";
