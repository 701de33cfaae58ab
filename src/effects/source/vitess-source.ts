import type { ChecksumTable } from '../../migration/checksum/columns.js';
import { tablesStillKnown } from '../../migration/problem/cell-not-reached.js';
import type { Place, Problem } from '../../migration/problem/errors.js';
import type { Definitions } from '../../migration/proof/drift.js';
import { definitionWithout, type Omissions } from '../../migration/sql/definition.js';
import type { Clients } from '../../vitess/clients.js';
import { withKeyspaceLock, type KeyspaceLock } from '../../vitess/topology/lock.js';
import { allowTables, deniedTables, denyTables } from '../../vitess/topology/shard-record.js';
import type { Topology } from '../../vitess/topology/topology.js';
import type { ChangeLimits, Changes } from '../../vitess/tablet/changes.js';
import { sumSizes, type TableSizes } from '../../vitess/tablet/sql/sizes.js';
import type { TableIds } from '../../vitess/tablet/sql/table-ids.js';
import type { TabletHandle } from '../../vitess/tablet/tablet-handle.js';
import { refreshShard } from '../refresh-shard.js';
import { RowReader } from '../row-reader.js';
import { describeBehind } from '../behind.js';
import { unlessAway } from '../unless-away.js';
import { readLoads } from '../load.js';
import type { Load } from '../../migration/watch/holding-back.js';
import type { LockedSource, Source, SourceId } from './source.js';

/** Seconds that a replica may need to come to a position before the primary is read instead. */
const replicaPatience = 1;
/** Milliseconds until a replica that was behind is asked again. */
const passOver = 30_000;

/** A keyspace of a mounted Vitess cluster. All but rows is asked of, and done by, the primaries of its shards. */
export class VitessSource implements Source {
  readonly mount: string;
  readonly keyspace: string;
  readonly shards: readonly string[];
  private readonly omissions: Omissions;
  /** Replicas that were behind, and until when they are not asked again: milliseconds since 1970. */
  private readonly passedOver = new Map<string, number>();

  constructor(
    private readonly clients: Clients,
    private readonly topology: Topology,
    { mount, keyspace, shards, ...omissions }: SourceId,
  ) {
    this.omissions = omissions;
    this.mount = mount;
    this.keyspace = keyspace;
    this.shards = shards;
  }

  place(more: { shard?: string; tablet?: string; table?: string } = {}): Place {
    return this.topology.place({ keyspace: this.keyspace, ...more });
  }

  streamSource(shard: string): { keyspace: string; shard: string; externalCluster: string } {
    return { keyspace: this.keyspace, shard, externalCluster: this.mount };
  }

  async definitions(tables: readonly string[]): Promise<Record<string, Definitions>> {
    return this.byShard(async (tablet) => {
      const found = await tablet.tables(tables);
      return Object.fromEntries(found.map(({ name, ddl }) => [name, definitionWithout(this.omissions, ddl)]));
    });
  }

  async sizes(tables: readonly string[]): Promise<TableSizes> {
    return sumSizes(Object.values(await this.byShard((tablet) => tablet.sizes(tables))));
  }

  async tableNames(shard: string): Promise<string[]> {
    return (await this.primary(shard)).tableNames();
  }

  async position(shard: string): Promise<string> {
    return (await this.primary(shard)).primaryPosition();
  }

  async changedTables(
    shard: string,
    tables: readonly string[],
    from: string,
    to: string,
    timeoutMs: number,
  ): Promise<string[]> {
    return (await this.primary(shard)).changedTables(tables, from, to, timeoutMs);
  }

  async changes(
    shard: string,
    tables: readonly ChecksumTable[],
    from: string,
    to: string,
    limits: ChangeLimits,
  ): Promise<Changes> {
    return (await this.primary(shard)).changes(tables, from, to, limits);
  }

  async rowReader(positions: Record<string, string>): Promise<RowReader> {
    const tablets = this.shards.map(
      async (shard) => (await this.replicaAt(shard, positions[shard] ?? '')) ?? (await this.primary(shard)),
    );
    return new RowReader(await Promise.all(tablets), true);
  }

  async openTransactions(shard: string): Promise<string[]> {
    return [...(await (await this.primary(shard)).openTransactions())];
  }

  async deniedTables(shard: string): Promise<string[]> {
    return deniedTables(await this.topology.shard(this.keyspace, shard));
  }

  refresh(shard: string): Promise<void> {
    return refreshShard(this.clients, this.topology, this.keyspace, shard);
  }

  async renameTables(shard: string, names: readonly (readonly [from: string, to: string])[]): Promise<void> {
    await (await this.primary(shard)).renameTables(names);
  }

  async dropTables(shard: string, tables: readonly string[]): Promise<void> {
    await (await this.primary(shard)).dropTables(tables);
  }

  async reloadSchema(shard: string): Promise<void> {
    await (await this.primary(shard)).reloadSchema();
  }

  withLock<T>(action: string, work: (locked: LockedSource) => Promise<T>): Promise<T> {
    return withKeyspaceLock(this.topology, this.keyspace, action, (lock) =>
      work(new LockedVitessSource(this.topology, lock)),
    );
  }

  tableIds(tables: readonly string[]): Promise<Record<string, TableIds>> {
    return this.byShard((tablet) => tablet.tableIds(tables));
  }

  async tabletCells(types: readonly string[]): Promise<Record<string, string[]>> {
    const entries = this.shards.map(async (shard) => {
      const tablets = await this.clients.tablets(this.topology, this.keyspace, shard);
      const cells = tablets.filter(({ type }) => types.includes(type)).map(({ cell }) => cell);
      return [shard, [...new Set(cells)].sort()] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  async behind({
    tabletTypes,
    cells,
  }: {
    tabletTypes: readonly string[];
    cells: readonly string[];
  }): Promise<string | null> {
    for (const shard of this.shards) {
      const tablets = await this.clients.tablets(this.topology, this.keyspace, shard);
      const words = await describeBehind(
        tablets.filter(({ cell, type }) => tabletTypes.includes(type) && cells.includes(cell)),
      );
      if (words !== null) return words;
    }
    return null;
  }

  async loads(): Promise<Load[]> {
    const perShard = this.shards.map(async (shard) =>
      readLoads([...(await this.replicas(shard)), await this.primary(shard)]),
    );
    return (await Promise.all(perShard)).flat();
  }

  /** A replica that is not there, or is behind, is no reason to wait for it; it is asked again after a while. */
  private async replicaAt(shard: string, position: string): Promise<TabletHandle | undefined> {
    for (const tablet of await this.replicas(shard)) {
      if (Date.now() < (this.passedOver.get(tablet.alias) ?? 0)) continue;
      if (await unlessAway(() => tablet.hasExecuted(position, replicaPatience))) return tablet;
      this.passedOver.set(tablet.alias, Date.now() + passOver);
    }
    return undefined;
  }

  private async replicas(shard: string): Promise<TabletHandle[]> {
    const tablets = (await unlessAway(() => this.clients.tablets(this.topology, this.keyspace, shard))) ?? [];
    return tablets.filter(({ type }) => type === 'REPLICA');
  }

  private primary(shard: string): Promise<TabletHandle> {
    return this.clients.primary(this.topology, this.keyspace, shard);
  }

  private async byShard<T>(read: (tablet: TabletHandle) => Promise<T>): Promise<Record<string, T>> {
    const entries = this.shards.map(async (shard) => [shard, await read(await this.primary(shard))] as const);
    return Object.fromEntries(await Promise.all(entries));
  }
}

class LockedVitessSource implements LockedSource {
  constructor(
    private readonly topology: Topology,
    private readonly lock: KeyspaceLock,
  ) {}

  check(): Promise<void> {
    return this.lock.check();
  }

  deny(shard: string, tables: readonly string[]): Promise<void> {
    return denyTables(this.lock, this.topology, shard, tables);
  }

  allow(shard: string, tables: readonly string[]): Promise<void> {
    return allowTables(this.lock, this.topology, shard, tables);
  }

  /** As Vitess's `dropParticipatingTablesFromKeyspace`. */
  async forgetTables(tables: readonly string[]): Promise<Problem[]> {
    await this.topology.updateVSchema(this.lock, (record) => {
      const kept = Object.entries(record.tables).filter(([name]) => !tables.includes(name));
      if (kept.length === Object.keys(record.tables).length) return false;
      record.tables = Object.fromEntries(kept);
      return true;
    });
    const away = await this.topology.publishVSchema(this.lock);
    return tablesStillKnown(away, this.topology.place({ keyspace: this.lock.keyspace }));
  }
}
