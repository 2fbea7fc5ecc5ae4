#!/bin/sh
# Gives Elasticsearch its policy and template, and Kibana its view; may be run again.
set -eu
put() { # ADDRESS FILE
  curl --fail --silent --show-error --retry 60 --retry-all-errors --retry-delay 2 \
    --request PUT "$1" --header 'Content-Type: application/json' --data-binary "@$2" --output /dev/null
}
cd "$(dirname "$0")"
put http://elasticsearch:9200/_ilm/policy/tracehound-decisions policy.json
put http://elasticsearch:9200/_index_template/tracehound-decisions template.json
curl --fail --silent --show-error --retry 60 --retry-all-errors --retry-delay 2 --output /dev/null \
  --request POST 'http://kibana:5601/api/saved_objects/_import?overwrite=true' --header 'kbn-xsrf: tracehound' \
  --form file=@kibana.ndjson
