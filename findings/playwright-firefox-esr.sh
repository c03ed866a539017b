#!/usr/bin/env bash
# Program:  playwright-core 1.65.1 with Firefox ESR 153.8.0 (Debian 12) over WebDriver BiDi, and playwright-core 1.64.1 as the control.
# Input:    `firefox.launch({ channel: "moz-firefox" })`, a page, and the page's title.
# Expected: both open the page. Playwright's page about browsers says that the channel drives the Firefox that is installed.
# Seen:     1.65.1 opens no page: it sends `emulation.setMediaFeaturesOverride`, which this Firefox does not know, and gives up.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if a program could not be had or run.
set -euo pipefail
firefox=153.8.0esr-1~deb12u1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "firefox-esr=$firefox" 2>/dev/null ||
  { echo "Debian's firefox-esr $firefox cannot be downloaded" >&2; exit 2; }
dpkg -x firefox-esr_*.deb . || exit 2
echo '{"private":true,"type":"module"}' >package.json
npm install --no-audit --no-fund --loglevel=error seen@npm:playwright-core@1.65.1 control@npm:playwright-core@1.64.1 >/dev/null ||
  { echo "playwright-core cannot be installed" >&2; exit 2; }
cat >open.mjs <<'JS'
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [name] = process.argv.slice(2);
const { firefox } = require(name);
const browser = await firefox.launch({ channel: "moz-firefox", executablePath: "./usr/lib/firefox-esr/firefox-esr" });
console.log(`playwright-core ${require(`${name}/package.json`).version}, Firefox ${browser.version()}`);
try {
  const page = await browser.newPage();
  await page.goto("data:text/html,<title>opened</title>");
  console.log(await page.title());
} catch (error) {
  console.log(error.message.split("\n")[0]);
} finally {
  await browser.close();
}
JS
control=$(HOME=$folder node open.mjs control) || { echo "The browser cannot be started" >&2; exit 2; }
seen=$(HOME=$folder node open.mjs seen) || { echo "The browser cannot be started" >&2; exit 2; }
printf '%s\n' "$control" "$seen"
if [[ $control != *opened ]]; then
  echo "The control opens no page either: the script itself no longer works" >&2
  exit 2
fi
case $seen in
  *emulation.setMediaFeaturesOverride*) exit 0 ;;
  *) exit 1 ;;
esac
