import { readFileSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, onPath } from '../run.js';

export interface DebianPackages {
  packages: readonly string[];
  /** A Debian suite such as `sid`; without it the system's own sources. */
  suite?: string;
  /** Packages of the closure that are not unpacked. */
  skip?: RegExp;
}

/**
 * Downloads Debian packages with everything they need and unpacks them into `prefix`.
 *
 * apt runs on a configuration, lists and package status of its own, in `work`: nothing of the
 * system changes, no package is installed, no service starts, and root is not needed.
 */
export async function unpackDebian(wanted: DebianPackages, work: string, prefix: string): Promise<void> {
  if (onPath('apt-get') === undefined || onPath('dpkg-deb') === undefined) {
    throw new Error(`apt-get is needed to fetch ${wanted.packages.join(', ')}: use a Debian system, or Docker.`);
  }
  const archives = join(work, 'cache', 'archives');
  await mkdir(join(archives, 'partial'), { recursive: true });
  await mkdir(join(work, 'lists', 'partial'), { recursive: true });
  // Empty: apt then counts nothing as installed and downloads the whole closure.
  await writeFile(join(work, 'status'), '');
  await writeFile(join(work, 'apt.conf'), await privateConfiguration(wanted, work));
  const options = { env: { ...process.env, APT_CONFIG: join(work, 'apt.conf') } };
  await must('apt-get', ['update', '-qq'], options);
  await must('apt-get', ['install', '-qq', '-y', '--download-only', ...wanted.packages], options);
  await mkdir(prefix, { recursive: true });
  for (const file of await readdir(archives)) {
    if (!file.endsWith('.deb') || wanted.skip?.test(file) === true) continue;
    await must('dpkg-deb', ['-x', join(archives, file), prefix]);
  }
}

/** The system's apt settings (proxies, mirrors), without its hooks, pointed at private folders. */
async function privateConfiguration(wanted: DebianPackages, work: string): Promise<string> {
  const dump = await must('apt-config', ['dump']);
  const kept = dump.split('\n').filter((line) => !/^Dir|Invoke|Pre-Install-Pkgs|IndexTargets::deb::DEP-11/.test(line));
  const own: [string, string][] = [
    ['Dir::Etc::Parts', '/dev/null'],
    ['Dir::Etc::Main', '/dev/null'],
    ['Dir::Etc::Preferences', '/dev/null'],
    ['Dir::Etc::PreferencesParts', '/dev/null'],
    ['Dir::State::Lists', join(work, 'lists')],
    ['Dir::State::status', join(work, 'status')],
    ['Dir::Cache', join(work, 'cache')],
    ['APT::Install-Recommends', 'false'],
    // The sandbox user may not write here.
    ['APT::Sandbox::User', 'root'],
  ];
  if (wanted.suite !== undefined) {
    await writeFile(join(work, 'sources.list'), `${await suiteSource(wanted.suite)}\n`);
    own.push(['Dir::Etc::SourceList', join(work, 'sources.list')], ['Dir::Etc::SourceParts', '/dev/null']);
  }
  return [...kept, ...own.map(([name, value]) => `${name} "${value}";`), ''].join('\n');
}

/** A source line for another suite, from the mirror the system itself uses. */
async function suiteSource(suite: string): Promise<string> {
  const format = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)';
  const targets = isDebian() ? await must('apt-get', ['indextargets', '--format', format, 'Identifier: Packages']) : '';
  for (const line of targets.split('\n')) {
    const [uri, release, component] = line.split('|');
    // Releases with a dash are bookworm-updates, bookworm-security and the like.
    if (uri === undefined || component !== 'main' || release === undefined || release.includes('-')) continue;
    return `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${uri} ${suite} main`;
  }
  throw new Error(
    `Packages of Debian ${suite} are needed, and this system has no Debian mirror: use Debian, or Docker.`,
  );
}

function isDebian(): boolean {
  try {
    return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}
