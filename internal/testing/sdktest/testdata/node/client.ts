// A program that uses the generated types. It watches a meeting, and reads it, its report and both lists.
import type createClient from "openapi-fetch";
import type { components, paths } from "./api";

function expect(what: string, ok: boolean): asserts ok {
  if (!ok) throw new Error(what);
}

export async function call(create: typeof createClient, base: string): Promise<void> {
  const client = create<paths>({ baseUrl: base });
  const path = { conferenceId: "office" };
  const watched = await client.PUT("/v1/meetings/{conferenceId}", { params: { path }, body: { title: "Mine" } });
  expect("the meeting", watched.data?.conferenceId === "office");

  const list = await client.GET("/v1/meetings");
  expect("a list", list.data !== undefined && list.data.state === "watched");
  const meetings: components["schemas"]["Meeting"][] = list.data.meetings;
  expect("the owner of a watched meeting", meetings.some(m => m.conferenceId === "office" && m.owner !== ""));

  const past = await client.GET("/v1/meetings", { params: { query: { state: "ended", search: "nobody" } } });
  expect("ended ones", past.data?.state === "ended");
  const peaks: number[] = past.data.meetings.map(m => m.peak);
  expect("none of that name", peaks.length === 0);

  const report = await client.GET("/v1/meetings/{conferenceId}/report", { params: { path } });
  expect("a report", report.data !== undefined && typeof report.data === "object" && report.data.conferenceId === "office");

  const wrong = await client.GET("/v1/meetings", { params: { query: { limit: 0 } } });
  expect("a problem", wrong.error?.status === 400 && wrong.error.detail.startsWith("limit"));
}
