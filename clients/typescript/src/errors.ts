/** What can go wrong: problems that the service states (RFC 9457), and lines to it that fail. */

export interface FieldError {
  path: string;
  message: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  request_id: string;
  errors: FieldError[];
}

/** The base of all errors of the client. */
export class AnimaError extends Error {
  override name = "AnimaError";
}

/** The service answered with a problem; `slug` is the end of its stable type. */
export class ApiError extends AnimaError {
  override name = "ApiError";

  constructor(
    readonly problem: Problem,
    /** Seconds that the service asks to wait. */
    readonly retryAfter: number | null = null,
  ) {
    super(`${problem.status} ${slugOf(problem)}: ${problem.detail}`);
  }

  get status(): number {
    return this.problem.status;
  }

  get slug(): string {
    return slugOf(this.problem);
  }
}

export class BadInput extends ApiError {
  override name = "BadInput";
}
export class Unauthenticated extends ApiError {
  override name = "Unauthenticated";
}
export class Forbidden extends ApiError {
  override name = "Forbidden";
}
export class NotFound extends ApiError {
  override name = "NotFound";
}
export class Conflict extends ApiError {
  override name = "Conflict";
}
export class TooLarge extends ApiError {
  override name = "TooLarge";
}
export class RateLimited extends ApiError {
  override name = "RateLimited";
}
export class BudgetExceeded extends RateLimited {
  override name = "BudgetExceeded";
}
export class ServerFailed extends ApiError {
  override name = "ServerFailed";
}

/** Nothing came back. */
export class ConnectionFailed extends AnimaError {
  override name = "ConnectionFailed";
}

/** An answer that is none of this API. */
export class UnexpectedAnswer extends AnimaError {
  override name = "UnexpectedAnswer";
}

/** A stream ended before its answer did; the words that were heard are kept here. */
export class StreamCut extends AnimaError {
  override name = "StreamCut";

  constructor(
    readonly text: string,
    readonly started: { session_id: number; message_id: number; request_id: number } | null,
  ) {
    super(`the stream ended before the answer did, after ${text.length} characters`);
  }
}

const BY_STATUS: Record<number, typeof ApiError> = {
  400: BadInput,
  401: Unauthenticated,
  403: Forbidden,
  404: NotFound,
  405: NotFound,
  409: Conflict,
  410: NotFound,
  413: TooLarge,
  415: BadInput,
  416: BadInput,
  422: BadInput,
  429: RateLimited,
};

/** The error that a problem is. */
export function ofProblem(told: unknown, status: number, retryAfter: number | null = null): ApiError {
  const problem = readProblem(told, status);
  if (slugOf(problem) === "budget-exceeded") return new BudgetExceeded(problem, retryAfter);
  const kind = BY_STATUS[problem.status] ?? (problem.status >= 500 ? ServerFailed : ApiError);
  return new kind(problem, retryAfter);
}

/** The error in an answer that is none. */
export async function ofResponse(response: Response): Promise<ApiError> {
  const wait = response.headers.get("Retry-After");
  const seconds = wait !== null && /^\d+$/.test(wait.trim()) ? Number(wait) : null;
  let told: unknown = null;
  try {
    told = await response.json();
  } catch {
    // of a proxy, say: its status tells it
  }
  return ofProblem(told, response.status, seconds);
}

function readProblem(told: unknown, status: number): Problem {
  const given = (typeof told === "object" && told !== null ? told : {}) as Partial<Problem>;
  return {
    type: typeof given.type === "string" ? given.type : "about:blank",
    title: typeof given.title === "string" ? given.title : "",
    status: typeof given.status === "number" ? given.status : status,
    detail: typeof given.detail === "string" ? given.detail : `the server answered ${status}`,
    request_id: typeof given.request_id === "string" ? given.request_id : "",
    errors: Array.isArray(given.errors) ? given.errors : [],
  };
}

function slugOf(problem: Problem): string {
  return problem.type.slice(problem.type.lastIndexOf("/") + 1);
}
