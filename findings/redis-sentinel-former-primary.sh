#!/usr/bin/env bash
# Program:  Redis 7.0.15 (Debian 12) as a primary, a replica and a Sentinel, all of them healthy.
# Input:    `SENTINEL FAILOVER`, the operator's command, and a client that goes on writing to the former primary.
# Expected: the former primary is a replica when the Sentinel names another one, or soon after. Redis's guidelines for clients
#           say that Sentinel, "demoting a master to replicate to the new master after a failover", "sends a CLIENT KILL
#           type normal command to the instance", so that clients resolve the address again.
# Seen:     for seconds after the Sentinel has named the new primary the former one answers OK to each write, and drops all
#           of them when it becomes a replica at last. Only the message `+switch-master` tells a client in time.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if Redis could not be run.
set -euo pipefail
version=5:7.0.15-1~deb12u10
folder=$(mktemp -d)
pids=()
trap 'kill -9 "${pids[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "redis-tools=$version" liblzf1 libjemalloc2 libatomic1 2>/dev/null ||
  { echo "Debian's redis-tools $version cannot be downloaded" >&2; exit 2; }
for package in ./*.deb; do dpkg -x "$package" . || exit 2; done
LD_LIBRARY_PATH="$folder/usr/lib/$(uname -m)-linux-gnu"
export LD_LIBRARY_PATH

# The three programs are one file, which goes by the name that it is called by.
start() { (exec -a "$1" ./usr/bin/redis-check-rdb "${@:2}" >>"$folder/log" 2>&1) & pids+=($!); }
ask() { ./usr/bin/redis-cli -p "$@" 2>&1; }
primary() { ask "$sentinel" SENTINEL GET-MASTER-ADDR-BY-NAME calls | tail -1; }
# Waits until a command prints a text.
await() {
  for _ in $(seq 600); do
    if [[ $("${@:2}") == *"$1"* ]]; then return; fi
    sleep 0.1
  done
  echo "Redis could not be run: ${*:2} printed no $1" >&2
  exit 2
}

former=$((20000 + RANDOM % 10000)); next=$((former + 1)); sentinel=$((former + 2))
options=(--bind 127.0.0.1 --save "" --repl-diskless-sync-delay 0)
start redis-server --port $former "${options[@]}"
start redis-server --port $next "${options[@]}" --replicaof 127.0.0.1 $former
printf '%s\n' "port $sentinel" "bind 127.0.0.1" "sentinel monitor calls 127.0.0.1 $former 1" >sentinel.conf
start redis-sentinel sentinel.conf
await state=online ask $former INFO replication
await "$next" ask $sentinel SENTINEL REPLICAS calls
ask $former INFO server | grep -o 'redis_version:[0-9.]*'

# The control: what is written before the failover is kept.
[ "$(ask $former SET before kept)" = OK ] || exit 2
await kept ask $next GET before

ask $sentinel SENTINEL FAILOVER calls >/dev/null
await $next primary
began=$(date +%s%N)
accepted=0
while [ "$(ask $former SET after "$accepted")" = OK ] && [ $accepted -lt 3000 ]; do
  accepted=$((accepted + 1))
  sleep 0.02
done
echo "the former primary accepted $accepted writes in $((($(date +%s%N) - began) / 1000000)) ms after the Sentinel had named the new one"
await role:slave ask $former INFO replication
await master_link_status:up ask $former INFO replication
kept=$(ask $former GET before); lost=$(ask $next GET after)
echo "the write before the failover: ${kept:-lost}; the writes after it: ${lost:-lost}"
[ "$kept" = kept ] || exit 2
if [ $accepted -gt 20 ] && [ -z "$lost" ]; then exit 0; fi
exit 1
