import { create } from '@bufbuild/protobuf';
import { onDdlActions, tabletTypes, type StreamOptions } from '../../migration/input/stream-options.js';
import { BinlogSourceSchema, OnDDLAction, type BinlogSource } from '../wire/binlogdata_pb.js';
import {
  TabletSelectionPreference,
  type CreateVReplicationWorkflowRequest,
  type ReadVReplicationWorkflowResponse,
} from '../wire/tabletmanagerdata_pb.js';
import { TabletType } from '../wire/topodata_pb.js';

/** Stream options as Vitess stores them: some in the workflow's row, some in its source. */
export interface StoredOptions {
  row: Pick<
    CreateVReplicationWorkflowRequest,
    'tabletTypes' | 'tabletSelectionPreference' | 'deferSecondaryKeys' | 'autoStart' | 'stopAfterCopy'
  >;
  source: Pick<BinlogSource, 'onDdl' | 'stopAfterCopy' | 'sourceTimeZone' | 'targetTimeZone'>;
}

/** What `CreateVReplicationWorkflow` is given for these options. */
export function toStored(options: StreamOptions): StoredOptions {
  const { autoStart, stopAfterCopy, deferSecondaryKeys, onDdl, sourceTimeZone = '' } = options;
  return {
    row: {
      tabletTypes: options.tabletTypes.map((type) => TabletType[type]),
      tabletSelectionPreference: options.tabletTypesInPreferenceOrder
        ? TabletSelectionPreference.INORDER
        : TabletSelectionPreference.ANY,
      deferSecondaryKeys,
      autoStart,
      stopAfterCopy,
    },
    source: {
      onDdl: OnDDLAction[onDdl],
      stopAfterCopy,
      sourceTimeZone,
      targetTimeZone: sourceTimeZone === '' ? '' : 'UTC',
    },
  };
}

/** A workflow's config overrides as its rows have them: in the JSON of Vitess's `WorkflowOptions`. */
export function writeOverrides(configOverrides: Record<string, string>): string {
  return JSON.stringify(Object.keys(configOverrides).length === 0 ? {} : { config: configOverrides });
}

/** What `writeOverrides` has written, or another program. For Vitess, one without a value is none. */
function readOverrides(options: string): Record<string, string> {
  const { config = {} } = (options === '' ? {} : JSON.parse(options)) as { config?: Record<string, string> };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== ''));
}

/** The options with which a workflow's streams were made; Vitess does not keep `autoStart`. */
export function fromStored(response: ReadVReplicationWorkflowResponse): StreamOptions {
  const source = response.streams[0]?.bls ?? create(BinlogSourceSchema);
  return {
    tabletTypes: response.tabletTypes.flatMap((type) => tabletTypes.find((known) => known === TabletType[type]) ?? []),
    tabletTypesInPreferenceOrder: response.tabletSelectionPreference === TabletSelectionPreference.INORDER,
    autoStart: true,
    stopAfterCopy: source.stopAfterCopy,
    deferSecondaryKeys: response.deferSecondaryKeys,
    onDdl: onDdlActions.find((action) => action === OnDDLAction[source.onDdl]) ?? 'IGNORE',
    sourceTimeZone: source.sourceTimeZone === '' ? undefined : source.sourceTimeZone,
    configOverrides: readOverrides(response.options),
  };
}
