// Drawing: a sparkline of the people in a meeting, and the bars of a person's visits.
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
  if (!steps || steps.length === 0) return html`<svg class="spark" viewBox="0 0 ${width} ${height}" aria-hidden="true"></svg>`;
  const from = steps[0][0], span = Math.max(until - from, 1000);
  const peak = Math.max(1, ...steps.map(s => s[1]));
  const x = t => (Math.max(0, t - from) / span * width).toFixed(1);
  const y = n => (height - 3 - n / peak * (height - 8)).toFixed(1);
  let line = `M0 ${y(0)}`;
  for (const [t, n] of steps) line += `H${x(t)}V${y(n)}`;
  line += `H${width}`;
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label=${`${label}: ${steps.map(s => s[1]).slice(-12).join(" ")}`}>
    <path class="area" d="${line}V${height}H0Z"/><path class="line" d=${line} vector-effect="non-scaling-stroke"/>
  </svg>`;
}

// ticks are round times between from and to, about n of them.
export function ticks(from, to, n) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400].map(s => s * 1000);
  const step = steps.find(s => (to - from) / s <= n) ?? steps.at(-1);
  const zone = new Date(from).getTimezoneOffset() * 60000;
  const out = [];
  for (let t = Math.ceil((from - zone) / step) * step + zone; t < to; t += step) out.push(t);
  return { ticks: out, step };
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
      const title = `${w.clock(a.joinTime)} – ${a.leaveTime ? w.clock(a.leaveTime) : w.stillHere}`;
      return html`<g>
        <rect class=${"visit" + (a.leaveTime ? "" : " open") + (a.ended === "kicked" ? " kicked" : "")} x=${at(a.joinTime)} y="20%" width=${wide(a.joinTime, end)} height="60%" rx="2"><title>${title}</title></rect>
        ${a.joinInferred && html`<line class="inferred" x1=${at(a.joinTime)} x2=${at(a.joinTime)} y1="8%" y2="92%"/>`}
        ${a.leaveInferred && a.leaveTime > 0 && html`<line class="inferred" x1=${at(end)} x2=${at(end)} y1="8%" y2="92%"/>`}
      </g>`;
    })}
  </svg>`;
}
