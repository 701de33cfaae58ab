import type { MountFacts, Request } from '../../migration/preflight/facts.js';
import type { MigrationError, Place } from '../../migration/problem/errors.js';
import type { SourceInspection } from '../../effects/source/inspection.js';
import { inspectSource } from '../../effects/source/open-source.js';
import type { Clients } from '../../vitess/clients.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { BoundedReads } from './bounded-reads.js';

/** A fact as it was read: its value, and what of it could not be read. */
export interface Outcome<T> {
  value?: T;
  unread: readonly MigrationError[];
}

/** The primary of a target shard. */
export interface TargetPrimary {
  place: Place;
  tablet: TabletHandle;
}

/** Both sides of a migration, as the facts are read from them. */
export class Sides {
  private readonly primaries = new Map<string, TargetPrimary>();
  private inspection: SourceInspection | undefined;

  constructor(
    readonly clients: Clients,
    readonly request: Request,
    private readonly reads = new BoundedReads(),
  ) {}

  /** Reads one thing, within the bounds. */
  async one<T>(place: Place, work: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> {
    const reading = await this.reads.read(place, work);
    return 'unread' in reading ? { unread: [reading.unread] } : { value: reading.value, unread: [] };
  }

  /** Reads the same of each item, side by side and within the bounds. What can be read is the value. */
  async each<I, T>(
    items: readonly I[],
    placeOf: (item: I) => Place,
    work: (item: I, signal: AbortSignal) => Promise<T>,
  ): Promise<Required<Outcome<T[]>>> {
    const all = await Promise.all(items.map((item) => this.one(placeOf(item), (signal) => work(item, signal))));
    return {
      value: all.flatMap((each) => (each.value === undefined ? [] : [each.value])),
      unread: all.flatMap(({ unread }) => unread),
    };
  }

  /** The source keyspace of the cluster that is, or would be, mounted so. */
  source(mount: MountFacts): SourceInspection {
    this.inspection ??= inspectSource(this.clients, this.request.source, mount);
    return this.inspection;
  }

  targetPlace(more: Place = {}): Place {
    return this.clients.target.place({ keyspace: this.request.target.keyspace, ...more });
  }

  /** The primary of a target shard: the same one for every fact. @throws MigrationError NO_PRIMARY */
  async primary(shard: string): Promise<TargetPrimary> {
    const known = this.primaries.get(shard);
    if (known !== undefined) return known;
    const { target } = this.clients;
    const record = await target.primary(this.request.target.keyspace, shard);
    const tablet = this.clients.tablet(target, record);
    const primary = { place: tablet.place, tablet };
    this.primaries.set(shard, primary);
    return primary;
  }

  /** Reads the same of the primary of each target shard. */
  ofPrimaries<T>(
    shards: readonly { shard: string; place: Place }[],
    work: (primary: TargetPrimary, shard: string, signal: AbortSignal) => Promise<T>,
  ): Promise<Required<Outcome<T[]>>> {
    return this.each(
      shards,
      ({ place }) => place,
      async ({ shard }, signal) => work(await this.primary(shard), shard, signal),
    );
  }
}
