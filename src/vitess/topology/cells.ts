import { fromBinary } from '@bufbuild/protobuf';
import { CellInfoSchema } from '../wire/topodata_pb.js';
import type { Topology } from './topology.js';

/** The root of each cell, by cell. */
export async function readCellRoots(topology: Topology): Promise<Record<string, string>> {
  const cells = await topology.cells();
  const entries = await Promise.all(
    cells.map(async (cell) => {
      const entry = await topology.kv.get(`${topology.root}/cells/${cell}/CellInfo`);
      return [cell, fromBinary(CellInfoSchema, entry?.value ?? new Uint8Array()).root] as const;
    }),
  );
  return Object.fromEntries(entries);
}
