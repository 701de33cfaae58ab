import { targetPlace, tableNames } from '../../plan/plan.js';
import { primaryVindex } from '../../plan/vindex.js';
import { quoteName } from '../../sql/quote.js';
import { defineCheck } from '../check.js';

/** The unique, functional vindexes of Vitess 24 (`go/vt/vtgate/vindexes`); `vindex-usable` refuses lookups. */
const functional = new Set([
  'binary',
  'binary_md5',
  'cfc',
  'hash',
  'multicol',
  'null',
  'numeric',
  'numeric_static_map',
  'region_experimental',
  'region_json',
  'reverse_bits',
  'unicode_loose_md5',
  'unicode_loose_xxhash',
  'xxhash',
]);

/** The primary vindex is of a type that Vitess has. */
export const vindexUnknown = defineCheck({
  name: 'vindex-unknown',
  severity: 'warning',
  needs: ['plan', 'targetVSchema'],
  judge: ({ plan, targetVSchema }) =>
    tableNames(plan).flatMap((table) => {
      const primary = targetVSchema.sharded ? primaryVindex(targetVSchema, table) : undefined;
      const type = primary === undefined ? undefined : targetVSchema.vindexes[primary.name]?.type;
      if (primary === undefined || type === undefined || functional.has(type) || type.includes('lookup')) return [];
      return [
        {
          message:
            `vindex ${primary.name} of table ${quoteName(table)} is of type ${type}, ` +
            'which Vitess 24 does not have',
          place: targetPlace(plan, { table }),
          remedy: "make sure that the source's vttablets have it too, that it is unique, and needs no lookup table",
        },
      ];
    }),
});
