import { createHash } from 'node:crypto';

/**
 * Random numbers that a seed decides: the same seed gives the same numbers, on every machine. A part of a run takes a
 * `fork` with a name of its own, so that what one part uses up does not change what another one gets.
 */
export class Random {
  private state: number;

  constructor(readonly seed: string) {
    this.state = createHash('sha256').update(seed).digest().readUInt32LE();
  }

  fork(name: string | number): Random {
    return new Random(`${this.seed}/${name}`);
  }

  /** A whole number of 32 bits (the generator mulberry32). */
  private next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + (this.next() % (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() / 2 ** 32 < probability;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.int(0, from.length - 1)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  /** Several different elements, in random order. */
  some<T>(from: readonly T[], count: number): T[] {
    const rest = [...from];
    return Array.from({ length: Math.min(count, rest.length) }, () =>
      rest.splice(this.int(0, rest.length - 1), 1),
    ).flat();
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.next() >>> 24));
  }

  /** A whole number of so many bits. */
  bits(count: number): bigint {
    return BigInt(`0x${this.bytes(8).toString('hex')}`) >> BigInt(64 - count);
  }
}
