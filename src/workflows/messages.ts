import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  messages,
  readinessQuestion,
  statusQuestion,
  type Message,
  type Question,
} from '../migration/lifecycle/messages.js';

export type * from '../migration/lifecycle/messages.js';

/** A payload comes from outside: the handler parses it. */
const signalWithPayload = (of: Message<never, unknown>) => defineSignal<[payload?: unknown]>(of.name);
const signal = (of: Message<undefined, unknown>) => defineSignal(of.name);
const updateWithPayload = <A>(of: Message<never, A>) => defineUpdate<A, [payload?: unknown]>(of.name);
const update = <A>(of: Message<undefined, A>) => defineUpdate<A>(of.name);
const query = <A>(of: Question<A>) => defineQuery<A>(of.name);
const queryWithPayload = <A>(of: Question<A>) => defineQuery<A, [payload?: unknown]>(of.name);

export const completeSignal = signalWithPayload(messages.complete);
export const cancelSignal = signal(messages.cancel);
export const vdiffSignal = signal(messages.vdiff);

export const pauseSignal = signal(messages.pause);
export const resumeSignal = signal(messages.resume);
export const leaveSignal = signalWithPayload(messages.leave);
export const optionsSignal = signalWithPayload(messages.updateOptions);
export const keepSourceSignal = signal(messages.keepSource);

export const retrySignal = signal(messages.retry);
export const skipSignal = signal(messages.skip);

export const completeUpdate = updateWithPayload(messages.complete);
export const cancelUpdate = update(messages.cancel);
export const vdiffUpdate = update(messages.vdiff);

export const pauseUpdate = update(messages.pause);
export const resumeUpdate = update(messages.resume);
export const leaveUpdate = updateWithPayload(messages.leave);
export const optionsUpdate = updateWithPayload(messages.updateOptions);
export const keepSourceUpdate = update(messages.keepSource);

export const retryUpdate = update(messages.retry);
export const skipUpdate = update(messages.skip);

export const statusQuery = query(statusQuestion);
export const readinessQuery = queryWithPayload(readinessQuestion);
