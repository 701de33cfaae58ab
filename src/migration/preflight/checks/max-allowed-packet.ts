import { defineCheck } from '../check.js';

/** The target's MySQL takes statements as long as the source's: a row that fits there must fit into an INSERT here. */
export const maxAllowedPacket = defineCheck({
  name: 'max-allowed-packet',
  severity: 'warning',
  needs: ['sourceServers', 'targetServers'],
  variables: ['max_allowed_packet'],
  judge: ({ sourceServers, targetServers }) => {
    const most = Math.max(0, ...sourceServers.map(({ variables }) => Number(variables['max_allowed_packet'] ?? 0)));
    return targetServers.flatMap(({ place, variables }) => {
      const own = Number(variables['max_allowed_packet'] ?? most);
      if (own >= most) return [];
      return [
        {
          message:
            `max_allowed_packet is ${own} bytes in the target and ${most} in the source: ` +
            'at a longer row the stream fails, again and again',
          place,
          remedy: `set global max_allowed_packet = ${most} on the target, and let vttablet connect anew`,
        },
      ];
    });
  },
});
