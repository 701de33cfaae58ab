import { EtcdKv } from '../../../src/vitess/topology/etcd.js';

/** A process that takes a lock, says so, and holds it until it is killed: `lock-holder.ts SERVER PATH CONTENTS`. */
const [server = '', dir = '', contents = ''] = process.argv.slice(2);
await new EtcdKv(server, 'target').lock(dir, contents, 10_000);
console.log('held');
setInterval(() => undefined, 1_000);
