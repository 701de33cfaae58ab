import type { ShardFacts, SourceTable, SourceTablet, VSchemaFacts } from '../../migration/plan/facts.js';
import type { TableFacts } from '../../migration/plan/table-facts.js';
import type { StreamAccountFacts, Unmapped } from '../../migration/preflight/facts.js';
import { MigrationError, type Place } from '../../migration/problem/errors.js';
import type { Clients } from '../../vitess/clients.js';
import { formatAlias, formatTabletType, type CellAway, type Topology } from '../../vitess/topology/topology.js';
import type { Tablet as TabletRecord } from '../../vitess/wire/topodata_pb.js';
import { requireServingShards, toVSchemaFacts } from '../keyspace-facts.js';
import type { OpenTransaction, Replication, SourceInspection } from './inspection.js';

/** A keyspace of a Vitess cluster. `tablets` reads the records of the tablets that it is asked about afterwards. */
export class VitessSourceInspection implements SourceInspection {
  private readonly records = new Map<string, TabletRecord>();

  constructor(
    private readonly clients: Clients,
    private readonly topology: Topology,
    private readonly keyspace: string,
  ) {}

  place(more: { shard?: string; tablet?: string; table?: string } = {}): Place {
    return this.topology.place({ keyspace: this.keyspace, ...more });
  }

  cells(): Promise<string[]> {
    return this.topology.cells();
  }

  cellsAway(): Promise<CellAway[]> {
    return this.topology.cellsAway();
  }

  async shards(): Promise<ShardFacts[]> {
    const shards = await requireServingShards(this.topology, this.keyspace);
    return shards.map(({ name, keyRange }) => ({ name, keyRange }));
  }

  async vschema(): Promise<VSchemaFacts> {
    return toVSchemaFacts(await this.topology.vschema(this.keyspace));
  }

  async tablets(shard: string): Promise<SourceTablet[]> {
    const records = await this.topology.tablets(this.keyspace, shard);
    for (const record of records) this.records.set(formatAlias(record.alias), record);
    return records.map((record) => ({
      shard,
      alias: formatAlias(record.alias),
      cell: record.alias?.cell ?? '',
      type: formatTabletType(record.type),
      hostname: record.hostname,
    }));
  }

  async tables(shard: string): Promise<SourceTable[]> {
    const tables = await (await this.primary(shard)).tables();
    if (tables.some(({ name }) => name.includes('`'))) throw backtickName(this.place({ shard }));
    return tables.map(({ name, ddl, rows, bytes }) => ({ name, ddl, rows, bytes }));
  }

  async tableDetails(shard: string, names: readonly string[]): Promise<TableFacts[]> {
    return (await this.primary(shard)).tableDetails(names);
  }

  async views(shard: string): Promise<string[]> {
    return (await this.primary(shard)).views();
  }

  async largest(shard: string, table: string, column: string): Promise<bigint | undefined> {
    return (await this.primary(shard)).largest(table, column);
  }

  async health(tablet: SourceTablet): Promise<string> {
    return this.handle(tablet).health();
  }

  async openStream(tablet: SourceTablet): Promise<void> {
    await this.handle(tablet).openStream();
  }

  async variables(tablet: SourceTablet, names: readonly string[]): Promise<Record<string, string>> {
    return this.handle(tablet).variables(names);
  }

  async version(tablet: SourceTablet): Promise<string> {
    return this.handle(tablet).version();
  }

  async holds(tablet: SourceTablet, table: string, column: string, kind: Unmapped): Promise<boolean> {
    return this.handle(tablet).holds(table, column, kind);
  }

  async transactions(tablet: SourceTablet): Promise<OpenTransaction[]> {
    return this.handle(tablet).lockingTransactions();
  }

  async replication(tablet: SourceTablet): Promise<Replication | undefined> {
    return this.handle(tablet).replication();
  }

  /** A permission test on the primary names the account. */
  async streamAccount(shard: string): Promise<StreamAccountFacts> {
    const tablet = await this.primary(shard);
    const { user } = await tablet.permissions();
    return { place: tablet.place, user, grants: await tablet.grants(user) };
  }

  private primary(shard: string) {
    return this.clients.primary(this.topology, this.keyspace, shard);
  }

  private handle(tablet: SourceTablet) {
    return this.clients.tablet(this.topology, this.record(tablet));
  }

  private record({ alias, shard }: SourceTablet): TabletRecord {
    const record = this.records.get(alias);
    if (record !== undefined) return record;
    throw new MigrationError(
      'TABLET_UNREACHABLE',
      'the record of the tablet has not been read',
      this.place({ shard, tablet: alias }),
      'start the tablet, or choose another one',
    );
  }
}

/** A backtick in any table name of a keyspace breaks Vitess's GetSchema of columns for the whole keyspace. */
function backtickName(place: Place): MigrationError {
  return new MigrationError(
    'BACKTICK_TABLE_NAME',
    'a table of the source keyspace has a backtick in its name, and Vitess cannot read the schema of such a keyspace',
    place,
    'rename that table in the source; leaving it out with -exclude does not help',
  );
}
