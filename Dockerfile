# docker build -t logstash-ts .                      the program
# docker build --target local-aws -t local-aws .     Kinesis and DynamoDB for a machine without AWS (docker-compose.yml uses it)

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script; the image's own Node is the one that the lock file would bring.
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.ts

FROM build AS local-aws
USER node
CMD ["node", "node_modules/kinesis-local/main.js"]

FROM node:26-slim AS logstash-ts
WORKDIR /usr/share/logstash-ts
COPY --from=build /app/dist dist
COPY package.json LICENSE README.md CHANGELOG.md ./
COPY bin bin
COPY pipelines pipelines
COPY geoip geoip
# What is kept over a restart: state and dead letters, and S3 objects that are not uploaded yet.
RUN mkdir -p /var/lib/logstash-ts /opt/logstash/S3_temp /etc/logstash-ts/conf.d \
 && chown node:node /var/lib/logstash-ts /opt/logstash/S3_temp
VOLUME ["/var/lib/logstash-ts", "/opt/logstash/S3_temp"]
ENV NODE_ENV=production
USER node
# SIGTERM drains: give it time (docker stop -t, stop_grace_period, terminationGracePeriodSeconds).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/share/logstash-ts/bin/logstash-ts", "--path.data", "/var/lib/logstash-ts"]
CMD ["-f", "/etc/logstash-ts/conf.d"]
