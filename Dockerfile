# Builds with: docker build --tag journeyman .
# The sandbox needs user namespaces, which a container's default seccomp profile forbids: see compose.yaml.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The image brings its own Node 24; the packages that bring one to machines without it stay out.
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/node-win-* node_modules/.bin/node

FROM node:24-bookworm-slim
# git for mirrors and work trees, bubblewrap and util-linux for the sandbox, tini so that no orphan of a command stays.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git tini util-linux \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY . .

# The program is root's and read-only to the process; only the data folder is its own. Not below /home: the sandbox's
# unprivileged user has to be able to reach the work trees.
RUN install --directory --owner=node --group=node --mode=0755 /data
VOLUME /data
USER node
WORKDIR /data

ENV NODE_ENV=production \
  JOURNEYMAN_HOST=0.0.0.0 \
  JOURNEYMAN_DATA_DIR=/data \
  PORT=3000
EXPOSE 3000

HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# The first SIGTERM lets running steps park at a safe point; compose.yaml gives them the time.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "node", "/app/bin/journeyman.js"]
CMD ["serve"]
