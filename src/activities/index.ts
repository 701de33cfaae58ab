import type { Clients } from '../vitess/clients.js';
import { adoptActivities } from './adopt.js';
import { auditActivities } from './audit/audit.js';
import { cancelActivities } from './cancel.js';
import { checksumActivities } from './checksum/checksum.js';
import { completeActivities } from './complete.js';
import { createActivities } from './create.js';
import { holdBackActivities } from './hold-back.js';
import { insideFenceActivities } from './inside-fence.js';
import { leaveActivities } from './leave.js';
import { withFailures } from './step/failure.js';
import { withClaims } from './step/heartbeat.js';
import { Pace } from './step/pace.js';
import { mountActivities } from './mount.js';
import { observeActivities } from './observe.js';
import { pauseActivities } from './pause.js';
import { preflightActivities } from './preflight/preflight.js';
import { recheck } from './preflight/recheck.js';
import { readinessActivities } from './readiness.js';
import { rehearseActivities } from './rehearse.js';
import { repairActivities } from './repair.js';
import { retireSourceActivities } from './retire-source.js';
import { serveActivities } from './serve.js';
import { tablePageActivities } from './table-page.js';
import { updateOptionsActivities } from './update-options.js';
import { vdiffActivities } from './vdiff.js';
import { watchSourceActivities } from './watch-source.js';

export type { CancelReport } from './cancel.js';
export type { MountReport } from './mount.js';

/** Every activity of the task queue, with its clients. The workflows know only the type of this. */
export function allActivities(clients: Clients) {
  const pace = new Pace();
  const activities = {
    ...mountActivities(clients),
    ...preflightActivities(clients, pace),
    ...createActivities(clients, pace),
    ...adoptActivities(clients),
    ...observeActivities(clients, pace),
    ...holdBackActivities(clients, pace),
    ...vdiffActivities(clients, pace),
    ...checksumActivities(clients, pace),
    ...repairActivities(clients),
    ...pauseActivities(clients),
    ...leaveActivities(clients),
    ...updateOptionsActivities(clients),
    ...watchSourceActivities(clients),
    ...completeActivities(clients, recheck),
    ...rehearseActivities(clients),
    ...insideFenceActivities(clients),
    ...serveActivities(clients),
    ...retireSourceActivities(clients),
    ...cancelActivities(clients),
    ...auditActivities(clients),
    ...readinessActivities(),
    ...tablePageActivities(clients),
  };
  return withFailures(withClaims(activities, pace.heartbeats));
}

export type Activities = ReturnType<typeof allActivities>;
