# Build it by `make image`, which makes the wheel first. docs/install.md tells how to run it.
# To pin the very image, put the digest that your registry shows behind the tag.
ARG PYTHON=python:3.11.13-slim-bookworm

FROM ${PYTHON} AS build
RUN python -m venv /opt/oss-cname-monitor
WORKDIR /build
COPY requirements-all.lock ./
# Each file is known by its hash, and what is not in the lock is not installed.
RUN /opt/oss-cname-monitor/bin/pip install --no-cache-dir --disable-pip-version-check \
      --require-hashes -r requirements-all.lock
COPY dist/oss_cname_monitor-*.whl ./
RUN /opt/oss-cname-monitor/bin/pip install --no-cache-dir --disable-pip-version-check \
      --no-index --no-deps oss_cname_monitor-*.whl

FROM ${PYTHON}
LABEL org.opencontainers.image.title="oss-cname-monitor" \
      org.opencontainers.image.description="Who reaches an OSS bucket through its own domain" \
      org.opencontainers.image.licenses="Apache-2.0" \
      oss-cname-monitor.sbom="/usr/share/doc/oss-cname-monitor/sbom.cdx.json"
# A number, so that whoever insists on a user other than root can see that it is one.
RUN install -d -o 65532 -g 65532 -m 0700 /var/lib/oss-cname-monitor
COPY --from=build /opt/oss-cname-monitor /opt/oss-cname-monitor
# What is in it: the same document as beside the wheel.
COPY dist/oss_cname_monitor-*.cdx.json /usr/share/doc/oss-cname-monitor/sbom.cdx.json
# Off loopback, since a container has its own: the daemon does not start until the configuration
# says who may read (docs/access.md).
ENV PATH=/opt/oss-cname-monitor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    OSS_CNAME_MONITOR_CONFIG=/etc/oss-cname-monitor/config.toml \
    OSS_CNAME_MONITOR__DAEMON__LISTEN=0.0.0.0:9953
USER 65532:65532
# The database, a relative path by default, is found here; nothing else is written.
WORKDIR /var/lib/oss-cname-monitor
VOLUME /var/lib/oss-cname-monitor
EXPOSE 9953
HEALTHCHECK --interval=30s --timeout=10s --start-period=5m CMD ["oss-cname-monitor", "healthcheck"]
ENTRYPOINT ["oss-cname-monitor"]
CMD ["run"]
