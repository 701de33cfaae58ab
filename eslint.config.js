import tseslint from 'typescript-eslint';

/**
 * A door: files of a room may import from the rooms named, and from no other room of src. A name such as
 * `migration/sql` opens that part of a room only. `types` are rooms of which only the types may be used.
 * `inside` are further patterns that are closed.
 */
function door(files, rooms, types = [], inside = []) {
  const all = ['migration', 'workflows', 'activities', 'effects', 'net', 'hooks', 'config', 'vitess', 'cli'];
  const closed = all.filter((room) => !rooms.includes(room));
  return {
    files,
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            ...closed
              .filter((room) => !types.includes(room))
              .map((room) => ({
                regex: `^(\\.\\./)+${room}/${exceptParts(room, rooms)}`,
                message: `This room has no door to this part of src/${room}: see CONTRIBUTING.md.`,
              })),
            ...types.map((room) => ({
              regex: `^(\\.\\./)+${room}/`,
              allowTypeImports: true,
              message: `Of src/${room}, this room may use the types only.`,
            })),
            ...inside,
            { regex: '/(worker|config)\\.js$', message: 'Only tests may import the composition root.' },
          ],
        },
      ],
    },
  };
}

/** A pattern that keeps the parts of a room to which there are doors from matching. */
function exceptParts(room, doors) {
  const parts = doors.filter((each) => each.startsWith(`${room}/`)).map((each) => each.slice(room.length + 1));
  return parts.length === 0 ? '' : `(?!(?:${parts.join('|')})(?:/|\\.js$))`;
}

/** A door between the rooms of the command line; each of them may import its own files and `errors.ts`. */
function cliDoor(room, rooms, own = []) {
  const closed = ['args', 'temporal', 'output', 'commands'].filter((each) => each !== room && !rooms.includes(each));
  const inside = [`^\\.\\./(${[...closed, 'main\\.js'].join('|')})`, ...own].map((regex) => ({
    regex,
    message: `src/cli/${room} has no door to this: see CONTRIBUTING.md.`,
  }));
  return door([`src/cli/${room}/**`], ['migration', 'net', 'cli'], ['workflows'], inside);
}

/** The rooms of src/migration from the ground up: each may import those below it. */
const floors = [
  ['problem', 'sql'],
  ['input'],
  ['plan'],
  ['watch'],
  ['proof', 'adopt', 'audit'],
  ['checksum'],
  ['preflight'],
  ['lifecycle'],
];

/** The doors of the rooms of src/migration: there are none to rooms of the same floor, nor to those above. */
const migrationDoors = floors.flatMap((rooms, floor) =>
  rooms.map((room) => {
    const closed = floors
      .slice(floor)
      .flat()
      .filter((each) => each !== room);
    const inside = closed.map((each) => ({
      regex: `^(\\.\\./)+${each}/`,
      message: `src/migration/${room} has no door to ${each}: see CONTRIBUTING.md.`,
    }));
    return door([`src/migration/${room}/**`], ['migration'], [], inside);
  }),
);

/** The door of steps of src/activities: `up` leads from their folder to src/activities, where they may use `step`. */
function stepDoor(files, up) {
  const inside = {
    regex: `^${up.replaceAll('.', '\\.')}(?!step/|\\.\\./)`,
    message: 'A step imports no other step: what several steps need is in src/activities/step.',
  };
  return door(files, ['migration', 'effects', 'vitess', 'activities'], [], [inside]);
}

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'src/vitess/wire/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['eslint.config.js', 'scripts/bootstrap.mjs', 'scripts/leave-unfrozen.mjs'],
        },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'max-lines': ['error', { max: 260, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 14],
      eqeqeq: 'error',
    },
  },
  ...migrationDoors,
  door(['src/workflows/**'], ['migration'], ['activities']),
  door(['src/activities/index.ts'], ['migration', 'effects', 'vitess', 'activities']),
  stepDoor(['src/activities/!(index).ts'], './'),
  stepDoor(['src/activities/{preflight,audit,checksum,step}/*.ts'], '../'),
  stepDoor(['src/activities/preflight/facts/*.ts'], '../../'),
  door(['src/effects/**'], ['migration', 'vitess']),
  door(['src/net/**'], []),
  door(['src/hooks/**'], ['migration']),
  door(['src/config/**'], ['migration', 'net']),
  door(
    ['src/vitess/**'],
    [
      'net',
      'vitess',
      'migration/problem',
      'migration/sql',
      'migration/input/address',
      'migration/input/stream-options',
      'migration/proof/position',
      'migration/proof/fence-hook',
      'migration/watch/stream',
      'migration/plan/table-facts',
      'migration/preflight/facts',
      'migration/checksum/columns',
      'migration/checksum/floats',
      'migration/checksum/scope',
    ],
  ),
  door(['src/cli/**'], ['migration', 'net', 'cli'], ['workflows']),
  cliDoor('args', []),
  cliDoor('temporal', []),
  cliDoor('output', []),
  // No command imports another one.
  cliDoor('commands', ['args', 'temporal', 'output'], ['^\\./']),
  { files: ['src/**', 'lab/**', 'bench/**', 'scripts/**'], rules: { 'max-len': ['error', { code: 120 }] } },
  {
    // Starting a server is a list of its flags, and reads best as one.
    files: ['lab/**', 'bench/**'],
    rules: { 'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }] },
  },
  {
    // A suite is one function by nature.
    files: ['test/**'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 700, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
