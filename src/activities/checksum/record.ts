import type { ProofState } from '../../migration/checksum/report.js';
import { MigrationError } from '../../migration/problem/errors.js';
import type { Replaced } from '../../vitess/topology/large-values.js';
import type { Step } from '../step/step.js';

/**
 * Bytes a second that may be written to the topology, on average: etcd keeps every revision until it is compacted.
 * What is not written is read again from the binary logs by the next attempt.
 */
const bytesPerSecond = 50;
/** Seconds between two writes, at least. */
const shortestPause = 15;

/** The record of a proof beside the journal, written now and then. */
export class ProofRecord {
  private savedAt = Date.now();
  private bytes = 0;

  private constructor(
    private readonly step: Step,
    readonly known: ProofState | undefined,
    private replaced: Replaced,
  ) {}

  static async open(step: Step): Promise<ProofRecord> {
    const { proof, replaced } = await step.journals.readProof();
    return new ProofRecord(step, proof, replaced);
  }

  async saveIfDue(state: ProofState): Promise<void> {
    const pause = Math.max(shortestPause, this.bytes / bytesPerSecond);
    if (Date.now() - this.savedAt >= pause * 1000) await this.save(state);
  }

  /** A record that cannot be written must not end the comparison: the next attempt compares a little more. */
  async save(state: ProofState): Promise<void> {
    try {
      const { replaced, bytes } = await this.step.journals.writeProof(this.step.ref.runId, state, this.replaced);
      this.replaced = replaced;
      this.bytes = bytes;
    } catch (error) {
      if (!(error instanceof MigrationError) || !error.retryable) throw error;
      this.replaced = (await this.step.journals.readProof()).replaced;
    }
    this.savedAt = Date.now();
  }
}
