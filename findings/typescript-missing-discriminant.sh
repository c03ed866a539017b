#!/usr/bin/env bash
# Program:  TypeScript 5.4.5 with `exactOptionalPropertyTypes`, and TypeScript 5.5.4 as the control.
# Input:    a union of intersections with a class whose `code` is optional: one member has the `code` undefined, the others have a text.
#           A `switch` returns in `case undefined`.
# Expected: `default` is without the member whose `code` is undefined, as an `if` with the same comparison narrows the union.
# Seen:     the member is still there, and its `details` of type `unknown` with it. With `| undefined` in the class it is not.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if a package could not be installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' >package.json
npm install --no-audit --no-fund --loglevel=error old@npm:typescript@5.4.5 new@npm:typescript@5.5.4 >/dev/null ||
  { echo "TypeScript cannot be installed" >&2; exit 2; }

write() { # the type of `code` in the class
  cat <<TS
abstract class Base { readonly code?: $1; readonly details?: unknown }
interface Absent { readonly code: undefined }
interface First { readonly code: "x"; readonly details: string }
interface Second { readonly code: "y"; readonly details: string }
export function read(value: (Base & Absent) | (Base & First) | (Base & Second)): string {
  switch (value.code) {
    case undefined:
      return "";
    default:
      return value.details;
  }
}
TS
}
write '"x" | "y"' >optional.ts
write '"x" | "y" | undefined' >undefined.ts

compile() { # the compiler, the file
  node "node_modules/$1/bin/tsc" --noEmit --strict --exactOptionalPropertyTypes "$2" || true
}
seen=$(compile old optional.ts)
echo "5.4.5: ${seen:-no error}"
echo "5.5.4: $(compile new optional.ts)"
echo "5.4.5 with undefined: $(compile old undefined.ts)"
if [ -n "$(compile new optional.ts)$(compile old undefined.ts)" ]; then
  echo "The controls show something else: the script is at fault" >&2
  exit 2
fi
case $seen in
  *"Type 'unknown' is not assignable to type 'string'"*) exit 0 ;;
  *) exit 1 ;;
esac
