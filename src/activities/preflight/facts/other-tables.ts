import { readVSchemaTables } from '../../../vitess/topology/routing-rules.js';
import { optionalFact } from '../fact.js';

export const otherTables = optionalFact({
  name: 'otherTables',
  what: 'the VSchemas of other keyspaces',
  needs: [],
  read: (sides) =>
    sides.one(sides.targetPlace(), () => readVSchemaTables(sides.clients.target, sides.request.target.keyspace)),
});
