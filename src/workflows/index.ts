export { audit } from './audit.js';
export { migrate } from './migrate.js';
export { mount } from './mount.js';
export { readiness } from './readiness.js';
export { tables } from './tables.js';
