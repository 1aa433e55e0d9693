# The server. One image for every part: hubwell ingest | api | worker | migrate
FROM python:3.13-slim-trixie AS build
WORKDIR /src
# pip stays in an environment of its own: the image needs none.
RUN python -m venv /opt/pip && python -m venv --without-pip /opt/hubwell
COPY requirements/services.txt requirements/
ENV PIP_PYTHON=/opt/hubwell/bin/python PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
RUN /opt/pip/bin/pip install --require-hashes -r requirements/services.txt
COPY pyproject.toml README.md LICENSE ./
COPY edge edge
COPY services services
# The build back end is in the locked list, so nothing that is not locked gets in. It leaves again, as do the dates
# and numbers of languages that Hubwell does not speak.
RUN /opt/pip/bin/pip install --no-deps --no-build-isolation . \
    && /opt/pip/bin/pip uninstall --yes hatchling editables pluggy trove-classifiers \
    && find /opt/hubwell -path '*/babel/locale-data/*' ! -name root.dat \
        $(for code in en en_001 en_GB it fi et lv nl; do echo "! -name $code.dat"; done) -delete \
    && /opt/hubwell/bin/python -m compileall -q /opt/hubwell/lib

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="Hubwell" org.opencontainers.image.licenses="Apache-2.0"
# A volume for the keys, or for the simulated hub, takes over the owner of its folder. The number of the group is
# fixed as well: a free one would be that of a group of the machine.
RUN groupadd --gid 10001 hubwell \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --shell /usr/sbin/nologin hubwell \
    && install -d -m 700 -o 10001 -g 10001 /var/lib/hubwell-keys /var/lib/hubwell-demo
COPY --from=build /opt/hubwell /opt/hubwell
ENV PATH=/opt/hubwell/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
ENTRYPOINT ["hubwell"]
CMD ["--help"]
