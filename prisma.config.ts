import { defineConfig } from 'prisma/config';

/** For Prisma's own CLI (`prisma generate`, `prisma migrate status`); the service applies its migrations itself. */
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env['DATABASE_URL'] ?? 'postgresql://localhost:5432/escapement' },
});
