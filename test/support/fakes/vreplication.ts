import { Code, ConnectError } from '@connectrpc/connect';
import { VReplicationWorkflowState as State, type BinlogSource } from '../../../src/vitess/wire/binlogdata_pb.js';
import {
  TabletSelectionPreference,
  type CreateVReplicationWorkflowRequest,
  type UpdateVReplicationWorkflowRequest,
} from '../../../src/vitess/wire/tabletmanagerdata_pb.js';
import type { FakeMysql } from './mysql.js';

/** A row of `_vt.vreplication` with its copy state. */
export interface FakeStream {
  id: number;
  workflow: string;
  /** The call that created it. */
  request: CreateVReplicationWorkflowRequest;
  source: BinlogSource;
  state: State;
  message: string;
  position: string;
  /** Tables still to copy; `undefined` before the stream has begun. */
  copyState: string[] | undefined;
  /** Whether its controller could be started; without one, whatever its state says, nothing moves. */
  controlled: boolean;
}

/** Where a stream reads; throws Vitess's own error when there is no such cluster. */
export type FindSource = (source: BinlogSource) => FakeMysql;

/** The stream engine of one target tablet. Its streams make a step each time somebody looks at them. */
export class FakeVReplication {
  streams: FakeStream[] = [];
  /** Tables in the copy state of streams that are gone, by their ID. */
  readonly orphans = new Map<number, string[]>();
  /** While true, copies stand still after they have begun. */
  copyHolds = false;
  private lastId = 0;

  constructor(
    private readonly mysql: FakeMysql,
    private readonly findSource: FindSource,
  ) {}

  /** Vitess does not ask whether there are streams of that name already. */
  insert(request: CreateVReplicationWorkflowRequest, source: BinlogSource): void {
    this.streams.push({
      id: ++this.lastId,
      workflow: request.workflow,
      request,
      source,
      state: State.Stopped,
      message: '',
      position: '',
      copyState: undefined,
      controlled: false,
    });
  }

  of(workflow: string): FakeStream[] {
    return this.streams.filter((stream) => stream.workflow === workflow);
  }

  delete(workflow: string): void {
    this.streams = this.streams.filter((stream) => stream.workflow !== workflow);
  }

  /** The source of a stream as its row has it, in protobuf's text format. */
  sourceText({ source }: FakeStream): string {
    const { keyspace, shard, externalCluster } = source;
    const rules = source.filter?.rules.map(ruleText).join(' ') ?? '';
    return `keyspace:${text(keyspace)} shard:${text(shard)} filter:{${rules}} external_cluster:${text(externalCluster)}`;
  }

  /** Writes the row's source: those of its rules stay that the text still has. */
  writeSource(id: number, source: string): void {
    const stream = this.streams.find((each) => each.id === id);
    if (stream?.source.filter === undefined) return;
    const { filter } = stream.source;
    filter.rules = filter.rules.filter((rule) => source.includes(ruleText(rule)));
  }

  /** The row is changed before the stream's controller finds out that it cannot start. */
  setState(workflow: string, state: State, message: string | undefined): void {
    for (const stream of this.of(workflow)) {
      stream.state = state === State.Running && (stream.copyState?.length ?? 0) > 0 ? State.Copying : state;
      stream.message = message ?? stream.message;
      stream.controlled = false;
      if (isGoing(stream)) this.findSource(stream.source);
      stream.controlled = isGoing(stream);
    }
  }

  /** In the place of all config overrides that there were. */
  configure(workflow: string, config: Record<string, string>): void {
    for (const stream of this.of(workflow)) stream.request = { ...stream.request, options: JSON.stringify({ config }) };
  }

  /** Where streams read, and what they do with DDL, as far as the request does not leave it as it is. */
  changeReading(
    workflow: string,
    { cells, tabletTypes, tabletSelectionPreference, onDdl }: UpdateVReplicationWorkflowRequest,
  ): void {
    for (const stream of this.of(workflow)) {
      if (cells[0] !== 'NULL') stream.request = { ...stream.request, cells };
      if (Number(tabletTypes[0]) !== -1) stream.request = { ...stream.request, tabletTypes };
      if (tabletSelectionPreference !== undefined && tabletSelectionPreference !== TabletSelectionPreference.UNKNOWN)
        stream.request = { ...stream.request, tabletSelectionPreference };
      if (onDdl !== undefined) stream.source.onDdl = onDdl;
    }
  }

  /** One step of each stream of a workflow. */
  advance(workflow: string): void {
    for (const stream of this.of(workflow)) if (stream.controlled && isGoing(stream)) this.step(stream);
  }

  /** Answers when the stream has got there. */
  waitFor(id: number, position: string): boolean {
    const stream = this.streams.find((each) => each.id === id);
    if (stream === undefined) throw new ConnectError(`vreplication stream ${id} not found`, Code.Unknown);
    const source = this.findSource(stream.source);
    if (stream.controlled && isGoing(stream)) this.step(stream);
    if (source.isAtLeast(stream.position, position)) return true;
    if (stream.state === State.Stopped)
      throw new ConnectError(
        `replication has stopped at ${stream.position} before reaching position ${position}, ` +
          `message: ${stream.message}`,
        Code.Unknown,
      );
    return false;
  }

  /** Rows of a table that a stream of this source with these rules has to bring here. */
  wanted(stream: FakeStream, table: string): Map<string, string> {
    const { rows } = this.findSource(stream.source).table(table);
    return new Map([...rows].filter(([key]) => isInRange(stream, table, key)));
  }

  private step(stream: FakeStream): void {
    const source = this.findSource(stream.source);
    try {
      if (stream.copyState === undefined) {
        stream.copyState = tablesOf(stream.source);
        stream.state = State.Copying;
      } else if (stream.copyState.length === 0) {
        this.applyChanges(stream, source);
      } else if (!this.copyHolds) {
        this.copyTable(stream, source);
      }
      stream.message = stream.state === State.Stopped ? stream.message : '';
    } catch (error) {
      // Vitess tries again and again, and shows why.
      stream.message = error instanceof Error ? error.message : String(error);
    }
  }

  private copyTable(stream: FakeStream, source: FakeMysql): void {
    const [table = '', ...rest] = stream.copyState ?? [];
    const { rows } = this.mysql.table(table);
    for (const [key, value] of this.wanted(stream, table)) {
      if (rows.has(key))
        throw new Error(`Duplicate entry '${key}' for key '${table}.PRIMARY' (errno 1062) (sqlstate 23000)`);
      this.mysql.write(table, key, value);
    }
    this.applyChanges(stream, source, table);
    stream.copyState = rest;
    if (rest.length > 0) return;
    stream.state = stream.source.stopAfterCopy ? State.Stopped : State.Running;
    if (stream.source.stopAfterCopy) stream.message = 'Stopped after copy.';
  }

  /** What has been written to tables that are copied, but not to the one that has just been read. */
  private applyChanges(stream: FakeStream, source: FakeMysql, except?: string): void {
    const copied = tablesOf(stream.source).filter((table) => table !== except && !stream.copyState?.includes(table));
    for (const { table, key, value } of source.changesSince(stream.position)) {
      if (copied.includes(table) && isInRange(stream, table, key)) this.mysql.write(table, key, value);
    }
    stream.position = source.position();
  }
}

function text(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function ruleText({ match, filter }: { match: string; filter: string }): string {
  return `rules:{match:${text(match)} filter:${text(filter)}}`;
}

export function tablesOf(source: BinlogSource): string[] {
  return source.filter?.rules.map((rule) => rule.match) ?? [];
}

function isGoing(stream: FakeStream): boolean {
  return stream.state === State.Running || stream.state === State.Copying;
}

/** Keys that end in an even digit are in the first half of the key space here; `in_keyrange` cuts it at 80. */
function isInRange(stream: FakeStream, table: string, key: string): boolean {
  const filter = stream.source.filter?.rules.find((rule) => rule.match === table)?.filter ?? '';
  const range = /in_keyrange\(.*'([0-9a-f]*-[0-9a-f]*)'\)$/.exec(filter)?.[1];
  return range === undefined || range === '-' || (range === '-80') === (Number(/\d$/.exec(key)?.[0] ?? 0) % 2 === 0);
}
