# A node of siteswarm. `docker build -t siteswarm .`, then docker-compose.yml, or
# docker run --read-only --tmpfs /tmp -v siteswarm:/var/lib/siteswarm -v ./config:/etc/siteswarm:ro --network host siteswarm
#
# In a separate network, a container sees the address of its gateway instead of those of the clients. The tracker needs the
# real addresses: use `--network host`, or clients in the same container network.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json ./
COPY src src
# Builds dist/ (the prepare script), then removes development packages.
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    SITESWARM_DATA_DIRECTORY=/var/lib/siteswarm
WORKDIR /opt/siteswarm
COPY package.json LICENSE ./
COPY config config
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
RUN mkdir -p /etc/siteswarm /var/lib/siteswarm && chown node:node /var/lib/siteswarm
# The program belongs to root and is read-only, so that an attacker in the process cannot change it.
USER node
VOLUME /var/lib/siteswarm
EXPOSE 6969/tcp 6969/udp 6970/tcp
# Checks that the node answers, not that it is ready: a node that is catching up must not be restarted.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:6970/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/siteswarm/dist/main.js"]
CMD ["serve", "--config", "/etc/siteswarm/siteswarm.yaml"]
