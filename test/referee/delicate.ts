/**
 * The probability of values that Vitess 24.0.0 is known not to copy as they are; `seeds.ts` says which. They are rare,
 * so that they do not hide what is not known.
 */
export const delicate = 0.02;
