// How the month's calls and pushes stand.
import { html } from "./preact.js";
import { get } from "./api.js";
import { useReading } from "./use.js";

// has says which edition counts, and what that means for how soon people are seen.
function has({ edition, assumed, byNumber, unset, secondsPerCall: s }, w) {
  if (unset) return w.unset;
  const name = w.editions[edition], set = byNumber ? w.byNumber : name && assumed ? w.assumed(name) : name;
  const soon = !s ? w.polled : s < 1 ? w.soon : w.paced(w.span(s * 1000));
  return set ? set + w.sentence + soon : soon;
}

function Count({ what, part, w }) {
  const n = number => number.toLocaleString(w.locale), day = part.lastsUntil?.slice(0, 10); // where months begin
  const said = [part.told && w.asTold, part.robotMessages && w.robots(n(part.robotMessages))].filter(Boolean);
  return html`<p>${what}${w.sentence}${part.limit ? w.usedOf(n(part.used), n(part.limit), n(part.left), day) : w.usedFreely(n(part.used))}
    ${said.map(text => ` (${text})`)}
    ${part.usedUp ? html` <strong class="problem">${w.usedUp}</strong>` : part.runsOut && html` <strong class="problem">${w.goneOn(day)}</strong>`}</p>`;
}

export function Month({ w, failed }) {
  const [{ value }] = useReading(() => get("v1/month"), { every: 60000, failed, on: [] });
  return value && html`<footer class="month hint">
    <p class=${value.unset ? "problem" : ""}>${has(value, w)}</p>
    <${Count} what=${w.calls} part=${value.calls} w=${w}/>
    <${Count} what=${w.pushes} part=${value.pushes} w=${w}/>
  </footer>`;
}
