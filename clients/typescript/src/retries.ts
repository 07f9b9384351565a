/** When a call is made again, and after how long: only what does no harm twice, with jitter, as asked by Retry-After. */

import { AnimaError, ApiError, BudgetExceeded, ConnectionFailed } from "./errors.js";

export interface Retries {
  /** How many attempts at most, the first among them. */
  attempts: number;
  /** Seconds before the second attempt; they double up to `most`. */
  first: number;
  most: number;
  /** A service that asks for a longer wait, in seconds, is not waited for. */
  patience: number;
}

export const RETRIES: Retries = { attempts: 4, first: 0.5, most: 8, patience: 30 };

const WORTH_IT = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Seconds to wait before the attempt after this one, the `made`th; throws the error where there is none. */
export function wait(error: AnimaError, made: number, policy: Retries, repeatable: boolean): number {
  const seconds = pause(error, made, policy);
  if (!repeatable || !temporary(error) || made >= policy.attempts || seconds > policy.patience) throw error;
  return seconds;
}

export function sleep(seconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      failed(signal.reason);
    });
  });
}

function pause(error: AnimaError, made: number, policy: Retries): number {
  if (error instanceof ApiError && error.retryAfter !== null) return error.retryAfter + Math.random() / 4;
  const longest = Math.min(policy.most, policy.first * 2 ** (made - 1));
  return longest * (0.5 + Math.random() / 2);
}

function temporary(error: AnimaError): boolean {
  if (error instanceof BudgetExceeded) return false;
  if (error instanceof ApiError) return error.slug === "still-running" || WORTH_IT.has(error.status);
  return error instanceof ConnectionFailed;
}
