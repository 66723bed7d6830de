// Texts in English and Chinese. Whatever comes from outside never passes through here.

const texts = {
  en: {
    now: "Now", past: "Past", language: "中文", languageLabel: "以中文显示", skip: "Skip to content", logout: "Log out",
    live: "Live", connecting: "Connecting…", lost: "Connection lost. Trying again…", back: "Connected again, and up to date.",
    meetingsNow: "Meetings now", nothingNow: "No meeting is watched at present.",
    nothingNowHint: "Meetings appear here when they start. To watch one at once: PUT /v1/meetings/{id}.",
    filter: "Filter by title or id", filterPeople: "Filter by name", people: n => n === 1 ? "1 person" : `${n} people`, looked: "looked at", never: "not looked at yet",
    owner: "by", nobody: "nobody", more: n => `${n} more: filter to find them`, failing: "cannot be read", trend: "People over time",
    pastMeetings: "Past meetings", search: "Search by title, id or creator", searchButton: "Search", noneFound: "Nothing found.",
    peak: "Peak", started: "Started", ended: "Ended", duration: "Duration", here: "Here now",
    attended: "Attended", goesOn: "going on", download: "Download the report:", incomplete: "Events are missing: there may have been more visits than are shown.", loading: "Loading…", gone: "Nothing is stored of this meeting.",
    name: "Name", visits: "Visits", total: "Total", timeline: "Timeline", roster: "People", events: "As it happens", noEvents: "Nothing yet since this page was opened.",
    host: "host", coHost: "co-host", guest: "from outside", phone: "by phone", present: "here", away: "left",
    joinedAt: "joined", leftAt: "left", stillHere: "still here", inferred: "time inferred", wasHere: "was here", removed: "removed", nobodyYet: "Nobody yet.",
    legendGap: "Rollcall could not look", backToList: "All meetings", show: "Show visits of", hide: "Hide visits of",
    loginTitle: "Log in", loginOrganisation: "Log in with your organisation", loginHint: "This Rollcall is protected by its API token (ROLLCALL_API_TOKEN).", token: "API token",
    loginButton: "Log in", wrong: "That is not the token.", tooMany: "Too many wrong tokens. Try again in a few seconds.",
    failed: "That did not work", secondsAgo: n => `${n} s ago`, minutesAgo: n => `${n} min ago`, rows: n => `Show all ${n}`,
    reasons: { left: "left", kicked: "kicked", disconnected: "disconnected", vanished: "vanished", meeting_ended: "meeting ended" },
    verbs: { "member.joined": "joined", "member.left": "left", "member.kicked": "was kicked", "meeting.started": "The meeting started", "meeting.updated": "More is known of the meeting", "meeting.ended": "The meeting ended", "meeting.gap": "Rollcall could not look", "source.blind": "Nobody looks for meetings", "source.seeing": "Meetings are looked for again" },
    locale: "en", calls: "Calls this month", pushes: "Pushes this month", asTold: "DingTalk says",
    usedOf: (used, limit, left, until) => `${used} of ${limit} used, ${left} left, lasts until ${until}`, usedFreely: used => `${used} used, no limit`,
    goneOn: day => `at this pace gone on ${day}`, usedUp: "used up", robots: n => `${n} of them messages of robots`,
    editions: { standard: "DingTalk's standard edition", professional: "DingTalk's professional edition", pack: "DingTalk's pack of calls" },
    assumed: edition => `${edition} is assumed`, byNumber: "The month's calls are set by number", sentence: ": ",
    unset: "No limit of the month's calls is set, and none is assumed as this installation is older than the setting: the standard edition's 5,000 calls may be gone within days. Set ROLLCALL_DINGTALK_EDITION, or ROLLCALL_DINGTALK_MONTHLY_CALLS (0 for no limit).",
    paced: span => `one call every ${span} of office hours for all meetings together. People are seen at once while pushes arrive, and without pushes only when their meeting's turn comes.`,
    soon: "people are seen within seconds, also without pushes.", polled: "people are seen as soon as the intervals of polling say.",
    rejoined: "came back", gaps: n => n === 1 ? "1 gap" : `${n} gaps`, h: "h", min: "min", s: "s",
  },
  zh: {
    now: "进行中", past: "历史", language: "English", languageLabel: "Show in English", skip: "跳到正文", logout: "退出登录",
    live: "实时", connecting: "连接中…", lost: "连接已断开，正在重试…", back: "已重新连接，数据已更新。",
    meetingsNow: "进行中的会议", nothingNow: "目前没有正在关注的会议。",
    nothingNowHint: "会议开始后会显示在这里。立即关注某个会议：PUT /v1/meetings/{id}。",
    filter: "按标题或编号筛选", filterPeople: "按姓名筛选", people: n => `${n} 人`, looked: "查看于", never: "尚未查看",
    owner: "由", nobody: "无", more: n => `还有 ${n} 个，请筛选`, failing: "无法读取", trend: "人数变化",
    pastMeetings: "历史会议", search: "按标题、编号或创建人搜索", searchButton: "搜索", noneFound: "没有找到。",
    peak: "峰值", started: "开始", ended: "结束", duration: "时长", here: "当前在场",
    attended: "参会人数", goesOn: "进行中", download: "下载报告：", incomplete: "部分事件缺失：实际参会记录可能更多。", loading: "加载中…", gone: "没有这个会议的记录。",
    name: "姓名", visits: "次数", total: "总时长", timeline: "时间线", roster: "人员", events: "实时动态", noEvents: "打开本页后还没有新动态。",
    host: "主持人", coHost: "联席主持人", guest: "外部人员", phone: "电话接入", present: "在场", away: "已离开",
    joinedAt: "加入", leftAt: "离开", stillHere: "仍在场", inferred: "时间为推断", wasHere: "曾在场", removed: "被移出", nobodyYet: "还没有人。",
    legendGap: "Rollcall 无法查看", backToList: "全部会议", show: "展开参会记录：", hide: "收起参会记录：",
    loginTitle: "登录", loginOrganisation: "使用组织账号登录", loginHint: "本 Rollcall 受 API 令牌（ROLLCALL_API_TOKEN）保护。", token: "API 令牌",
    loginButton: "登录", wrong: "令牌不正确。", tooMany: "错误次数过多，请几秒后再试。",
    failed: "操作失败", secondsAgo: n => `${n} 秒前`, minutesAgo: n => `${n} 分钟前`, rows: n => `显示全部 ${n} 人`,
    reasons: { left: "离开", kicked: "被移出", disconnected: "掉线", vanished: "消失", meeting_ended: "会议结束" },
    verbs: { "member.joined": "加入", "member.left": "离开", "member.kicked": "被移出", "meeting.started": "会议开始", "meeting.updated": "会议信息更新", "meeting.ended": "会议结束", "meeting.gap": "Rollcall 无法查看", "source.blind": "暂时无法发现会议", "source.seeing": "已恢复发现会议" },
    locale: "zh-CN", calls: "本月调用", pushes: "本月推送", asTold: "钉钉提示",
    usedOf: (used, limit, left, until) => `已用 ${used} / ${limit}，剩余 ${left}，可用至 ${until}`, usedFreely: used => `已用 ${used}，不限量`,
    goneOn: day => `按此速度将于 ${day} 用完`, usedUp: "已用完", robots: n => `其中机器人消息 ${n} 条`,
    editions: { standard: "钉钉标准版", professional: "钉钉专业版", pack: "钉钉调用量资源包" },
    assumed: edition => `未设置版本，按${edition}计算`, byNumber: "本月调用次数按设置的数量", sentence: "：",
    unset: "未设置每月调用上限；本安装早于该设置，因此不作假定：标准版的 5,000 次调用可能几天内用完。请设置 ROLLCALL_DINGTALK_EDITION，或 ROLLCALL_DINGTALK_MONTHLY_CALLS（0 为不限）。",
    paced: span => `办公时间内所有会议合计每 ${span} 调用一次。有推送时人员进出立即可见；没有推送时，要等轮到所在的会议。`,
    soon: "没有推送也能在几秒内看到人员进出。", polled: "多久能看到人员进出，取决于轮询间隔。",
    rejoined: "重新加入", gaps: n => `${n} 段空白`, h: "小时", min: "分", s: "秒",
  },
};

const key = "rollcall.language";

// preferred is the language chosen before, else the browser's.
export function preferred() {
  try {
    const chosen = localStorage.getItem(key);
    if (chosen in texts) return chosen;
  } catch { /* a browser may forbid to keep anything */ }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function remember(language) {
  try { localStorage.setItem(key, language); } catch { /* then it is asked again */ }
}

// withOffset writes a time with its distance from UTC: an hour comes twice where summer time ends.
const withOffset = write => ms => write(ms) + offset(ms);

// offset is the distance from UTC, as +02:00.
export function offset(ms) {
  const minutes = -new Date(ms).getTimezoneOffset(), part = n => String(Math.floor(n)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${part(Math.abs(minutes) / 60)}:${part(Math.abs(minutes) % 60)}`;
}

export const other = language => (language === "en" ? "zh" : "en");

// words returns the texts of a language, and how it writes times.
export function words(language) {
  const t = texts[language];
  const locale = language === "zh" ? "zh-CN" : navigator.language.startsWith("en") ? navigator.language : "en-GB";
  const format = options => {
    const f = new Intl.DateTimeFormat(locale, options);
    return ms => f.format(ms);
  };
  const minutes = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, seconds = { ...minutes, second: "2-digit" }, days = { day: "numeric", month: "short" };
  const thisYear = format({ ...days, ...minutes }), anyYear = format({ year: "numeric", ...days, ...minutes });
  return {
    ...t,
    second: format(seconds), secondOffset: withOffset(format(seconds)), minute: format(minutes), minuteOffset: withOffset(format(minutes)), date: format(days),
    day: withOffset(ms => (new Date(ms).getFullYear() === new Date().getFullYear() ? thisYear : anyYear)(ms)),
    span(ms) {
      const s = Math.round(ms / 1000);
      if (s < 60) return `${s} ${t.s}`;
      if (s < 3600) return `${Math.floor(s / 60)} ${t.min} ${s % 60} ${t.s}`;
      return `${Math.floor(s / 3600)} ${t.h} ${Math.floor(s % 3600 / 60)} ${t.min}`;
    },
    ago(ms) {
      const s = Math.max(0, Math.round(ms / 1000));
      return s < 120 ? t.secondsAgo(s) : t.minutesAgo(Math.floor(s / 60));
    },
  };
}
