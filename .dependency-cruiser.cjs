/** Who may import whom; the table stands in ARCHITECTURE.md. */
const folders = {
  util: [],
  errors: [],
  event: ['util', 'errors'],
  config: ['util', 'errors'],
  'plugin-api': ['event', 'config', 'errors', 'util'],
  compiler: ['config', 'plugin-api', 'event', 'errors', 'util'],
  delivery: ['event', 'errors', 'util'],
  aws: ['errors', 'util'],
  kinesis: ['aws', 'errors', 'util'],
  plugins: ['plugin-api', 'event', 'delivery', 'kinesis', 'aws', 'errors', 'util'],
  runtime: ['compiler', 'plugin-api', 'event', 'delivery', 'errors', 'util'],
};

const layers = Object.entries(folders).map(([folder, allowed]) => ({
  name: `layer-${folder}`,
  comment: `src/${folder} may import only ${allowed.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
}));

/** Libraries that only one folder may know. */
const owners = { chevrotain: 'config', commander: 'cli', maxmind: 'plugins/filters/geoip', 'oniguruma-to-es': 'util' };
const libraries = Object.entries(owners).map(([library, folder]) => ({
  name: `only-${folder}-uses-${library}`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${folder}/` },
  to: { path: `node_modules/${library}/` },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/', pathNot: '\\.d\\.ts$' }, to: {} },
    {
      name: 'plugins-stand-alone',
      comment: 'A plugin imports no other plugin; helpers of one kind lie in its folder',
      severity: 'error',
      from: { path: '^src/plugins/(inputs|filters|outputs)/([^/]+?)(\\.ts|/)' },
      to: { path: '^src/plugins/(inputs|filters|outputs)/', pathNot: '^src/plugins/$1/$2(\\.ts|/)' },
    },
    {
      name: 'config-knows-no-plugins',
      severity: 'error',
      from: { path: '^src/config/' },
      to: { path: '^src/(event|plugin-api|plugins)/' },
    },
    { name: 'sources-know-no-tests', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|scripts)/' } },
    ...layers,
    ...libraries,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
