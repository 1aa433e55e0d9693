# The server. One image for every part: hubwell ingest | api | worker | migrate
FROM python:3.13-slim-trixie AS build
WORKDIR /src
RUN python -m venv /opt/hubwell
COPY requirements/services.txt requirements/
RUN /opt/hubwell/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/services.txt
COPY pyproject.toml README.md LICENSE ./
COPY edge edge
COPY services services
# The build back end is in the locked list, so nothing that is not locked gets in.
RUN /opt/hubwell/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="Hubwell" org.opencontainers.image.licenses="Apache-2.0"
# A volume for the keys takes over the owner of this folder.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin hubwell \
    && install -d -m 700 -o 10001 /var/lib/hubwell-keys
COPY --from=build /opt/hubwell /opt/hubwell
ENV PATH=/opt/hubwell/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /tmp
EXPOSE 8000
ENTRYPOINT ["hubwell"]
CMD ["--help"]
