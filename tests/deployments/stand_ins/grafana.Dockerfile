FROM python:3.13-slim-trixie
RUN apt-get update && apt-get install -y --no-install-recommends wget \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb \
    && useradd --system --uid 472 --gid 0 grafana && install -d -o 472 /var/lib/grafana
COPY grafana.py /
USER 472
EXPOSE 3000
ENTRYPOINT ["python3", "/grafana.py"]
