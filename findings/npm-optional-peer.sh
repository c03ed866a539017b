#!/usr/bin/env bash
# Program:  npm 11.19.1
# Input:    a package with the optional peer `library@^2.0.0`, installed into projects without `library`, with 2.0.0, and with 1.0.0.
# Expected: the package is installed into each of them. npm's page about package.json says that an optional peer allows a package "to integrate
#           and interact with a variety of host packages without requiring all of them to be installed".
# Seen:     beside `library@1.0.0`, which the project has for itself, the installation ends with ERESOLVE: the package is not installed at all.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if npm could not be installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' >package.json
npm install --no-audit --no-fund --loglevel=error npm@11.19.1 >/dev/null ||
  { echo "npm cannot be installed" >&2; exit 2; }
npm=$folder/node_modules/npm/bin/npm-cli.js
echo "npm $(node "$npm" --version)"

mkdir library-1 library-2 package
echo '{"name":"library","version":"1.0.0"}' >library-1/package.json
echo '{"name":"library","version":"2.0.0"}' >library-2/package.json
echo '{"name":"package","version":"1.0.0","peerDependencies":{"library":"^2.0.0"},"peerDependenciesMeta":{"library":{"optional":true}}}' \
  >package/package.json
for name in library-1 library-2 package; do (cd "$name" && node "$npm" pack --silent --pack-destination .. >/dev/null); done

# Prints how the installation into a project with these further dependencies ends.
try() {
  rm -rf project && mkdir project
  echo "{\"private\":true,\"dependencies\":{$1\"package\":\"file:../package-1.0.0.tgz\"}}" >project/package.json
  local output
  if output=$(cd project && node "$npm" install --offline --no-audit --no-fund 2>&1); then echo installed
  elif [[ $output == *ERESOLVE* ]]; then echo ERESOLVE
  else echo "$output"; fi
}
alone=$(try "")
newer=$(try '"library":"file:../library-2.0.0.tgz",')
older=$(try '"library":"file:../library-1.0.0.tgz",')
echo "without the library: $alone; with 2.0.0: $newer; with 1.0.0: $older"
if [ "$alone" != installed ] || [ "$newer" != installed ]; then
  echo "The controls show something else: the script is at fault" >&2
  exit 2
fi
if [ "$older" = ERESOLVE ]; then exit 0; else exit 1; fi
