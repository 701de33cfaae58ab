import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, onPath } from '../run.js';
import { cached, sayOnStderr, type Say } from './cache.js';

const VERSION = '1.38.0';

/** Name of the folder in the cache. */
export const TIME_SKIPPING = `temporal-test-server-${VERSION}`;
/** Name of the script that starts it, in that folder. */
export const TIME_SKIPPING_SCRIPT = 'temporal-test-server';

/** Fetches Temporal's time-skipping test server (Java) with Maven, once; answers the folder. */
export function installTimeSkipping(say: Say = sayOnStderr): Promise<string> {
  return cached(TIME_SKIPPING, say, async (folder) => {
    for (const program of ['java', 'mvn']) {
      if (onPath(program) !== undefined) continue;
      throw new Error(`${program}, for Temporal's time-skipping server, is not on PATH: install Java 17 and Maven.`);
    }
    say('fetching the Temporal time-skipping server (about a minute, once)…');
    const pom = join(folder, 'pom.xml');
    await writeFile(pom, POM);
    await must('mvn', [
      '-q',
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${join(folder, 'lib')}`,
      '-DincludeScope=runtime',
    ]);
    await rm(pom);
    await writeFile(join(folder, TIME_SKIPPING_SCRIPT), SCRIPT);
    await chmod(join(folder, TIME_SKIPPING_SCRIPT), 0o755);
  });
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lab</groupId>
  <artifactId>lab</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

// The SDK passes a port only. The serial collector and the first compiler make it start in a second.
const SCRIPT = `#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx512m \\
  -cp "$here/lib/*" io.temporal.testserver.TestServer "$@"
`;
