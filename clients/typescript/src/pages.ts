/** Answers of routes, and lists that come page by page. */

interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** The answer of a route; errors were thrown before it could come without one. */
export function good<T>(answer: { data?: T }): T {
  return answer.data as T;
}

export async function* every<T>(page: (cursor: string | undefined) => Promise<Page<T>>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const answer = await page(cursor);
    yield* answer.items;
    cursor = answer.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

export async function all<T>(page: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of every(page)) items.push(item);
  return items;
}
