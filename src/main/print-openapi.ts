/** `npm run openapi`: prints the OpenAPI document, from the routes, to standard output. */
import { describeApi } from '../api/index.js';

process.stdout.write(await describeApi());
