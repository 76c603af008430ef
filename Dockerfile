# Postern as one executable on a base without a shell. See docs/containers.md.

FROM docker.io/library/node:24-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY tests/client/package.json tests/client/
# Bun is the only package whose install script is needed: it puts its binary in place. What the dashboard is built from
# are development's packages.
RUN npm ci --ignore-scripts --no-audit --no-fund && node node_modules/bun/install.js
COPY scripts/compile.ts scripts/build-ui.ts scripts/
COPY src src
RUN node_modules/.bin/bun scripts/compile.ts dist/postern && mkdir -m 700 data

# The C library that the executable is linked with, certificates, time zones, and nothing else.
FROM gcr.io/distroless/cc-debian13:nonroot
LABEL org.opencontainers.image.title="Postern" \
      org.opencontainers.image.description="Receives webhooks, verifies who sent them, keeps each message exactly once, and hands it on." \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /build/dist/postern /usr/local/bin/postern
# A new volume takes its owner from here.
COPY --from=build --chown=65532:65532 /build/data /data
# SQLite's temporary files (large sorts) go where the database has its room: the root file system may be read-only.
# Bun makes 256 requests at a time unless it is told otherwise: receivers that hang would hold up deliveries to others.
ENV HOST=0.0.0.0 \
    DATABASE_URL=sqlite:////data/app.db \
    SQLITE_TMPDIR=/data \
    BUN_CONFIG_MAX_HTTP_REQUESTS=65535
WORKDIR /
USER 65532:65532
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/postern", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/postern"]
CMD ["serve"]
