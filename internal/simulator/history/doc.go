// Package history plays what happens in video meetings. It knows no clock, does no I/O and speaks
// no protocol: the same plans, seed and times lead to the same lists.
//
// A [Plan] says what is to happen in a meeting; [Generate] makes plans up. [Compile] turns plans
// into [Meetings]. A meeting's history is a list of [Action]s, each with its time: those that were
// planned, those that its [Churn] makes up as time goes by, and those that are done live
// ([Meetings.Do]). From the history follow, at any time,
//
//   - the member list as DingTalk would show it: [Meeting.Advance], then [Meeting.Rows],
//     [Meeting.Person] and [Meeting.Info];
//   - what really happened, and so what Rollcall must find out: [Meetings.Truth];
//   - what the platform tells by itself: [Meetings.Notices].
//
// The list and the truth are computed apart, so that a mistake in one shows as a difference from
// the other.
package history
