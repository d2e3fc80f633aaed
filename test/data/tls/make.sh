#!/bin/sh
# Makes the certificates of this folder, which only tests use: an authority, a server 127.0.0.1 / localhost, a client, and the client's key stores.
set -e
cd "$(dirname "$0")"
days=36500
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc'
openssl req -x509 $key -keyout ca.key -out ca.pem -days $days -subj '/CN=logstash-ts test authority' -addext basicConstraints=critical,CA:TRUE
sign() { # name, subject, extensions
  openssl req $key -keyout "$1.key" -out "$1.csr" -subj "$2"
  printf '%s\n' "$3" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -out "$1.pem" -days $days -extfile "$1.ext"
  rm "$1.csr" "$1.ext"
}
sign server /CN=localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1'
sign client /CN=writer 'extendedKeyUsage=clientAuth'
openssl pkcs12 -export -in client.pem -inkey client.key -name client -passout pass:secret12 -out client.p12
openssl pkcs12 -export -legacy -in client.pem -inkey client.key -name client -passout pass:secret12 -out legacy.p12
rm -f client.jks
keytool -importkeystore -srckeystore client.p12 -srcstoretype pkcs12 -srcstorepass secret12 -destkeystore client.jks -deststoretype jks -deststorepass secret12 -noprompt
rm ca.key ca.srl
