#!/usr/bin/env bash
# From an empty installation to an API that is sold, in curl calls; to read, and to run.
#
# A mail company has one API in two generations: /api/… takes credentials in query or form, /v3/… takes HTTP Basic.
# It sells four plans, and Bronze is for the Web API only. Before this, on an empty database:
#
#   tallygate provider create --name 'Mail Company' --email api@mail.example     # prints the access token, once
#   TALLYGATE_STAGING_GATEWAY_URL=http://127.0.0.1:8081 tallygate serve          # what a private address needs
#   tallygate gateway-config --environment staging …  and  --environment production …, and an Envoy with each
#
# Then, with where everything is:
#
#   ADMIN_URL=http://127.0.0.1:3001 ACCESS_TOKEN=… UPSTREAM_URL=http://127.0.0.1:9000 \
#   STAGING_URL=http://127.0.0.1:8081 GATEWAY_URL=http://127.0.0.1:8080  docs/walkthrough.sh
set -euo pipefail
: "${ADMIN_URL:?} ${ACCESS_TOKEN:?} ${UPSTREAM_URL:?} ${STAGING_URL:?} ${GATEWAY_URL:?}"

accent='' off=''
if [ -t 1 ]; then accent=$'\033[1;36m' off=$'\033[0m'; fi
step() { printf '\n%s▸%s %s\n' "$accent" "$off" "$*"; }
fail() { printf '✗ %s\n' "$*" >&2; exit 1; }

# A call of the Account Management API: prints the answer; what is refused ends the script, with the reason.
api() {
  local path=$1 answer; shift
  answer=$(curl -sS --fail-with-body -u ":$ACCESS_TOKEN" "$ADMIN_URL$path" "$@") || fail "$path: $answer"
  printf '%s\n' "$answer"
}
# The first number of that name in a JSON answer, and the text of an element of an XML one.
number() { awk -F"\"$1\":" '{ print $2 + 0 }'; }
id() { number id; }
xml() { sed -n "s:.*<$1>\([^<]*\)</$1>.*:\1:p"; }

# A call through a gateway has to be answered with this status. Gateways learn of changes within a second.
expect() {
  local status=$1 what=$2 seen; shift 2
  for _ in {1..100}; do
    seen=$(curl -s -o /dev/null -w '%{http_code}' "$@" || true)
    [ "$seen" = "$status" ] && { printf '  %s  %s\n' "$seen" "$what"; return; }
    sleep 0.1
  done
  fail "$what: $seen instead of $status"
}

step "The product. Its applications have an id and a key (backend_version 2)"
product=$(api /admin/api/services.json -d name=Mail -d system_name=mail -d backend_version=2 | id)

step "Its APIs, as methods: all of them add up to the metric hits, which every product has"
hits=$(api "/admin/api/services/$product/metrics.json" | id)
method() { api "/admin/api/services/$product/metrics/$hits/methods.json" -d system_name="$1" -d friendly_name="$2" | id; }
web_api=$(method web_api 'Web API')
newsletter_api=$(method newsletter_api 'Newsletter API')
subuser_api=$(method subuser_api 'Subuser API')
event_webhook_api=$(method event_webhook_api 'Event Webhook API')

step "Where it is, in public and in private, and where callers put their credentials"
api "/admin/api/services/$product/proxy.json" -X PATCH \
  -d endpoint="$GATEWAY_URL" -d sandbox_endpoint="$STAGING_URL" -d api_backend="$UPSTREAM_URL" \
  -d credentials_sources=query,form,basic -d auth_app_id=api_user -d auth_app_key=api_key >/dev/null

step "Which requests count for what. The rule that products begin with would open every path: it goes"
rules=/admin/api/services/$product/proxy/mapping_rules
api "$rules/$(api "$rules.json" | id).json" -X DELETE >/dev/null
rule() { api "$rules.json" -d http_method=ANY -d pattern="$1" -d metric_id="$2" -d delta=1 >/dev/null; }
rule /api/mail          "$web_api"
rule /v3/mail/          "$web_api"
rule /api/newsletter/   "$newsletter_api"
rule /v3/subusers       "$subuser_api"
rule /v3/user/webhooks/ "$event_webhook_api"

step "Four plans by calls a minute. Bronze has the Web API only: a limit of 0 disables a method"
plan() { api "/admin/api/services/$product/application_plans.json" -d name="$1" -d state_event=publish | id; }
limit() { api "/admin/api/application_plans/$1/metrics/$2/limits.json" -d period="$3" -d value="$4" >/dev/null; }
bronze=$(plan Bronze);     limit "$bronze"   "$hits" minute 600
silver=$(plan Silver);     limit "$silver"   "$hits" minute 6000
gold=$(plan Gold);         limit "$gold"     "$hits" minute 60000
platinum=$(plan Platinum); limit "$platinum" "$hits" minute 600000
for method in "$newsletter_api" "$subuser_api" "$event_webhook_api"; do limit "$bronze" "$method" eternity 0; done
api "/admin/api/services/$product/application_plans/$bronze/default.json" -X PUT >/dev/null

step "To staging"
api "/admin/api/services/$product/proxy/deploy.json" -X POST >/dev/null
version=$(api "/admin/api/services/$product/proxy/configs/sandbox/latest.json" | number version)

step "A customer: account, user and application in one call, with credentials that work at once"
customer=$(api /admin/api/signup.xml -d org_name='Bronze Letters' -d username=bronze -d email=dev@bronze.example \
  -d password='correct horse battery staple' -d application_plan_id="$bronze")
user=$(xml application_id <<<"$customer")
key=$(xml key <<<"$customer")

step "Does it work? A test goes through the staging gateway, and says what happened at each step"
expect 401 'staging knows the product: who are you?' "$STAGING_URL/api/mail.send.json"
report=$(api "/admin/api/services/$product/proxy/test.json" -d method=POST -d path=/api/mail.send.json)
tr '{' '\n' <<<"$report" | sed -n 's/^"name":"\([a-z_]*\)","outcome":"\([a-z]*\)","detail":"\([^"]*\).*/  \2  \1: \3/p'
grep -q '"passed":true' <<<"$report" || fail "the test is not passed: $report"

step "To production"
api "/admin/api/services/$product/proxy/configs/sandbox/$version/promote.json" -d to=production >/dev/null

step "What production says"
expect 200 'POST /api/mail.send.json, credentials in the form'   "$GATEWAY_URL/api/mail.send.json" -d api_user="$user" -d api_key="$key"
expect 200 'GET /v3/mail/send, credentials by HTTP Basic'        "$GATEWAY_URL/v3/mail/send" -u "$user:$key"
expect 403 'GET /v3/subusers: not on the Bronze plan'            "$GATEWAY_URL/v3/subusers" -u "$user:$key"
expect 404 'GET /nowhere: sold to nobody'                        "$GATEWAY_URL/nowhere" -u "$user:$key"
expect 401 'no credentials: who are you?'                        "$GATEWAY_URL/api/mail.send.json"
expect 403 'a wrong key'                                         "$GATEWAY_URL/api/mail.send.json?api_user=$user&api_key=wrong"

step "The 601st call of a minute"
# Windows are minutes of the clock. The few units that the other gateway holds are back within a second.
sleep $((60 - $(date +%-S)))
admitted=0
for _ in {1..10}; do
  more=$(curl -sS -o /dev/null -w '%{http_code}\n' "$GATEWAY_URL/v3/mail/send?n=[1-$((600 - admitted))]" -u "$user:$key" | grep -c 200 || true)
  admitted=$((admitted + more))
  [ "$admitted" -lt 600 ] || break
  sleep 1
done
printf '  200  %s calls\n' "$admitted"
answer=$(curl -sS -D - -o /dev/null "$GATEWAY_URL/v3/mail/send" -u "$user:$key" | tr -d '\r')
grep -q '^HTTP/1.1 429' <<<"$answer" || fail "no 429 after $admitted calls: $answer"
printf '  429  come back in %s seconds\n' "$(sed -n 's/^retry-after: //p' <<<"$answer")"

step "A second later the calls are in the statistics"
for _ in {1..100}; do
  total=$(api "/stats/services/$product/usage.json?metric_name=hits&period=day" | number total)
  [ "$total" -lt 600 ] || break
  sleep 0.1
done
[ "$total" -ge 600 ] || fail "the statistics know of $total calls"
printf '  %s calls today\n' "$total"

printf '\n%s✓ From nothing to an API that is sold.%s\n' "$accent" "$off"
