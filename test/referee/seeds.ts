/**
 * The seeds that `npm test` runs: sharded and not, fenced and not, with DDL (3, 13), a refusal (12) and a killed
 * worker (3).
 */
const others = [1, 2, 3, 4, 6, 9, 12, 13];

/**
 * Seeds that Complete must hold back:
 *
 * - 11: TRUNCATE PARTITION after the last VDiff. No row event tells of it.
 * - 7: the negative zero of DOUBLE arrives as zero, which VDiff takes for the same.
 *
 * One that preflight refuses: 8. The vindex column is ZEROFILL, and the copy hashes its digits with the zeros,
 * replication without them: rows would be on the wrong shard, and doubled.
 *
 * Values that are held back with other seeds (`delicate.ts` keeps them rare): the negative zero of JSON arrives as zero; an ENUM
 * or SET member with a character outside the Basic Multilingual Plane is copied as an empty one; the 64th member
 * of a SET is replicated as none, and so may be an empty member; a JSON object with an empty key stops the stream.
 */
const heldBack = [7, 11];

/** `REFEREE_SEEDS`: numbers and ranges, as in `17` or `1-200,250`; without it, those of `npm test`. @throws Error */
export function chosenSeeds(text = process.env['REFEREE_SEEDS']): number[] {
  if (text === undefined || text === '') return [...others, ...heldBack];
  return text.split(',').flatMap((part) => {
    const [, from = '', to = from] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    if (from === '') throw new Error(`REFEREE_SEEDS takes numbers and ranges such as 1-200,250, not ${text}`);
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
  });
}
