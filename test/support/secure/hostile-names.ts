/** In each hostile name, so that a trace of it can be looked for in logs. */
export const marker = 'zqx';

/** Names with which somebody might try to get somewhere else: none is the name of a mount, keyspace, workflow, cell or server. */
export const hostileNames: readonly string[] = [
  `../${marker}`, `../../keyspaces/commerce/${marker}`, `${marker}/../..`, `/${marker}`, `${marker}/`, `${marker}//x`, `./${marker}`, `..`, `.`, ``, ` `, ` ${marker}`, `${marker} `,
  `${marker}\0`, `\0${marker}`, `${marker}\n`, `${marker}\r\nset x`, `\t${marker}`, `${marker}\u2028x`, `\u202e${marker}`, `${marker}\u200b`, `\ufeff${marker}`,
  `${marker}\`; drop table customer; -- `, `${marker}'; drop table customer; -- `, `${marker}"; drop database vt_load; #`, `${marker}\\'; delete from _vt.vreplication; -- `, `' or '1'='1${marker}`, `${marker}/**/union/**/select`, `\`${marker}\`.\`mysql\`.\`user\``,
  `${marker};shutdown`, `$(touch /tmp/${marker})`, `\`touch /tmp/${marker}\``, `| touch /tmp/${marker}`, `\${${marker}}`, `%s%n${marker}`, `{{${marker}}}`, `${marker}%00`, `%2e%2e%2f${marker}`,
  `-${marker}`, `--${marker}`, `-rf${marker}/`, `@${marker}`, `~${marker}/x`, `*${marker}`, `/.*${marker}/`, `[${marker}]`, `${marker}?`, `${marker}#`, `${marker}&x=1`,
  `http://${marker}:1`, `unix:/${marker}`, `unix:${marker}:1/`, `user:secret@${marker}`, `${marker}:1,`, `dns:///${marker}:1`,
  `Zürich${marker}`, `表${marker}`, `🙂${marker}`, `${marker}\ud800`, `İ${marker}`, `${marker}${'x'.repeat(64)}`, `${marker}${'x'.repeat(10_000)}`,
  `__proto__.${marker}.x`, `constructor ${marker}`, `<script>${marker}</script>`, `<img src=x onerror=${marker}>`, `[${marker}](javascript:alert(1))`, `${marker}\u001b[2J`,
];
