import tseslint from 'typescript-eslint';

/** Folders of runner/ from the top down; each may import from the rows below, and nothing else. */
const layers = [
  ['commands'],
  ['pipeline', 'controller', 'agent', 'system', 'jobs'],
  ['exporter', 'scaling'],
  ['people'],
  ['swarm', 'image', 'proxy', 'monitor', 'alerting', 'jenkins'],
  ['labels'],
  ['common'],
];

/** Folder → folders of which it may use the types, though it may not import from them. */
const typesOnly = { image: ['swarm'], swarm: ['image'] };

/** What decides without touching the world. */
const pure = ['runner/{labels,proxy,monitor,alerting}/**/*.ts', 'runner/scaling/decide*.ts'];

const paths = (folders) => `^(?:\\.\\./)+(?:${folders.join('|')})(?:/|$)`;

function direction(folder, row) {
  const below = layers.slice(row + 1).flat();
  const types = typesOnly[folder] ?? [];
  const forbidden = layers
    .flat()
    .filter((other) => other !== folder && !below.includes(other) && !types.includes(other));
  const message = `${folder} may import from ${below.join(', ') || 'itself only'} (see eslint.config.mjs).`;
  const groups = [forbidden, types].filter((group) => group.length > 0);
  return {
    files: [`runner/${folder}/**/*.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: groups.map((group) => ({ regex: paths(group), message, allowTypeImports: group === types })),
        },
      ],
      // The rule above does not see import().
      'no-restricted-syntax': [
        'error',
        ...groups.map((group) => ({
          selector: `ImportExpression[source.value=/${paths(group).replaceAll('/', '\\/')}/]`,
          message,
        })),
      ],
    },
  };
}

const pureFolders = {
  files: pure,
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex:
              '^(?:node:)?(?:fs|http|https|http2|net|tls|dns|dgram|child_process|worker_threads|os|timers)(?:/|$)|^(?:dockerode|axios)$',
            message: 'This folder only decides: what it needs is handed in.',
          },
        ],
      },
    ],
    'no-restricted-globals': [
      'error',
      ...['process', 'fetch', 'performance', 'setTimeout', 'setInterval'].map((name) => ({
        name,
        message: 'This folder only decides: what it needs is handed in.',
      })),
    ],
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'The time is handed in.' },
      { object: 'Math', property: 'random', message: 'Decisions are repeatable.' },
    ],
  },
};

export default tseslint.config(
  { ignores: ['node_modules/', 'resources/', '.tap/', '.cache/', 'examples/', '**/*.cjs'] },
  { files: ['**/*.ts'], extends: [tseslint.configs.recommended] },
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true, allowThrowingAny: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      eqeqeq: ['error', 'always'],
      'no-control-regex': 'error',
    },
  },
  {
    // tap waits for what test() and before() give back.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: ['test', 'before'] }] },
  },
  {
    files: ['runner/**/*.ts'],
    ignores: ['runner/main.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'process', message: 'The world is handed in by Context.' }],
      'no-console': 'error',
    },
  },
  ...layers.flatMap((folders, row) => folders.map((folder) => direction(folder, row))),
  pureFolders,
);
