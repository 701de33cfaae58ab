/** Characters of an answer that are kept. */
const mostText = 500;

/**
 * Posts JSON. A redirection is not followed: it would lead to where nobody has allowed it.
 * @returns null when the answer is 2xx; otherwise what it was
 */
export async function post(url: string, body: string, signal: AbortSignal): Promise<string | null> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      signal,
    });
    const text = answer.ok
      ? ''
      : (await answer.text())
          .slice(0, mostText)
          .replaceAll(/[\s\p{Cc}]+/gu, ' ')
          .trim();
    await answer.body?.cancel().catch(() => undefined);
    return answer.ok ? null : `status ${answer.status}${text === '' ? '' : `: ${text}`}`;
  } catch (error) {
    return `no answer (${reasonOf(error)})`;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
