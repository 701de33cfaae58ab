import { setTimeout as sleep } from 'node:timers/promises';
import { createRegistry, equals, fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { MigrationError, type Place } from '../../migration/problem/errors.js';
import {
  CellInfoSchema,
  ShardSchema,
  TabletSchema,
  TabletType,
  type KeyRange,
  type Shard,
  type Tablet,
  type TabletAlias,
} from '../wire/topodata_pb.js';
import { KeyspaceSchema, SrvVSchemaSchema, type Keyspace as VSchema } from '../wire/vschema_pb.js';
import { absent, type Entry, type Kv } from './kv.js';
import type { KeyspaceLock } from './lock.js';

export interface ShardInfo {
  name: string;
  /** `-80`, `80-c0`; empty for an unsharded keyspace. */
  keyRange: string;
  record: Shard;
}

/** Opens a topology server for a cluster; the same two give the same connection. */
export type OpenKv = (server: string, cluster: string) => Kv;

/** How often a read-modify-write is tried when others write the same record. */
const casAttempts = 10;
/** Milliseconds after which a cell's server counts as gone: for a question, and for a change that it would miss. */
const cellTimeout = { question: 3_000, change: 15_000 };

/** A cell that cannot be reached, and why. */
export interface CellAway {
  cell: string;
  why: string;
}

/** Where the records of a cell are. */
interface CellStore {
  kv: Kv;
  root: string;
}

/** One Vitess cluster's topology: its records, by Vitess's own paths (`go/vt/topo`). */
export class Topology {
  readonly kv: Kv;

  /**
   * @param name how errors name the cluster: `target`, or the mount's name
   * @param root the global root, for example /vitess/global
   */
  constructor(
    readonly name: string,
    readonly server: string,
    readonly root: string,
    private readonly open: OpenKv,
  ) {
    this.kv = open(server, name);
  }

  /** Names of the cells with a CellInfo. */
  async cells(): Promise<string[]> {
    const heads = await this.kv.heads(`${this.root}/cells/`);
    return heads.flatMap(({ key }) => /\/cells\/([^/]+)\/CellInfo$/.exec(key)?.[1] ?? []);
  }

  /** Names of the keyspaces with a Keyspace record. */
  async keyspaces(): Promise<string[]> {
    const heads = await this.kv.heads(`${this.root}/keyspaces/`);
    return heads.flatMap(({ key }) => /\/keyspaces\/([^/]+)\/Keyspace$/.exec(key)?.[1] ?? []);
  }

  /** @throws MigrationError KEYSPACE_NOT_FOUND, naming the keyspaces there are */
  async requireKeyspace(keyspace: string): Promise<void> {
    const known = await this.keyspaces();
    if (known.includes(keyspace)) return;
    throw new MigrationError(
      'KEYSPACE_NOT_FOUND',
      `keyspace ${keyspace} does not exist`,
      this.place({ keyspace }),
      known.length === 0
        ? 'the topology has no keyspaces: check the topology root'
        : `the keyspaces are ${known.join(', ')}`,
    );
  }

  /** The shards of a keyspace whose primary serves, as Vitess's `GetServingShards`, by name. */
  async servingShards(keyspace: string): Promise<ShardInfo[]> {
    const prefix = `${this.root}/keyspaces/${keyspace}/shards/`;
    const shards = (await this.kv.list(prefix)).flatMap((entry) => {
      const name = /^([^/]+)\/Shard$/.exec(entry.key.slice(prefix.length))?.[1];
      if (name === undefined) return [];
      const record = fromBinary(ShardSchema, entry.value);
      return [{ name, keyRange: formatKeyRange(record.keyRange), record }];
    });
    return shards.filter((shard) => shard.record.isPrimaryServing);
  }

  async shard(keyspace: string, shard: string): Promise<Shard> {
    const entry = await this.kv.get(this.shardPath(keyspace, shard));
    if (entry === undefined)
      throw new MigrationError(
        'KEYSPACE_NOT_FOUND',
        `shard ${keyspace}/${shard} does not exist`,
        this.place({ keyspace, shard }),
        'check the keyspace',
      );
    return fromBinary(ShardSchema, entry.value);
  }

  /**
   * The primary tablet of a shard according to its record; another one after a failover.
   * @throws MigrationError NO_PRIMARY
   */
  async primary(keyspace: string, shard: string): Promise<Tablet> {
    const { primaryAlias } = await this.shard(keyspace, shard);
    const tablet = primaryAlias === undefined ? undefined : await this.tablet(primaryAlias);
    if (tablet !== undefined) return tablet;
    throw new MigrationError(
      'NO_PRIMARY',
      'the shard has no primary tablet',
      this.place({ keyspace, shard }),
      'start one, or promote one (vtctldclient PlannedReparentShard)',
    );
  }

  /** All tablets of a shard in the cells that can be reached: partial results, as Vitess's `GetTabletMapForShard`. */
  async tablets(keyspace: string, shard: string): Promise<Tablet[]> {
    const { answers } = await this.inEachCell(async ({ kv, root }) =>
      (await kv.list(`${root}/tablets/`))
        .filter((entry) => entry.key.endsWith('/Tablet'))
        .map((entry) => fromBinary(TabletSchema, entry.value)),
    );
    return answers.flat().filter((tablet) => tablet.keyspace === keyspace && tablet.shard === shard);
  }

  /** The cells that cannot be reached. @throws MigrationError when none can */
  async cellsAway(): Promise<CellAway[]> {
    return (await this.inEachCell(({ kv, root }) => kv.get(`${root}/SrvVSchema`))).away;
  }

  /** A keyspace without a VSchema record has an empty one, as for Vitess. */
  async vschema(keyspace: string): Promise<VSchema> {
    const entry = await this.kv.get(this.vschemaPath(keyspace));
    return fromBinary(KeyspaceSchema, entry?.value ?? new Uint8Array());
  }

  /** Read-modify-write of the VSchema of the locked keyspace; see `update`. @throws MigrationError RECORD_CHANGED */
  updateVSchema(lock: KeyspaceLock, change: (vschema: VSchema) => boolean): Promise<VSchema> {
    return this.update(this.kv, this.vschemaPath(this.lockedKeyspace(lock)), KeyspaceSchema, change);
  }

  /** Read-modify-write of a shard record of the locked keyspace; see `update`. @throws MigrationError RECORD_CHANGED */
  updateShard(lock: KeyspaceLock, shard: string, change: (record: Shard) => boolean): Promise<Shard> {
    return this.update(this.kv, this.shardPath(this.lockedKeyspace(lock), shard), ShardSchema, change);
  }

  /**
   * Copies the VSchema record of the locked keyspace into every cell's serving VSchema, and leaves the other
   * keyspaces and the routing rules alone.
   * @returns the cells that cannot be reached: they keep the serving VSchema that they have
   * @throws MigrationError RECORD_CHANGED; TOPO_UNREACHABLE when no cell can be reached
   */
  async publishVSchema(lock: KeyspaceLock): Promise<CellAway[]> {
    const keyspace = this.lockedKeyspace(lock);
    const vschema = await this.vschema(keyspace);
    const publish = ({ kv, root }: CellStore) =>
      this.update(kv, `${root}/SrvVSchema`, SrvVSchemaSchema, (srv) => {
        const shown = srv.keyspaces[keyspace];
        // Compared by value: the order of a map's entries, and so the bytes, may differ.
        if (
          shown !== undefined &&
          equals(KeyspaceSchema, shown, vschema, { registry: createRegistry(KeyspaceSchema), unknown: true })
        )
          return false;
        srv.keyspaces[keyspace] = vschema;
        return true;
      });
    return (await this.inEachCell(publish, cellTimeout.change)).away;
  }

  place(more: Place = {}): Place {
    return { cluster: this.name, ...more };
  }

  /**
   * Reads a record, lets `change` alter it (false: nothing to write), and writes it unless another program has
   * changed it meanwhile; then starts over. Fields unknown here survive.
   * @throws MigrationError RECORD_CHANGED when other programs keep writing
   */
  private async update<D extends DescMessage>(
    kv: Kv,
    path: string,
    schema: D,
    change: (value: MessageShape<D>) => boolean,
  ): Promise<MessageShape<D>> {
    for (let attempt = 0; attempt < casAttempts; attempt++) {
      const entry: Entry | undefined = await kv.get(path);
      const value = fromBinary(schema, entry?.value ?? new Uint8Array());
      if (!change(value)) return value;
      if (await kv.put(path, toBinary(schema, value), entry?.revision ?? absent)) return value;
    }
    throw new MigrationError(
      'RECORD_CHANGED',
      `${path} keeps being changed by others`,
      this.place({ server: kv.server }),
      'the step is tried again',
    );
  }

  /** A lock of another cluster proves nothing about this one: a mistake in this program. */
  private lockedKeyspace({ cluster, keyspace }: KeyspaceLock): string {
    if (cluster !== this.name) throw new Error(`the lock is one of ${cluster}, the record one of ${this.name}`);
    return keyspace;
  }

  /** Asks every cell. One whose server is gone, or whose CellInfo is, does not keep the others from answering. */
  private async inEachCell<T>(
    ask: (store: CellStore) => Promise<T>,
    timeoutMs = cellTimeout.question,
  ): Promise<{ answers: T[]; away: CellAway[] }> {
    const cells = await this.cells();
    const asked = cells.map(async (cell) => ask(await this.cellStore(cell)));
    const found = await Promise.allSettled(asked.map((answer) => this.inTime(answer, timeoutMs)));
    const failures = found.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
    const grave = failures.find((error) => !isAway(error));
    if (grave !== undefined) throw grave;
    if (failures.length === cells.length) throw failures[0] ?? noCells(this.place());
    return {
      answers: found.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
      away: found.flatMap((each, n) =>
        each.status === 'rejected' ? [{ cell: cells[n] ?? '', why: (each.reason as MigrationError).what }] : [],
      ),
    };
  }

  private async inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
    const over = new AbortController();
    const late = sleep(timeoutMs, undefined, { signal: over.signal }).then(() => {
      throw new MigrationError(
        'TOPO_UNREACHABLE',
        `the topology server of the cell does not answer within ${timeoutMs / 1000} s`,
        this.place(),
        'check that it runs there and can be reached from the worker',
      );
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      over.abort();
      late.catch(() => undefined);
    }
  }

  private async cellStore(cell: string): Promise<CellStore> {
    const entry = await this.kv.get(`${this.root}/cells/${cell}/CellInfo`);
    if (entry === undefined)
      throw new MigrationError(
        'CELL_NOT_FOUND',
        `cell ${cell} has no CellInfo`,
        this.place({ cell }),
        'add it with vtctldclient AddCellInfo',
      );
    const info = fromBinary(CellInfoSchema, entry.value);
    return { kv: this.open(info.serverAddress === '' ? this.server : info.serverAddress, this.name), root: info.root };
  }

  private async tablet(alias: TabletAlias): Promise<Tablet | undefined> {
    const { kv, root } = await this.cellStore(alias.cell);
    const entry = await kv.get(`${root}/tablets/${formatAlias(alias)}/Tablet`);
    return entry === undefined ? undefined : fromBinary(TabletSchema, entry.value);
  }

  private shardPath(keyspace: string, shard: string): string {
    return `${this.root}/keyspaces/${keyspace}/shards/${shard}/Shard`;
  }

  private vschemaPath(keyspace: string): string {
    return `${this.root}/keyspaces/${keyspace}/VSchema`;
  }
}

function isAway(error: unknown): boolean {
  return error instanceof MigrationError && (error.code === 'TOPO_UNREACHABLE' || error.code === 'CELL_NOT_FOUND');
}

function noCells(place: Place): MigrationError {
  return new MigrationError('CELL_NOT_FOUND', 'the topology has no cells', place, 'check the topology root');
}

/** `zone1-0000000100` */
export function formatAlias(alias: TabletAlias | undefined): string {
  return alias === undefined ? '' : `${alias.cell}-${String(alias.uid).padStart(10, '0')}`;
}

/** The upper-case name Vitess prints for a tablet type. */
export function formatTabletType(type: TabletType): string {
  return TabletType[type];
}

function formatKeyRange(range: KeyRange | undefined): string {
  if (range === undefined) return '';
  return `${Buffer.from(range.start).toString('hex')}-${Buffer.from(range.end).toString('hex')}`;
}
