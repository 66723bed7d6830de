// What the page asks the service. Addresses are relative to the page, which may lie under a prefix of a proxy.

const patience = 30000; // ms until an answer is given up

export class Failure extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let offset = 0; // the service's clock less ours, in ms

// serverNow is the time by the service's clock.
export const serverNow = () => Date.now() + offset;

async function ask(path, options = {}) {
  const began = Date.now();
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(patience), ...options });
  const date = Date.parse(response.headers.get("Date"));
  if (date) {
    const seen = date + 500 - (began + Date.now()) / 2; // the header has whole seconds
    if (Math.abs(seen - offset) > 2000) offset = Math.abs(seen) > 2000 ? seen : 0;
  }
  if (response.ok) return response;
  let detail = response.statusText;
  try { detail = (await response.json()).detail; } catch { /* it is no problem document */ }
  throw new Failure(response.status, detail);
}

export const get = async path => (await ask(path)).json();

export const logIn = token => ask("login", { method: "POST", body: JSON.stringify({ token }), headers: { "Content-Type": "application/json" } });
export const logOut = () => ask("login", { method: "DELETE" });

export const reportPath = (id, format) => `v1/meetings/${encodeURIComponent(id)}/report?format=${format}`;
