// Meetings that are over.
import { html, useEffect, useState } from "./preact.js";
import { get } from "./api.js";
import { useReading } from "./use.js";

export function Past({ w, hear, failed, version, query }) {
  const [text, setText] = useState(query);
  useEffect(() => setText(query), [query]);
  const read = async () => (await get(`v1/meetings?state=ended&limit=100&search=${encodeURIComponent(query)}`)).meetings;
  const [{ value, error }, soon] = useReading(read, { failed, on: [version, query] });
  useEffect(() => hear(e => { if (e.type === "conference.meeting.ended") soon(); }), []);
  const search = e => {
    e.preventDefault();
    location.hash = text ? `#/past?${new URLSearchParams({ q: text })}` : "#/past";
  };
  return html`
    <div class="bar">
      <h1>${w.pastMeetings}</h1>
      <form class="search" role="search" onSubmit=${search}>
        <label><span class="hidden">${w.search}</span><input type="search" maxlength="60" placeholder=${w.search} value=${text} onInput=${e => setText(e.target.value)}/></label>
        <button type="submit">${w.searchButton}</button>
      </form>
    </div>
    ${error && html`<p class="problem" role="alert">${w.failed}: ${error.message}</p>`}
    ${!value && !error && html`<p class="hint" role="status">${w.loading}</p>`}
    ${value?.length === 0 && html`<p class="empty card">${w.noneFound}</p>`}
    <ul class="meetings past">${(value ?? []).map(m => html`<li key=${m.conferenceId}><a class="card meeting" href=${`#/m/${encodeURIComponent(m.conferenceId)}`}>
      <span class="title"><strong dir="auto">${m.title || m.conferenceId}</strong>${m.title && html`<small>${m.conferenceId}</small>`}</span>
      <span class="people">${w.people(m.people)}</span>
      <span class="meta">
        ${m.startTime && html`<span>${w.day(Date.parse(m.startTime))}</span>`}
        ${m.startTime && m.endTime && html`<span>${w.span(m.duration)}</span>`}
        <span>${w.peak} ${m.peak}</span>
        ${m.creatorNick && html`<span dir="auto">${m.creatorNick}</span>`}
      </span>
    </a></li>`)}</ul>`;
}
