// The page: what is going on, one meeting, and meetings that are over. Everything from outside becomes text, never markup.
import { html, render, useEffect, useRef, useState } from "./preact.js";
import { Failure, get, listen, logOut } from "./api.js";
import { other, preferred, remember, words } from "./i18n.js";
import { Login } from "./login.js";
import { Meeting } from "./meeting.js";
import { Now } from "./now.js";
import { Past } from "./past.js";

// route reads the address: #/, #/past?q=…, #/m/ID.
function route() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean);
  if (parts[0] === "m" && parts[1]) return { view: "meeting", id: decodeURIComponent(parts[1]) };
  if (parts[0] === "past") return { view: "past", query: new URLSearchParams(query).get("q") ?? "" };
  return { view: "now" };
}

function App() {
  const [language, setLanguage] = useState(preferred);
  const [where, setWhere] = useState(route);
  const [connection, setConnection] = useState("connecting");
  const [locked, setLocked] = useState(false);
  const [session, setSession] = useState(0); // counts log-ins: everything begins anew
  const [version, setVersion] = useState(0); // counts the times that everything has to be read again
  const listeners = useRef(new Set());
  const main = useRef(null);
  const w = words(language);

  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    remember(language);
  }, [language]);

  useEffect(() => {
    const moved = () => {
      setWhere(route());
      main.current?.focus();
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);

  // failed tells what a failure means for the whole page.
  const failed = error => {
    if (error instanceof Failure && error.status === 401) setLocked(true);
  };

  useEffect(() => {
    if (locked) return;
    let since;
    return listen({
      event: e => listeners.current.forEach(f => f(e)),
      state: (state, again) => {
        clearTimeout(since);
        if (state === "live" && again) {
          setVersion(v => v + 1);
          setConnection("back");
          since = setTimeout(() => setConnection("live"), 4000);
          return;
        }
        setConnection(state);
        if (state === "lost") get("/v1/meetings?state=ended&limit=1").catch(failed); // is it that nobody is logged in?
      },
    });
  }, [locked, session]);

  const hear = f => {
    listeners.current.add(f);
    return () => listeners.current.delete(f);
  };
  const shared = { w, hear, failed, version };
  const status = { connecting: w.connecting, lost: w.lost, live: w.live, back: w.back }[connection];
  return html`
    <a class="skip" href="#main" onClick=${e => { e.preventDefault(); main.current.focus(); }}>${w.skip}</a>
    <header>
      <a class="brand" href="#/"><img src="/assets/icon.svg" alt="" width="24" height="24"/>Rollcall</a>
      <nav aria-label="Rollcall">
        <a href="#/" aria-current=${where.view === "now" ? "page" : null}>${w.now}</a>
        <a href="#/past" aria-current=${where.view === "past" ? "page" : null}>${w.past}</a>
      </nav>
      ${!locked && html`<p class=${"connection " + connection} role="status">${status}</p>`}
      <div class="tools">
        ${session > 0 && !locked && html`<button class="quiet" onClick=${() => logOut().finally(() => setLocked(true))}>${w.logout}</button>`}
        <button class="quiet" lang=${language === "en" ? "zh-CN" : "en"} aria-label=${w.languageLabel} onClick=${() => setLanguage(other(language))}>${w.language}</button>
      </div>
    </header>
    <main id="main" ref=${main} tabindex="-1">
      ${locked
        ? html`<${Login} w=${w} done=${() => { setSession(session + 1); setLocked(false); }}/>`
        : where.view === "meeting" ? html`<${Meeting} key=${`${where.id} ${session}`} id=${where.id} ...${shared}/>`
        : where.view === "past" ? html`<${Past} key=${session} query=${where.query} ...${shared}/>`
        : html`<${Now} key=${session} ...${shared}/>`}
    </main>`;
}

render(html`<${App}/>`, document.getElementById("app"));
