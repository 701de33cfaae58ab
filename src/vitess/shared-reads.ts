import { withoutClaims } from './claims.js';

/** Milliseconds after which a call is not waited for: its server may have stopped answering. */
const patience = 500;
/** Keys of one call, where the call has no limit of its own. */
const mostKeys = 1_000;

/** A call that is under way, and the one that begins when it has ended. */
interface Turn {
  since: number;
  ended: Promise<unknown>;
  next?: NextTurn;
}

interface NextTurn<K = unknown, T = unknown> {
  keys: Set<K>;
  answer: Promise<T>;
}

/**
 * Reads of a server that are asked for at the same time share one call: many migrations watch the same records. A read
 * that comes while the same call is under way waits for the next one, so that no answer is older than its question.
 * The callers share an answer, and must not change it.
 */
export class SharedReads {
  private readonly turns = new Map<string, Turn>();
  private readonly recent = new Map<string, Promise<unknown>>();

  /** @param what names the call: calls of one name give the same answer */
  read<T>(what: string, call: () => Promise<T>): Promise<T> {
    return this.readTogether(what, [], call);
  }

  /**
   * A read of some things by their keys: the call gets the keys of all that ask at the same time.
   * @param what names the call: calls of one name and the same keys give the same answer
   * @param most keys of one call; one that has more itself does not share it
   * @returns the answer for those keys, and maybe for more
   */
  async readTogether<K, T>(
    what: string,
    keys: readonly K[],
    call: (keys: K[]) => Promise<T>,
    most = mostKeys,
  ): Promise<T> {
    const turn = this.turns.get(what);
    if (turn === undefined || Date.now() - turn.since > patience) return this.begin(what, keys, call);
    const next = (turn.next ??= this.after(turn, what, call));
    if (next.keys.size + keys.length > most) return call([...keys]);
    for (const key of keys) next.keys.add(key);
    return next.answer as Promise<T>;
  }

  /**
   * A read whose answer may be somewhat older than the question.
   * @param ageMs milliseconds since its call began, at most
   */
  readRecent<T>(what: string, ageMs: number, call: () => Promise<T>): Promise<T> {
    const known = this.recent.get(what) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const answer = withoutClaims(call);
    this.recent.set(what, answer);
    const forget = () => {
      if (this.recent.get(what) === answer) this.recent.delete(what);
    };
    setTimeout(forget, ageMs).unref();
    answer.catch(forget);
    return answer;
  }

  private begin<K, T>(what: string, keys: readonly K[], call: (keys: K[]) => Promise<T>): Promise<T> {
    // The claims of one that asks are not those of the others.
    const answer = withoutClaims(() => call([...keys]));
    const turn: Turn = { since: Date.now(), ended: answer.catch(() => undefined) };
    this.turns.set(what, turn);
    void turn.ended.then(() => {
      if (turn.next === undefined && this.turns.get(what) === turn) this.turns.delete(what);
    });
    return answer;
  }

  private after<K, T>(turn: Turn, what: string, call: (keys: K[]) => Promise<T>): NextTurn<K, T> {
    const keys = new Set<K>();
    const answer = endOf(turn).then(() => this.begin(what, [...keys], call));
    return { keys, answer };
  }
}

/** Answers when a turn has ended, or has had its time. */
async function endOf({ since, ended }: Turn): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, since + patience - Date.now()));
  });
  await Promise.race([ended, late]);
  clearTimeout(timer);
}
