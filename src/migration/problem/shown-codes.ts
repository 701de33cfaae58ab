/** Codes of what Complete's proof lacks. They are shown, never thrown. */
export const gapCodes = [
  'COPY_NOT_FINISHED',
  'STREAM_NOT_RUNNING',
  'NOT_READABLE',
  'NOT_CAUGHT_UP',
  'NO_VDIFF',
  'VDIFF_NOT_CLEAN',
  'ROWS_DIFFER',
  'NOT_PROVEN',
  'SCHEMA_DRIFT',
  'PARTITIONS_DIFFER',
  'OTHER_WORKFLOW',
  'FENCE_DOWN',
  'MORE_GAPS',
] as const;
export type GapCode = (typeof gapCodes)[number];

/** Codes of warnings: nothing waits for them, and a person should know all the same. */
export const warningCodes = [
  'SOURCE_STILL_WRITTEN',
  'SOURCE_NOT_FENCED',
  'SOURCE_KEPT',
  'READ_REFUSED',
  'WRITE_REFUSED',
  'CELL_NOT_REACHED',
  'NOT_TRIED',
] as const;
export type WarningCode = (typeof warningCodes)[number];

/** The code of a stream in trouble; its `kind` says more, see `watch/diagnosis.ts`. */
export type StreamCode = 'STREAM_IN_TROUBLE';
