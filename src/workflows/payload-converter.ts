import { defaultPayloadConverter, type PayloadConverter } from '@temporalio/workflow';
import { Undecodable } from '../migration/input/undecodable.js';

type Payload = ReturnType<PayloadConverter['toPayload']>;

/**
 * The SDK's converter, but for payloads that it cannot decode: it throws before any handler is called, and Temporal
 * would try that workflow task for ever, with every query, update and Cancel behind it. Here such a payload is a value
 * that no input schema takes.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: (payload, context, hint) => {
    try {
      return defaultPayloadConverter.fromPayload(payload, context, hint);
    } catch (error) {
      return new Undecodable(encodingOf(payload), error instanceof Error ? error.message : String(error)) as never;
    }
  },
};

function encodingOf({ metadata }: Payload): string {
  return String.fromCharCode(...(metadata?.['encoding'] ?? [])).slice(0, 100);
}
