FROM hubwell-stand-in:trixie
RUN groupadd --system --gid 1883 mosquitto \
    && useradd --system --uid 1883 --gid 1883 --home-dir /var/empty --shell /usr/sbin/nologin mosquitto \
    && apt-get update \
    && apt-get install -y --no-install-recommends mosquitto mosquitto-clients netcat-openbsd \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/lib/mosquitto/* \
    && install -d -o mosquitto -g mosquitto /mosquitto/config /mosquitto/data /mosquitto/log
COPY mosquitto-entrypoint /docker-entrypoint.sh
VOLUME ["/mosquitto/data", "/mosquitto/log"]
EXPOSE 1883
ENTRYPOINT ["/docker-entrypoint.sh"]
CMD ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
