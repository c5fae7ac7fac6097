#!/usr/bin/env bash
# The whole installation as docker-compose.yml describes it, for real: eight workers, one order, a batch of
# 2,000, a worker killed in the middle of it. Prints what it checks; ends with 0 if all of it holds.
#
# Needs Docker, and Node.js for reading JSON. Takes a few minutes the first time. Not part of CI.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly WORKERS=8 ORDERS=2000
export PORT="${PORT:-3900}" HANDLERS_DIR="$PWD/test/e2e/slow-orders" LOG_LEVEL=warn AUTH=none API_KEYS=
export COMPOSE_PROJECT_NAME="escapement-e2e-$$"
export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 # for Compose 1.29
readonly API="http://127.0.0.1:$PORT"

main() {
  # Where no container registry can be reached, this beside the project builds the base images.
  local stand_ins=../shared/docker/base-images.sh
  if [ -x "$stand_ins" ]; then "$stand_ins" node:24-bookworm-slim postgres:17 redis:7 >&2; fi

  trap 'status=$?; take_down; exit $status' EXIT
  step "docker compose up --scale worker=$WORKERS"
  compose up --detach --build --scale "worker=$WORKERS"
  until_true 180 "api is healthy" api_is_ready
  until_true 60 "$WORKERS workers say hello" live_workers_are "$WORKERS"
  until_true 90 "Docker calls every container healthy" all_are_healthy

  step 'who is who'
  same "$(compose exec -T api id -un)" node 'the API does not run as root'
  same "$(published_ports)" "127.0.0.1:$PORT" 'the only port that is published is the API'"'"'s, on loopback'
  same "$(compose exec -T redis redis-cli config get appendonly | tail -1)" yes 'Redis keeps an append-only file'
  same "$(compose exec -T redis redis-cli config get maxmemory-policy | tail -1)" noeviction 'Redis does not evict'

  step 'one order'
  create_machine
  run_one_order

  step "a distributed batch of $ORDERS orders, and a worker killed in the middle"
  run_batch_with_a_kill

  step 'down'
  take_down
  trap - EXIT
  same "$(docker ps --all --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" | wc -l)" 0 'no container is left'
  same "$(docker volume ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" | wc -l)" 0 'no volume is left'
  echo
  echo "All of it holds."
}

create_machine() {
  node -e '
    const definition = JSON.parse(require("node:fs").readFileSync("examples/order-processing/definition.json", "utf8"));
    console.log(JSON.stringify({ name: "order-processing", definition }));
  ' | post /state-machines | value .stateMachineId >/dev/null
  ok 'the machine is created'
}

run_one_order() {
  local answer id
  answer=$(node -e 'console.log(JSON.stringify({ name: "order-1", input: JSON.parse(require("node:fs").readFileSync("examples/order-processing/order.json", "utf8")) }))' |
    post '/state-machines/order-processing/executions?wait=30')
  same "$(value .status <<<"$answer")" SUCCEEDED 'the order is processed'
  id=$(value .executionId <<<"$answer")
  same "$(get "/executions/$id/states" | value '.items.map((state) => state.stateName).join(" ")')" \
    'ValidateOrder ReserveStock ChargeCard ShipOrder' 'it went through its four states'
  same "$(get "/executions/$id/history?limit=1000" | value '.items.every((event, n) => event.id === n + 1)')" true 'its history has no gap'
}

run_batch_with_a_kill() {
  local batch_id victim batch
  batch_id=$(orders "$ORDERS" | curl -sS --fail-with-body -X POST -H 'content-type: application/x-ndjson' \
    --data-binary @- "$API/state-machines/order-processing/batch?mode=distributed&namePrefix=e2e" | value .batchId)
  ok "batch $batch_id is accepted, as NDJSON"
  until_true 60 'the first orders of the batch have ended' batch_has_ended_members "$batch_id"
  until_true 30 'a worker says that it is in the middle of it' a_worker_is_busy
  # A container's host name is the beginning of its id.
  victim=$(get /queues/stats | value "$BUSIEST.host")
  docker kill "$victim" >/dev/null
  batch=$(get "/batches/$batch_id")
  echo "      killed worker $victim when $(value '.succeeded' <<<"$batch") of $ORDERS had succeeded;"
  echo "      it was running $(get /queues/stats | value "$BUSIEST.running") executions when it was last heard of"
  same "$(value '.status' <<<"$batch")" RUNNING 'the batch was still running then'
  until_true 120 'the batch ends' batch_is_over "$batch_id"
  batch=$(get "/batches/$batch_id")
  same "$(value '.status' <<<"$batch")" SUCCEEDED 'the batch succeeded'
  same "$(value '[batch.total, batch.started, batch.succeeded, batch.failed, batch.aborted].join()'  <<<"$batch")" \
    "$ORDERS,$ORDERS,$ORDERS,0,0" 'every order is counted, once'
  same "$(results "$batch_id")" "$ORDERS lines, $ORDERS executions, $ORDERS succeeded" 'no order is missing, none is there twice'
  until_true 60 "GET /queues/stats lists the $((WORKERS - 1)) workers that live" live_workers_are "$((WORKERS - 1))"
  same "$(get /queues/stats | value '.queues.find((queue) => queue.name === "order-processing").waiting')" 0 'nothing waits any more'
}

orders() {
  node -e '
    for (let n = 1; n <= Number(process.argv[1]); n++) {
      console.log(JSON.stringify({ orderId: `E-${n}`, card: "4242", items: [{ sku: "CLOCK-7", quantity: 1, priceCents: 4900 }] }));
    }' "$1"
}

# Reads all lines of a batch's results, page by page.
results() {
  node -e '
    (async () => {
      const lines = [];
      let cursor = null;
      do {
        const query = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const page = await (await fetch(`${process.argv[1]}/results?limit=1000${query}`)).json();
        lines.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== null);
      if (lines.some((line, n) => line.index !== n)) throw new Error("the lines are not in order");
      const executions = new Set(lines.map((line) => line.executionId));
      const succeeded = lines.filter((line) => line.status === "SUCCEEDED");
      console.log(`${lines.length} lines, ${executions.size} executions, ${succeeded.length} succeeded`);
    })();' "$API/batches/$1"
}

readonly BUSIEST='.workers.sort((a, b) => b.running - a.running)[0]'
a_worker_is_busy() { [ "$(get /queues/stats | value "$BUSIEST.running > 0")" = true ]; }
api_is_ready() { curl -sf "$API/health/ready" >/dev/null; }
live_workers_are() { [ "$(get /queues/stats | value '.workers.length')" = "$1" ]; }
batch_has_ended_members() { [ "$(get "/batches/$1" | value '.succeeded > 0')" = true ]; }
batch_is_over() { [ "$(get "/batches/$1" | value '.status !== "RUNNING"')" = true ]; }
all_are_healthy() {
  local running healthy
  running=$(docker ps --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" | wc -l)
  healthy=$(docker ps --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter health=healthy | wc -l)
  [ "$running" = "$((WORKERS + 3))" ] && [ "$healthy" = "$running" ]
}
published_ports() {
  docker ps --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Ports}}' |
    tr ',' '\n' | sed -n 's/^ *\(.*\)->.*/\1/p' | sort -u
}

get() { curl -sS --fail-with-body "$API$1"; }
post() { curl -sS --fail-with-body -X POST -H 'content-type: application/json' --data-binary @- "$API$1"; }

# A JavaScript expression on the JSON that comes in: `.status`, or one about `batch`.
value() {
  node -e '
    const batch = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
    const words = process.argv[1];
    console.log(new Function("batch", `return ${words.startsWith(".") ? "batch" : ""}${words}`)(batch));' "$1"
}

step() { printf '\n%s\n' "$1"; }
ok() { echo "  ok  $1"; }
same() {
  if [ "$1" = "$2" ]; then ok "$3"; else
    echo "  NOT $3: expected '$2', found '$1'"
    exit 1
  fi
}
# Seconds, what is waited for, and a command that succeeds when it is there.
until_true() {
  local seconds=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" 2>/dev/null; do
    if [ "$SECONDS" -ge "$end" ]; then
      echo "  NOT $what, within $seconds s"
      compose ps --all
      compose logs --tail 20
      exit 1
    fi
    sleep 0.2
  done
  ok "$what"
}

compose() {
  if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}
take_down() { compose down --volumes --timeout 30 >/dev/null 2>&1 || true; }

main "$@"
