// Drawing: a sparkline of the people in a meeting, and the bars of a person's visits.
import { offset } from "./i18n.js";
import { html } from "./preact.js";

// counts turns attendances into [time, people] steps.
export function counts(report) {
  const changes = [];
  for (const person of report.people) {
    for (const a of person.attendances) {
      changes.push([a.joinTime, 1]);
      if (a.leaveTime) changes.push([a.leaveTime, -1]);
    }
  }
  changes.sort((a, b) => a[0] - b[0]);
  let n = 0;
  return changes.map(([t, by]) => [t, n += by]);
}

const width = 160, height = 36;

export function Sparkline({ steps, until, label }) {
  if (!steps?.length) return html`<svg class="spark" viewBox="0 0 ${width} ${height}" aria-hidden="true"></svg>`;
  const from = steps[0][0], span = Math.max(until - from, 1000);
  const peak = steps.reduce((most, s) => Math.max(most, s[1]), 1);
  const x = t => (Math.max(0, t - from) / span * width).toFixed(1);
  const y = n => (height - 3 - n / peak * (height - 8)).toFixed(1);
  let line = `M0 ${y(0)}`;
  for (const [t, n] of steps) line += `H${x(t)}V${y(n)}`;
  line += `H${width}`;
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label=${`${label}: ${steps.map(s => s[1]).slice(-12).join(" ")}`}>
    <path class="area" d="${line}V${height}H0Z"/><path class="line" d=${line} vector-effect="non-scaling-stroke"/>
  </svg>`;
}

const day = 86400000;

// ticks are round times between from and to, at most five of them and none at the edges, where its text would not fit. Where
// the clock is changed in between they carry their distances from UTC, and are fewer for that.
function ticks(from, to) {
  const changes = offset(from) !== offset(to), n = changes ? 3 : 5;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400].map(s => s * 1000);
  const step = steps.find(s => (to - from) / s <= n) ?? Math.ceil((to - from) / n / day) * day;
  const zone = new Date(from).getTimezoneOffset() * 60000; // round by the clock on the wall
  const out = [], edge = (to - from) * 0.08;
  for (let t = Math.ceil((from + edge - zone) / step) * step + zone; t < to - edge; t += step) out.push(t);
  return { marks: out, text: step >= day ? "date" : (step < 60000 ? "second" : "minute") + (changes ? "Offset" : "") };
}

// Axis draws the times that a column of bars spans.
export function Axis({ from, to, w }) {
  const { marks, text } = ticks(from, to);
  return html`<svg class="axis" aria-hidden="true">${marks.map(t => {
    const x = percent(t - from, to - from);
    return html`<g><line x1=${x} x2=${x} y1="15" y2="20"/><text x=${x} y="11">${w[text](t)}</text></g>`;
  })}</svg>`;
}

const percent = (part, whole) => `${(100 * part / whole).toFixed(3)}%`;

// Bars draws visits as bars, gaps as shades behind them, and what is inferred with an open end.
export function Bars({ attendances, gaps, from, to, w }) {
  const span = Math.max(to - from, 1);
  const at = t => percent(Math.max(0, t - from), span);
  const wide = (a, b) => percent(Math.max(0, b - a), span);
  return html`<svg class="bars" aria-hidden="true">
    ${gaps.map(g => html`<rect class="gap" x=${at(g.from)} y="0" width=${wide(g.from, g.to || to)} height="100%"/>`)}
    ${attendances.map(a => {
      const end = a.leaveTime || to;
      const title = `${w.secondOffset(a.joinTime)} – ${a.leaveTime ? w.secondOffset(a.leaveTime) : w.stillHere}`;
      return html`<g>
        <rect class=${"visit" + (a.leaveTime ? "" : " open") + (a.ended === "kicked" ? " kicked" : "")} x=${at(a.joinTime)} y="20%" width=${wide(a.joinTime, end)} height="60%" rx="2"><title>${title}</title></rect>
        ${a.joinInferred && html`<line class="inferred" x1=${at(a.joinTime)} x2=${at(a.joinTime)} y1="8%" y2="92%"/>`}
        ${a.leaveInferred && a.leaveTime > 0 && html`<line class="inferred" x1=${at(end)} x2=${at(end)} y1="8%" y2="92%"/>`}
      </g>`;
    })}
  </svg>`;
}
