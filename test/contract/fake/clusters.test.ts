import { buildClients } from '../../../src/worker.js';
import { passing } from '../../support/fakes/intercept.js';
import { fakeConfig, fakeMount, World } from '../../support/fakes/world.js';
import { clustersContract } from '../suites/tablet.js';

clustersContract('the fake clusters', () => {
  const world = new World();
  const mysql = { source: world.sourceMysql, target: world.mysqlOf(world.target, 'commerce', '0') };
  const silent = passing(world.connectors(), (what, effect, failures) =>
    what.startsWith('tablet') ? Promise.reject(failures.unanswered()) : effect(),
  );
  return Promise.resolve({
    clients: buildClients(fakeConfig, world.connectors()).clients,
    silent: buildClients(fakeConfig, silent).clients,
    mount: fakeMount,
    orphan: (stream, table) => {
      const [shard] = world.target.shardsOf('commerce');
      shard?.tablet.vreplication.orphans.set(stream, [table]);
      return Promise.resolve();
    },
    write: (side, table, id, v) => {
      mysql[side].write(table, String(id), v);
      return Promise.resolve();
    },
    rows: (side, table) => Promise.resolve(Object.fromEntries(mysql[side].table(table).rows)),
  });
});
