/** A payload that the worker cannot decode, in the place of its value: encrypted, or of another converter. */
export class Undecodable {
  constructor(
    /** Its encoding, as the sender named it. */
    readonly encoding: string,
    readonly reason: string,
  ) {}
}
