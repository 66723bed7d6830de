// How the month's calls and pushes stand, as readyz?verbose says.
import { html } from "./preact.js";
import { text } from "./api.js";
import { useReading } from "./use.js";

const counted = /used (\d+)(?: of (\d+)( as DingTalk says)?, \d+ left, lasts until (\S+?)|, no limit)[;)]/;

// parts reads the lines about the month: [+] works, [!] may stop to, [-] fails.
function parts(ready) {
  const found = {};
  for (const line of ready.split("\n")) {
    const [, mark, name, rest] = /^\[(.)\] (edition|month's calls|month's pushes)(?: ok\b|: )(.*)$/.exec(line) ?? [];
    if (!name) continue;
    const [, used, limit, told, lasts] = counted.exec(rest) ?? [];
    const note = /\((.*)\)$/.exec(rest)?.[1];
    found[name] = { used, limit, told, lasts, said: mark === "+" ? note : rest.split(", since ")[0], well: mark === "+" };
  }
  return found;
}

function Count({ what, part, w }) {
  if (!part?.used) return null;
  const n = number => Number(number).toLocaleString(w.locale);
  return html`<p>${what}: ${part.limit
    ? w.usedOf(n(part.used), n(part.limit), n(part.limit - part.used), part.lasts)
    : w.usedFreely(n(part.used))}${part.told && ` (${w.asTold})`}
    ${!part.well && html` <strong class="problem">${part.said}</strong>`}</p>`;
}

export function Month({ w, failed }) {
  const [{ value }] = useReading(async () => parts(await text("readyz?verbose")), { every: 60000, failed, on: [] });
  if (!value) return null;
  const { edition } = value;
  return html`<footer class="month hint">
    ${edition && html`<p class=${edition.well ? "" : "problem"}>${edition.said}</p>`}
    <${Count} what=${w.calls} part=${value["month's calls"]} w=${w}/>
    <${Count} what=${w.pushes} part=${value["month's pushes"]} w=${w}/>
  </footer>`;
}
