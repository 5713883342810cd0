# Stands in for the official NATS image where no image registry can be reached: the same server, user and commands.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY nats-server /usr/local/bin/nats-server
ENTRYPOINT ["nats-server"]
