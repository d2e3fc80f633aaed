#!/bin/sh
# Writes the three logs of the web application into $LOGS, LINES_PER_SECOND (5) of each, without end or LINES lines of each.
# A few lines are such as no parser matches, or have a size of "-": real logs have them too.
set -eu
export LC_ALL=C

mkdir -p "$LOGS"
access=$LOGS/access.log
request=$LOGS/api-request.log
response=$LOGS/api-response-$(date -u +%Y-%m-%d).log
rate=${LINES_PER_SECOND:-5}
line=0

while [ "${LINES:-0}" -eq 0 ] || [ "$line" -lt "${LINES:-0}" ]; do
  line=$((line + 1))
  day=$(date -u '+%d/%b/%Y:%H:%M:%S +0000')
  api="$(date -u '+%Y-%m-%d %H:%M:%S') GMT+0000 (GMT)"
  address=81.2.69.$((line % 256))
  code=200
  size=$((line * 37 % 250000))
  if [ $((line % 7)) -eq 0 ]; then code=404; fi
  if [ $((line % 9)) -eq 0 ]; then size=-; fi
  body="{\"txId\": \"$line\", \"userName\": \"kim\", \"elapsed\": $((line % 2500)), \"ok\": true, \"message\": \"주문이 접수되었습니다\"}"

  if [ $((line % 50)) -eq 0 ]; then
    echo "	at com.example.api.Foo.bar(Foo.java:$line)" | tee -a "$access" "$request" >> "$response"
  else
    echo "$address - - [$day] \"GET /api/v1/orders/$line?status=done&sort=desc HTTP/1.1\" $code $size \"-\" \"curl/7.68.0\"" >> "$access"
    echo "[$api] POST /api/v1/orders/$line $body" >> "$request"
    echo "[$api] $code OK /api/v1/orders/$line $body" >> "$response"
  fi
  if [ $((line % rate)) -eq 0 ]; then sleep 1; fi
done
