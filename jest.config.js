/** Jest in ESM mode; TypeScript is stripped by swc, since TypeScript 7 has no compiler API to transform with. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  globalSetup: '<rootDir>/test/setup/start.js',
  globalTeardown: '<rootDir>/test/setup/stop.js',
  /** Whether something ends at all: a machine may be busy. */
  testTimeout: 120_000,
};
