import { expect, it } from 'vitest';
import { planned, said, ask, source, sourcePlace } from './facts.js';

/** A plan of tables of these sizes in lanes, into a target with so many shards. */
function laned(sizes: Record<string, number>, lanes?: number) {
  const facts = source({ tables: Object.keys(sizes) });
  for (const shard of facts.sourceSchemas) for (const table of shard.tables) table.bytes = sizes[table.name] ?? 0;
  return planned(facts, lanes === undefined ? {} : { lanes });
}

it.each([
  { sizes: { a: 10, b: 10 }, lanes: 1, says: [] },
  { sizes: { a: 10, b: 10 }, lanes: 2, says: [] },
  { sizes: { a: 0, b: 0 }, lanes: 2, says: [] },
  {
    sizes: { a: 10, b: 10 },
    lanes: 3,
    says: ['lanes-uneven: 3 lanes were asked for, and 2 are made: there are no more tables'],
  },
  { sizes: { a: 10, b: 10 }, says: [] },
  {
    sizes: { a: 900, b: 50, c: 50 },
    lanes: 2,
    says: [
      'lanes-uneven: lane wf has most of the bytes (a): its streams copy them one after the other, ' +
        'however many lanes there are',
    ],
  },
])('$lanes lanes of tables of $sizes bytes', ({ sizes, lanes, says }) => {
  expect(said(ask(['lanes-uneven'], laned(sizes as Record<string, number>, lanes)))).toEqual(says);
});

it.each([
  { limit: '24', says: [] },
  {
    limit: '23',
    says: ['lane-connections: the streams of 4 lanes may need 12 of the 23 connections that MySQL takes'],
  },
])('4 lanes, where MySQL takes $limit connections', ({ limit, says }) => {
  const sourceServers = [{ place: sourcePlace, variables: { max_connections: limit } }];
  const facts = laned({ a: 1, b: 1, c: 1, d: 1 }, 4);
  expect(said(ask(['lane-connections'], { ...facts, sourceServers }))).toEqual(says);
});
