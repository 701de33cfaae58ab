import { describe, expect, test } from 'vitest';
import { proofGaps } from '../../../src/migration/checksum/gaps.js';
import { isAccepted } from '../../../src/migration/proof/gaps.js';
import { isProven, proofFingerprint, proofReport, type ProofReport } from '../../../src/migration/checksum/report.js';
import { differingKeys } from '../../../src/migration/checksum/scope.js';
import { mostKeys, TableProof } from '../../../src/migration/checksum/table-proof.js';

const at = '2026-01-02T03:04:05.000Z';
const later = '2026-01-02T03:05:00.000Z';
const latest = '2026-01-02T04:00:00.000Z';
const some = { rows: 3, sum: '10' };

/** A table of which everything has been found equal. */
function proven(): TableProof {
  const proof = new TableProof();
  proof.walkTo(['3'], some, 3);
  proof.walkTo(null, { rows: 1, sum: '7' }, 1);
  proof.settle(at);
  return proof;
}

const suspect = (after: string | null, upTo: string | null, settled = true) => ({
  range: { after: after === null ? null : [after], upTo: upTo === null ? null : [upTo] },
  settled,
  source: 2,
  target: 1,
});

describe('a table is proven', () => {
  test('when the walk has come to its end, and nothing is left', () => {
    const proof = new TableProof();
    proof.walkTo(['3'], some, 3);
    expect(proof.proven).toBe(false);
    expect(proven()).toMatchObject({ proven: true, read: { rows: 4, sum: '17' }, provenAt: at });
  });

  test('until a row changes, and again when it has been compared', () => {
    const proof = proven();
    proof.mark([['2'], ['2']], true, later);
    expect(proof).toMatchObject({ proven: false, dirty: [['2']] });
    proof.compared([['2']], []);
    expect(proof.proven).toBe(true);
  });

  test('as long ago as the row that has waited longest, which lets others go first', () => {
    const proof = proven();
    proof.mark([['1']], true, later);
    proof.mark([['2'], ['1']], true, latest);
    proof.settle(latest);
    expect(proof.provenAt).toBe(later);
    proof.compared([['1']], [['1']]);
    expect(proof.dirty).toEqual([['2'], ['1']]);
    proof.settle(latest);
    expect(proof.provenAt).toBe(later);
    proof.compared([['1'], ['2']], []);
    proof.settle(latest);
    expect(proof.provenAt).toBe(latest);
  });

  test('anew when more rows have changed than a record, or the memory, should hold', () => {
    const keys = (count: number) => Array.from({ length: count }, (_, n) => [String(n)]);
    const proof = proven();
    proof.mark(keys(30_000), true, later);
    expect(proof.toState()).toMatchObject({ done: false, walked: null, dirty: [] });
    expect(proof.walkDone).toBe(true);
    proof.mark(keys(200_001), true, later);
    expect(proof).toMatchObject({ walkDone: false, walked: null, dirty: [] });
  });

  test('without a key, until any row changes', () => {
    const proof = proven();
    proof.mark([], false, later);
    expect(proof).toMatchObject({ proven: false, differs: false });
    expect(proof.suspects).toMatchObject([{ range: { after: null, upTo: null }, settled: false }]);
  });

  test('until a statement makes it void: then everything is ahead again', () => {
    const proof = proven();
    proof.mark([['2']], true, later);
    proof.void('truncate table t');
    expect(proof).toMatchObject({
      proven: false,
      walkDone: false,
      walked: null,
      dirty: [],
      voided: 'truncate table t',
    });
    proof.walkTo(null, { rows: 0, sum: '0' }, 0);
    proof.settle(at);
    expect(proof).toMatchObject({ proven: true, voided: null });
  });

  test('after a record has been written and read', () => {
    const proof = proven();
    proof.mark([['5']], true, later);
    proof.suspect(suspect('1', '2'));
    const again = new TableProof(JSON.parse(JSON.stringify(proof.toState())) as ReturnType<TableProof['toState']>);
    expect(again.toState()).toEqual(proof.toState());
  });
});

describe('a table differs', () => {
  test('when a key differs though nothing is on its way, until it is equal', () => {
    const proof = proven();
    proof.differ([['2']], later);
    expect(proof).toMatchObject({ differs: true, proven: false });
    proof.compared([['2']], [['2']]);
    expect(proof.differs).toBe(true);
    proof.compared([['2']], []);
    expect(proof).toMatchObject({ differs: false, proven: true });
  });

  test('of more keys than are kept, none is lost', () => {
    const proof = proven();
    const keys = Array.from({ length: mostKeys + 2 }, (_, n) => [String(n)]);
    proof.differ(keys, later);
    expect(proof.differing).toEqual(keys.slice(0, mostKeys));
    expect(proof.dirty).toEqual(keys.slice(mostKeys));
  });

  test('not yet while a range differs and rows may be on their way', () => {
    const proof = proven();
    proof.suspect(suspect('1', '2', false));
    expect(proof).toMatchObject({ differs: false, proven: false });
  });

  test('neighbouring ranges become one; with too many others the walk begins again', () => {
    const proof = proven();
    proof.suspect(suspect('1', '2'));
    proof.suspect(suspect('2', '3'));
    proof.suspect(suspect('3', '4', false));
    expect(proof.suspects).toMatchObject([
      { range: { after: ['1'], upTo: ['3'] }, source: 4, target: 2 },
      { range: { after: ['3'], upTo: ['4'] } },
    ]);
    for (let n = 10; n < 2_000; n += 2) proof.suspect(suspect(String(n), String(n + 1)));
    expect(proof.proven).toBe(false);
    expect(proof.suspects.length).toBeLessThanOrEqual(500);
    expect(proof.walkDone).toBe(false);
  });
});

test('rows differ by key: by what they are, and how many of them there are', () => {
  const rows = (...all: [string, string][]) => all.map(([key, sum]) => ({ key: [key], sum }));
  expect(differingKeys(rows(['1', 'a'], ['2', 'b']), rows(['2', 'b'], ['1', 'a']))).toEqual([]);
  expect(differingKeys(rows(['1', 'a'], ['2', 'b']), rows(['1', 'x'], ['3', 'b']))).toEqual([['1'], ['2'], ['3']]);
  expect(differingKeys(rows(['1', 'a'], ['1', 'b']), rows(['1', 'b'], ['1', 'a']))).toEqual([]);
  expect(differingKeys(rows(['1', 'a'], ['1', 'a']), rows(['1', 'a']))).toEqual([['1']]);
});

describe('the report', () => {
  const key = [
    { name: 'tenant', form: 'number' },
    { name: 'code', form: 'hex' },
  ];
  const report = (proof: TableProof, more: Partial<ProofReport> = {}): ProofReport => ({
    ...proofReport({ at, positions: {}, held: null }, [{ name: 't', proof, key, floats: false }], []),
    ...more,
  });
  const place = { cluster: 'ext1', keyspace: 'load' };

  test('of a proven table lacks nothing, and names rows, checksum and time', () => {
    const found = report(proven());
    expect(isProven(found)).toBe(true);
    expect(found).toMatchObject({ oldest: at, tablesProven: [{ table: 't', rows: 4, checksum: '17', at }] });
    expect(proofGaps(found, place)).toEqual([]);
  });

  test('of rows that differ names their keys as a person writes them', () => {
    const proof = proven();
    proof.differ(
      [
        ['7', Buffer.from("o'k").toString('hex').toUpperCase()],
        ['8', 'FF00'],
      ],
      later,
    );
    expect(proofGaps(report(proof), place)).toMatchObject([
      {
        code: 'ROWS_DIFFER',
        message: expect.stringContaining("tenant = 7, code = 'o'k'; tenant = 8, code = x'FF00'") as string,
        place: { ...place, table: 't' },
      },
    ]);
  });

  test('of more tables that differ than it lists still lacks something when those are accepted', () => {
    const all = Array.from({ length: 25 }, (_, i) => {
      const proof = proven();
      proof.differ([[`${i}`, 'FF']], later);
      return { name: `t${i}`, proof, key, floats: false };
    });
    const found = proofReport({ at, positions: {}, held: null }, all, []);
    const acceptance = { force: false, acceptRows: found.differing.map(({ table }) => table) };
    const left = proofGaps(found, place).filter((gap) => !isAccepted(gap, acceptance));
    expect(left).toMatchObject([{ code: 'NOT_PROVEN', message: expect.stringContaining('5 more tables') as string }]);
    expect(left.filter((gap) => !isAccepted(gap, { force: true, acceptRows: [] }))).toEqual([]);
  });

  test('of what is not finished names the statement that made it void', () => {
    const proof = proven();
    proof.void(`truncate   table\n t ${'x'.repeat(500)}`);
    const [gap] = proofGaps(report(proof), place);
    expect(gap).toMatchObject({ code: 'NOT_PROVEN' });
    expect(gap?.message).toMatch(/^0 of 1 tables .*\(t is compared anew after truncate table t x+…\)/);
    expect(gap?.message.length).toBeLessThan(400);
  });

  test('a table that cannot be compared is a gap of its own; without a report nothing is known', () => {
    const found = report(proven(), { tables: 2, unprovable: [{ table: 'u', reason: 'a hologram' }] });
    expect(proofGaps(found, place)).toMatchObject([{ code: 'NOT_PROVEN', place: { table: 'u' } }]);
    expect(proofGaps(null, place)).toMatchObject([{ code: 'NOT_PROVEN' }]);
  });

  test('is news when a table differs, not when a row changes', () => {
    const proof = proven();
    const before = proofFingerprint(report(proof));
    proof.mark([['1', '00']], true, later);
    expect(proofFingerprint(report(proof))).toBe(before);
    proof.differ([['1', '00']], later);
    expect(proofFingerprint(report(proof))).not.toBe(before);
  });
});
