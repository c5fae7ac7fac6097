/**
 * `node --import ./scripts/typescript.js file.ts` runs TypeScript as it lies there, with the transformer that
 * the tests use anyway. For the bench and the test set-up; the service itself runs from `dist/`.
 */
import { register } from 'node:module';

register('./typescript-hooks.js', import.meta.url);
