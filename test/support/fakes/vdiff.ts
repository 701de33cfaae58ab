import { Code, ConnectError } from '@connectrpc/connect';
import { VReplicationWorkflowState as State } from '../../../src/vitess/wire/binlogdata_pb.js';
import type { NamedRow } from '../../../src/vitess/tablet/rows.js';
import type { VDiffRequest } from '../../../src/vitess/wire/tabletmanagerdata_pb.js';
import type { FakeMysql } from './mysql.js';
import { tablesOf, type FakeVReplication } from './vreplication.js';

interface FakeVDiff {
  id: number;
  uuid: string;
  keyspace: string;
  workflow: string;
  state: 'pending' | 'stopped' | 'started' | 'completed';
  /** What was found, by table. */
  found: Map<string, NamedRow>;
}

/** The VDiff engine of one target tablet. A VDiff makes a step each time somebody looks at it. */
export class FakeVDiffs {
  vdiffs: FakeVDiff[] = [];
  private lastId = 0;

  constructor(
    private readonly mysql: FakeMysql,
    private readonly vreplication: FakeVReplication,
    private readonly alias: string,
  ) {}

  perform(request: VDiffRequest): NamedRow[] {
    const { workflow } = request;
    if (request.action === 'create') return this.create(request);
    if (request.action === 'show' && request.actionArg === 'all')
      return this.of(workflow)
        .toReversed()
        .map(({ uuid, state }) => ({ vdiff_uuid: uuid, state }));
    if (request.action === 'show') return this.show(request);
    if (request.action === 'delete' && request.actionArg === 'all') return this.deleteAll(workflow);
    throw new ConnectError(`action ${request.action} ${request.actionArg} not supported`, Code.Unknown);
  }

  private of(workflow: string): FakeVDiff[] {
    return this.vdiffs.filter((vdiff) => vdiff.workflow === workflow);
  }

  private create({ vdiffUuid, keyspace, workflow, options }: VDiffRequest): NamedRow[] {
    if (this.vdiffs.some(({ uuid }) => uuid === vdiffUuid))
      throw new ConnectError(`vdiff with UUID ${vdiffUuid} already exists on tablet ${this.alias}`, Code.Unknown);
    this.vdiffs.push({
      id: ++this.lastId,
      uuid: vdiffUuid,
      keyspace,
      workflow,
      state: options?.coreOptions?.autoStart === false ? 'stopped' : 'pending',
      found: new Map(),
    });
    return [];
  }

  private show({ actionArg, workflow, keyspace }: VDiffRequest): NamedRow[] {
    const vdiff = this.of(workflow).find(({ uuid }) => uuid === actionArg);
    if (vdiff === undefined)
      throw new ConnectError(
        `no vdiff found for UUID ${actionArg} keyspace ${keyspace} and workflow ${workflow} on tablet ${this.alias}`,
        Code.Unknown,
      );
    this.advance(vdiff);
    const row = { vdiff_state: vdiff.state, last_error: '', uuid: vdiff.uuid };
    if (vdiff.state === 'pending' || vdiff.state === 'stopped')
      return [{ ...row, table_name: null, table_state: null, rows_compared: null, has_mismatch: '0', report: null }];
    return this.tables(workflow).map((table) => ({
      ...row,
      table_name: table,
      ...(vdiff.found.get(table) ?? { table_state: 'pending', rows_compared: '0', has_mismatch: '0', report: null }),
    }));
  }

  /** Streams stand still while the engine reads both sides. */
  private advance(vdiff: FakeVDiff): void {
    const streams = this.vreplication.of(vdiff.workflow);
    if (
      vdiff.state === 'pending' &&
      streams.every((stream) => stream.position !== '' && stream.copyState?.length === 0)
    ) {
      vdiff.state = 'started';
      for (const stream of streams) [stream.state, stream.message] = [State.Stopped, 'for vdiff'];
    } else if (vdiff.state === 'started') {
      vdiff.state = 'completed';
      this.restart(vdiff.workflow);
      // Both sides are read at the same position.
      this.vreplication.advance(vdiff.workflow);
      vdiff.found = new Map(this.tables(vdiff.workflow).map((table) => [table, this.compare(vdiff, table)]));
    }
  }

  private compare(vdiff: FakeVDiff, table: string): NamedRow {
    const source = new Map(
      this.vreplication.of(vdiff.workflow).flatMap((stream) => [...this.vreplication.wanted(stream, table)]),
    );
    const target = this.mysql.table(table).rows;
    const mismatched = [...source].filter(([key, value]) => target.has(key) && target.get(key) !== value).length;
    const extraSource = [...source.keys()].filter((key) => !target.has(key)).length;
    const extraTarget = [...target.keys()].filter((key) => !source.has(key)).length;
    const report = {
      TableName: table,
      ProcessedRows: source.size,
      MismatchedRows: mismatched,
      ExtraRowsSource: extraSource,
      ExtraRowsTarget: extraTarget,
    };
    return {
      table_state: 'completed',
      rows_compared: String(source.size),
      has_mismatch: mismatched + extraSource + extraTarget > 0 ? '1' : '0',
      report: JSON.stringify(report),
    };
  }

  private deleteAll(workflow: string): NamedRow[] {
    const holds = this.of(workflow).some(({ state }) => state === 'started');
    this.vdiffs = this.vdiffs.filter((vdiff) => vdiff.workflow !== workflow);
    if (holds) this.restart(workflow);
    return [];
  }

  /** `restartTargetVReplicationStreams`: every stream, whoever has stopped it, with a controller of its own. */
  private restart(workflow: string): void {
    try {
      this.vreplication.setState(workflow, State.Running, '');
    } catch {
      // Vitess writes it to its log.
    }
  }

  private tables(workflow: string): string[] {
    return [...new Set(this.vreplication.of(workflow).flatMap((stream) => tablesOf(stream.source)))].sort();
  }
}
